"""``quietcore lab demo``: the main job from end to end, every command shown, every claim proved on what runs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from quietcore import lab as labs
from quietcore.errors import EnvironmentFault
from quietcore.lab import environment
from quietcore.lab.evidence import Evidence, await_guest, inside, latency, outside
from quietcore.lab.state import LabState
from quietcore.spec.site import SiteSpec

STACK = "lab"
POLICIES = ("--policy-pack", "policies")


@click.command()
@click.option("--name", default="lab", show_default=True, help="Which lab to use; it is brought up if need be.")
@click.option("--hugepages", default="1GiB", show_default=True, metavar="SIZE", help="2 MiB pages for each host.")
def demo(name: str, hugepages: str) -> None:
    """Make two real-time guests on two hypervisors with pulumi, and prove what was declared."""
    begun = time.monotonic()
    state = _lab(name, hugepages)
    env = {**os.environ, **environment.of(name)}
    _title("Preview, judged by the policy pack")
    _pulumi(env, "stack", "select", "--create", STACK)
    _pulumi(env, "preview", *POLICIES)
    _title("Up")
    _pulumi(env, "up", "--yes", "--skip-preview", *POLICIES)
    site = _declared(env)
    held = _prove(state, site)
    _title("Preview again: nothing to do")
    _pulumi(env, "preview", "--expect-no-changes", *POLICIES)
    _close(state, site, name, begun)
    sys.exit(0 if held else 1)


def _lab(name: str, hugepages: str) -> LabState:
    from quietcore.units import Size

    _title("Two hypervisors on this machine")
    pages = Size.parse(hugepages).bytes // labs.PAGE
    return labs.up(labs.Plan(name=name, hosts=2, pages=pages, tiers=("tier2",)), labs.Progress())


def _pulumi(env: dict[str, str], *arguments: str) -> None:
    """Run the engine, its command shown first, its output as it comes."""
    click.secho(f"$ pulumi {' '.join(arguments)}", bold=True)
    begun = time.monotonic()
    code = subprocess.run(["pulumi", *arguments], env=env, check=False).returncode
    if code:
        raise EnvironmentFault(
            f"pulumi {arguments[0]} ended with exit code {code}",
            hint="the lines above say why; `quietcore doctor --stack lab` looks for what a broken run left",
        )
    click.secho(f"({time.monotonic() - begun:.1f} s)\n", dim=True)


def _declared(env: dict[str, str]) -> SiteSpec:
    """What the program declares, from the program itself."""
    from quietcore.resources.program import run_program

    os.environ.update({name: value for name, value in env.items() if name.startswith("QUIETCORE_")})
    return run_program(Path.cwd(), STACK, frozen=True).site


def _prove(state: LabState, site: SiteSpec) -> bool:
    import libvirt

    uris, held = {host.name: host.uri for host in state.hosts}, True
    for node in site.nodes:
        assert node.host is not None
        domain = libvirt.open(uris[node.host.name]).lookupByName(node.domain.name)
        _title(f"{node.domain.name} on {node.host.name}: declared and seen")
        held &= _compare(outside(domain, node.domain))
        click.echo("  waiting for the guest's own word (cloud-init)", err=True)
        await_guest(domain)
        held &= _compare(inside(domain, node.domain))
        _latency(domain, min(node.domain.rt_vcpus), state)
    return held


def _compare(found: Iterable[Evidence]) -> bool:
    held = True
    for one in found:
        held &= one.holds
        mark = click.style("✓", fg="green") if one.holds else click.style("✗", fg="red")
        seen = one.seen if one.holds else f"{one.seen}   declared: {one.declared}"
        click.echo(f"  {mark} {one.where:<9} {one.what:<28} {seen}")
    return held


def _latency(domain: Any, cpu: int, state: LabState) -> None:
    seen = latency(domain, cpu)
    label = "plumbing test under TCG, not a latency" if state.accelerator == "tcg" else "not a claim: too short"
    click.echo(
        f"    cyclictest on guest CPU {cpu}: min {seen.minimum} avg {seen.average:.0f} max {seen.maximum} us,"
        f" {seen.cycles} cycles ({label})\n"
    )


def _close(state: LabState, site: SiteSpec, name: str, begun: float) -> None:
    from quietcore.render.diagram import cpu_map

    _title("Who has which CPU")
    for view in site.views():
        click.echo(cpu_map(view))
    if state.hosts[0].cpus.shared:
        click.echo("Both hosts are namespaces of this machine and share its CPUs.\n")
    option = "" if name == "lab" else f" --name {name}"
    click.echo(
        f"Made in {time.monotonic() - begun:.0f} s: {len(state.hosts)} hosts, {len(site.nodes)} real-time guests."
    )
    click.echo("\nNext:")
    click.echo(f'  eval "$(quietcore lab env{option})"          # then pulumi, virsh and quietcore see this lab')
    click.echo('  virsh -c "$QUIETCORE_LAB_HV1_URI" vcpupin plc-a 1 0; pulumi preview    # watch drift being seen')
    click.echo(f"  pulumi destroy --yes && quietcore lab down{option}   # leave nothing behind")


def _title(text: str) -> None:
    click.secho(f"\n== {text}", bold=True)
