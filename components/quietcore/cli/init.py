"""`quietcore init`: a first project that checks and previews, for the machine or the hosts that it is pointed at."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from quietcore.cli.answer import answer_json, json_option, say
from quietcore.errors import EnvironmentFault

if TYPE_CHECKING:
    from quietcore.cli.starter import Found

PLANNED = "# `pages` is a plan: the host has fewer reserved than the example node needs. See README.md.\n"
LOCAL_URI = "qemu:///system"


@click.command()
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option("--host", "uris", metavar="URI", multiple=True, help="A host to describe, by libvirt URI; repeatable.")
@click.option("--name", metavar="NAME", help="The project's name; the folder's unless given.")
@click.option(
    "--stack", metavar="STACK", default="dev", show_default=True, help="The stack that the next commands name."
)
@json_option
def init(directory: Path, uris: tuple[str, ...], name: str | None, stack: str, as_json: bool) -> None:
    """Write a first working project into DIR (here unless given): program, topology, policy pack, plugins.

    Without --host it describes this machine, read by lscpu. A file that is there already stays as it is.
    """
    from quietcore.cli import starter

    folder = directory.resolve()
    if any((folder / file).exists() for file in ("Pulumi.yaml", "Pulumi.yml")):
        raise EnvironmentFault(
            "a Pulumi project is there already",
            where=str(folder),
            hint="`quietcore plugins install` wires it; `quietcore inventory URI -o hosts/NAME.yaml` describes a host",
        )
    project = name or starter.identifier(folder.name, "quietcore-project")
    hosts = [found_at(uri) for uri in uris] or [found_here()]
    written = write(folder, files(folder, project, _distinct(hosts), stack))
    _wire(folder)
    if as_json:
        answer_json({"folder": str(folder), "written": written, "next": starter.commands(stack)})
        return
    enter = "" if folder == Path.cwd() else f"  cd {directory}\n"
    say("\nnext:\n" + enter + "\n".join(f"  {command}" for command in starter.commands(stack)))


def files(folder: Path, project: str, hosts: list[Found], stack: str) -> dict[str, str]:
    """Path to text of every file of the project."""
    from quietcore.cli import starter
    from quietcore.cli.inventory import topology_file

    plans = [starter.cpu_plan(host.topology, host.source) for host in hosts]
    topologies, pages = {}, []
    for host, plan in zip(hosts, plans, strict=True):
        topology, lacking = starter.planned(host.topology, plan)
        topologies[f"hosts/{host.name}.yaml"] = topology_file(topology, host.source) + (PLANNED if lacking else "")
        pages += starter.reserve_commands(host.name, lacking)
    environment = python_environment(folder)
    return {
        "Pulumi.yaml": starter.project_file(project, environment),
        "__main__.py": starter.program(hosts, plans),
        **topologies,
        "policies/PulumiPolicy.yaml": starter.pack_file(_from_below(environment)),
        "policies/__main__.py": starter.pack_program(project),
        ".gitignore": starter.IGNORE,
        "README.md": starter.readme(project, hosts, pages, stack),
    }


def write(folder: Path, texts: dict[str, str]) -> list[str]:
    """Write the files that are not there yet; say which were written and which were kept."""
    written = []
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            say(f"kept   {name}")
        else:
            written.append(name)
            say(f"wrote  {name}")
    return written


def found_here() -> Found:
    """This machine, read without libvirt."""
    from quietcore.cli.machine import local_topology
    from quietcore.cli.starter import Found, identifier

    name = identifier(platform.node().split(".")[0], "hv1")
    return Found(name, LOCAL_URI, "this machine (lscpu and sysfs)", local_topology(), os.access("/dev/kvm", os.F_OK))


def found_at(uri: str) -> Found:
    """The host at a libvirt URI. Raises EnvironmentFault where it does not answer."""
    from quietcore.cli.hypervisor import opened
    from quietcore.cli.starter import Found, identifier
    from quietcore.lab.description import lab_of
    from quietcore.render.capabilities import has_kvm, lift

    with opened(uri) as connection:
        xml, reported = connection.getCapabilities(), connection.getHostname()
    lab = lab_of(uri)
    if lab is not None:
        (host,) = lab.hosts
        return Found(host.name, uri, uri, host.topology, lab.facts["accelerator"] == "kvm", lab.facts)
    name = identifier((urlsplit(uri).hostname or reported).split(".")[0], "hv1")
    return Found(name, uri, uri, lift(xml), has_kvm(xml))


def python_environment(folder: Path) -> str:
    """The virtual environment of this command, relative if inside the project; "" for a system Python."""
    if sys.prefix == sys.base_prefix:
        return ""
    environment = Path(sys.prefix)
    return str(environment.relative_to(folder)) if environment.is_relative_to(folder) else str(environment)


def _from_below(environment: str) -> str:
    return environment if not environment or Path(environment).is_absolute() else f"../{environment}"


def _distinct(hosts: list[Found]) -> list[Found]:
    """Hosts whose names would be the same get a number."""
    from dataclasses import replace

    seen: dict[str, int] = {}
    named = []
    for host in hosts:
        seen[host.name] = count = seen.get(host.name, 0) + 1
        named.append(host if count == 1 else replace(host, name=f"{host.name}-{count}"))
    return named


def _wire(folder: Path) -> None:
    from quietcore.cli.plugins import PLUGINS, wire
    from quietcore.cli.project import find_project

    for plugin in PLUGINS:
        wire(find_project(folder), plugin)
