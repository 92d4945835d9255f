"""`quietcore inventory`: a host's hardware into a topology file that people review and commit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from quietcore.cli.answer import answer_json, json_option, plural, say
from quietcore.cli.versions import distribution

if TYPE_CHECKING:
    from quietcore.spec.topology import HostTopology

LOCAL = ("local", "-")


@click.command()
@click.argument("uri")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
@json_option
def inventory(uri: str, output: Path | None, as_json: bool) -> None:
    """Read the host at URI: its CPUs, siblings, NUMA cells, memory and hugepage pools.

    URI is libvirt's, such as qemu+ssh://hv1/system. `local` (or `-`) reads this machine without libvirt.
    """
    topology = read_topology(uri)
    if output is not None:
        _write(output, topology_file(topology, uri))
    if as_json:
        answer_json({"uri": uri, "topology": topology.model_dump(mode="json", exclude={"schema_version"})})
    elif output is None:
        click.echo(topology_file(topology, uri), nl=False)
    if output is not None and not as_json:
        say(f"read {summary(topology)} from {uri}")


def read_topology(uri: str) -> HostTopology:
    """The topology of the host at `uri`, or of this machine for `local`. Raises EnvironmentFault."""
    if uri in LOCAL:
        from quietcore.cli.machine import local_topology

        return local_topology()
    from quietcore.cli.hypervisor import opened
    from quietcore.render.capabilities import lift

    with opened(uri) as connection:
        return lift(connection.getCapabilities())


def topology_file(topology: HostTopology, uri: str) -> str:
    """The topology as a commented YAML text."""
    source = "this machine (lscpu and sysfs)" if uri in LOCAL else uri
    lines = [
        f"# Read from {source} by quietcore {distribution('quietcore')}.",
        "# Review it: proofs at preview rest on this file. `pages` are the hugepages that are reserved now, by NUMA",
        "# cell and page size; write what the host is to reserve at boot, such as `pages: {2MiB: 1024}`.",
    ]
    return "\n".join(lines) + "\n" + topology.text()


def summary(topology: HostTopology) -> str:
    """`16 CPUs, 8 cores, 2 NUMA cells, 64GiB`."""
    from quietcore.units import Size

    cpus = len(topology.cpus)
    memory = Size(sum(cell.memory.bytes for cell in topology.cells))
    return ", ".join(
        [
            plural(cpus, "CPU"),
            plural(len(topology.cores) or cpus, "core"),
            plural(len(topology.cells), "NUMA cell"),
            f"{memory.bytes / (1 << 30):.1f} GiB",
        ]
    )


def _write(path: Path, text: str) -> None:
    known = path.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    say(f"wrote {path}" + (f" over an older one: `git diff {path}` shows what changed" if known else ""))
