"""`quietcore plugins`: the project's own provider plugins, started by the engine without any language host."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import click

from quietcore.cli.answer import answer_json, json_option, say
from quietcore.cli.project import Project, find_project
from quietcore.cli.versions import engine_path
from quietcore.errors import EnvironmentFault


@dataclass(frozen=True)
class Plugin:
    """A provider that quietcore serves: its name, the version of the SDK it serves, and the module that runs it."""

    name: str
    version: str
    module: str

    @property
    def folder(self) -> PurePosixPath:
        """Its folder, relative to Pulumi.yaml. It names this machine's Python, so it is not committed."""
        return PurePosixPath(f".quietcore/plugins/pulumi-{self.name}")

    @property
    def executable(self) -> str:
        """The file name that the engine looks for."""
        return f"pulumi-resource-{self.name}"


PLUGINS: Final = (Plugin("libvirt", "0.5.4", "quietcore.plugins.libvirt"),)


@click.group()
def plugins() -> None:
    """Wire quietcore's provider plugins into a project of yours."""


@plugins.command(short_help="Wire the plugins into this project, or into every project.")
@click.option("--global", "machine_wide", is_flag=True, help="For every project of this user, not for one.")
@json_option
def install(machine_wide: bool, as_json: bool) -> None:
    """Let the engine serve libvirt resources of this project by quietcore's plugin.

    Writes the `plugins:` stanza of Pulumi.yaml and a folder below .quietcore/ that starts this Python. The folder
    is for this machine only: leave it out of version control and run this once in each clone.
    """
    if machine_wide:
        for plugin in PLUGINS:
            install_globally(plugin)
        done = [{"name": plugin.name, "version": plugin.version, "scope": "global"} for plugin in PLUGINS]
    else:
        project = find_project()
        done = [{"name": plugin.name, **wire(project, plugin)} for plugin in PLUGINS]
    if as_json:
        answer_json({"plugins": done})


@plugins.command("list", short_help="List the plugins and the folder that serves each.")
@json_option
def list_plugins(as_json: bool) -> None:
    """List the plugins, and which folder serves each in this project."""
    project = find_project()
    rows = [_row(project, plugin) for plugin in PLUGINS]
    if as_json:
        answer_json({"plugins": rows})
        return
    for row in rows:
        click.echo(f"{row['name']} {row['version']}  {row['fault'] or 'served from ' + row['path']}")


def wiring(project: Project, plugin: Plugin) -> tuple[str, str]:
    """The path that the project names for a plugin, and what is wrong with it; "" where nothing is."""
    entry = project.provider(plugin.name)
    if entry is None:
        return "", "not wired in Pulumi.yaml"
    path = str(entry.get("path", ""))
    folder = project.folder / path
    file = folder / plugin.executable
    if not file.is_file():
        runnable = (folder / "PulumiPlugin.yaml").is_file()
        return path, "" if runnable else f"{path} holds no {plugin.executable}"
    if not os.access(file, os.X_OK):
        return path, f"{path}/{plugin.executable} is not executable"
    python = _python_of(file)
    return path, f"{path} starts {python}, which is gone" if python and not Path(python).exists() else ""


def wire(project: Project, plugin: Plugin) -> dict[str, str]:
    """Write a plugin's folder and its entry in Pulumi.yaml, unless the project serves it from a folder of its own."""
    path, fault = wiring(project, plugin)
    if path and not fault and path != str(plugin.folder) and plugin.module in _text(project, path, plugin):
        say(f"{plugin.name}: already served from {path}")
        return {"path": path, "scope": "project"}
    from quietcore.cli.stanza import wired

    before = project.file.read_text(encoding="utf-8")
    after = wired(before, plugin.name, plugin.folder)
    write_launcher(project.folder / plugin.folder, plugin)
    if after != before:
        project.file.write_text(after, encoding="utf-8")
    say(f"wrote  {plugin.folder}/, which serves {plugin.name} by {sys.executable}")
    say(f"{'wrote' if after != before else 'kept '}  its entry in {project.file.name}")
    _tell_about_git(project.folder)
    return {"path": str(plugin.folder), "scope": "project"}


def write_launcher(folder: Path, plugin: Plugin) -> None:
    """A folder whose executable is this very Python running the plugin's module."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / plugin.executable
    file.write_text(
        "#!/bin/sh\n"
        "# Written by `quietcore plugins install`: run it again when the Python environment has moved.\n"
        f'exec {shlex.quote(sys.executable)} -u -m {plugin.module} "$@"\n',
        encoding="utf-8",
    )
    file.chmod(file.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def install_globally(plugin: Plugin) -> None:
    """Install a plugin into the engine's own store. Raises EnvironmentFault where the engine is missing or refuses."""
    engine = engine_path()
    if engine is None:
        raise EnvironmentFault("the Pulumi CLI is not installed", hint="https://www.pulumi.com/docs/install/")
    say(
        f"warning: every project of this user that uses {plugin.name} {plugin.version} will be served by quietcore's\n"
        f"plugin from now on. Undo: pulumi plugin rm resource {plugin.name} {plugin.version} --yes"
    )
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        write_launcher(Path(folder), plugin)
        command = [str(engine), "plugin", "install", "resource", plugin.name, plugin.version, "--file", folder]
        say("+ " + shlex.join([*command[:-1], "DIR"]))
        done = subprocess.run([*command, "--reinstall"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise EnvironmentFault("the engine did not install the plugin", given=(done.stderr or done.stdout).strip())
    say(f"{plugin.name}: installed for every project")


def _row(project: Project, plugin: Plugin) -> dict[str, str]:
    path, fault = wiring(project, plugin)
    return {"name": plugin.name, "version": plugin.version, "path": path, "fault": fault}


def _text(project: Project, path: str, plugin: Plugin) -> str:
    file = project.folder / path / plugin.executable
    return file.read_text(encoding="utf-8", errors="replace")[:4096] if file.is_file() else ""


def _python_of(file: Path) -> str:
    """The absolute interpreter that a launcher of ours starts; "" for any other file."""
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        words = line.split()
        if words[:1] == ["exec"] and len(words) > 1:
            first = shlex.split(line)[1]
            return first if first.startswith("/") else ""
    return ""


def _tell_about_git(folder: Path) -> None:
    ignore = folder / ".gitignore"
    known = ignore.read_text(encoding="utf-8").splitlines() if ignore.is_file() else []
    if (folder / ".git").exists() and not {".quietcore", ".quietcore/", "/.quietcore/"} & set(known):
        say("hint: add .quietcore/ to .gitignore, as it names this machine's Python")
