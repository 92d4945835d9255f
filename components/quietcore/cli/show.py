"""`quietcore show`: who has which host CPU, as text and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from quietcore.cli.answer import answer_json, json_option, say
from quietcore.cli.running import run_stack, stack_argument, told_errors
from quietcore.errors import EnvironmentFault

if TYPE_CHECKING:
    from quietcore.spec.site import HostView, SiteSpec


@click.command()
@stack_argument
@click.option("--cpus", is_flag=True, help="The CPU map of each host: the only picture so far, so the default.")
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="Also write the picture to this file.")
@click.option("--host", "wanted", metavar="NAME", multiple=True, help="Only this host; repeatable.")
@json_option
@click.pass_context
def show(ctx: click.Context, stack: str, cpus: bool, svg: Path | None, wanted: tuple[str, ...], as_json: bool) -> None:
    """Draw who has which CPU of each host of STACK.

    Each CPU has a mark below its number: a node's letter, or a sign that the legend explains. A node's own line says
    which vCPU runs where, and at which priority.
    """
    del cpus
    run = run_stack(stack)
    site = chosen(run.site, wanted)
    if as_json:
        answer_json({"stack": stack, "hosts": [data(view) for view in site.views()]})
    else:
        from quietcore.render.diagram import cpu_map

        click.echo("\n".join(cpu_map(view) for view in site.views()), nl=False)
    if svg is not None:
        from quietcore.render.diagram_svg import cpu_map_svg

        svg.parent.mkdir(parents=True, exist_ok=True)
        svg.write_text(cpu_map_svg(site), encoding="utf-8")
        say(f"wrote {svg}")
    ctx.exit(1 if told_errors(run, "") else 0)


def chosen(site: SiteSpec, wanted: tuple[str, ...]) -> SiteSpec:
    """The site with the named hosts only, with all where none is named. Raises EnvironmentFault for an unknown name."""
    names = [host.name for host in site.hosts]
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise EnvironmentFault("no such host", given=", ".join(unknown), allowed=", ".join(names) or "none is declared")
    if not wanted:
        return site
    hosts = tuple(host for host in site.hosts if host.name in wanted)
    nodes = tuple(node for node in site.nodes if node.host is not None and node.host.name in wanted)
    return site.model_copy(update={"hosts": hosts, "nodes": nodes})


def data(view: HostView) -> dict[str, Any]:
    """The map as plain data: every CPU with its NUMA cell, its core's threads, its use and what is pinned there."""
    from quietcore.render.cpu_use import MEANING, uses

    topology = view.host.topology
    rows = []
    for cpu, use in sorted(uses(view).items()):
        cell = topology.cell_of(cpu)
        rows.append(
            {
                "cpu": cpu,
                "cell": cell.id if cell else None,
                "core": list(topology.core_of(cpu)),
                "use": MEANING.get(use.mark, "pinned"),
                "pinned": [{"domain": domain.name, "vcpu": vcpu} for domain, vcpu in use.pinned],
            }
        )
    return {"host": view.host.name, "cpus": rows}
