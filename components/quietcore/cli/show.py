"""`quietcore show`: who has which host CPU, as text and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from quietcore.cli.answer import answer_json, json_option, plural, say
from quietcore.cli.running import run_stack, stack_argument
from quietcore.errors import EnvironmentFault

if TYPE_CHECKING:
    from quietcore.spec.site import HostView, SiteSpec


@click.command()
@stack_argument
@click.option("--cpus", is_flag=True, help="The CPU map of each host (the only picture so far, so the default).")
@click.option(
    "--svg", type=click.Path(path_type=Path), help="Also write the picture: a file, or a folder for all hosts."
)
@click.option("--host", "wanted", metavar="NAME", multiple=True, help="Only this host; repeatable.")
@json_option
@click.pass_context
def show(ctx: click.Context, stack: str, cpus: bool, svg: Path | None, wanted: tuple[str, ...], as_json: bool) -> None:
    """Draw who has which CPU of each host of STACK.

    A capital letter is a kind of use, a small one a node: its line below the map says which vCPU runs where.
    """
    del cpus
    run = run_stack(stack)
    views = chosen(run.site, wanted)
    if as_json:
        answer_json({"stack": stack, "hosts": [data(view) for view in views]})
    else:
        from quietcore.render.diagram import cpu_map

        click.echo("\n".join(cpu_map(view) for view in views), nl=False)
    for path, view in pictures(svg, views):
        from quietcore.render.diagram_svg import cpu_map_svg

        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(cpu_map_svg(view), encoding="utf-8")
        say(f"wrote {path}")
    errors = sum(finding.severity == "error" for finding in run.findings)
    if errors:
        say(f"the program has {plural(errors, 'error')}: quietcore check {stack}")
        ctx.exit(1)


def chosen(site: SiteSpec, wanted: tuple[str, ...]) -> list[HostView]:
    """The views of the named hosts, of all where none is named. Raises EnvironmentFault for an unknown name."""
    views = {view.host.name: view for view in site.views()}
    unknown = [name for name in wanted if name not in views]
    if unknown:
        raise EnvironmentFault("no such host", given=", ".join(unknown), allowed=", ".join(views) or "none is declared")
    return [view for name, view in views.items() if not wanted or name in wanted]


def pictures(svg: Path | None, views: list[HostView]) -> list[tuple[Path, HostView]]:
    """A file for each host: the given one for a single host, else one named after the host in the given folder."""
    if svg is None:
        return []
    if svg.suffix == ".svg" and len(views) == 1:
        return [(svg, views[0])]
    if svg.suffix == ".svg":
        raise EnvironmentFault(
            "one file cannot hold several hosts",
            given=f"{svg}, {len(views)} hosts",
            hint=f"name one with --host, or give a folder: --svg {svg.parent / 'cpus'}",
        )
    return [(svg / f"{view.host.name}.svg", view) for view in views]


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
