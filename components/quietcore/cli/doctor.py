"""`quietcore doctor`: named conditions, each ok, skipped or failed, with a fix for what failed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from quietcore.cli.answer import answer_json, json_option, plural, say
from quietcore.cli.condition import Condition, Group, Status
from quietcore.cli.project import Project, find_project
from quietcore.cli.running import UNASSIGNED, complete_stack, run_stack
from quietcore.errors import EnvironmentFault, QuietcoreError

if TYPE_CHECKING:
    from quietcore.cli.host_conditions import Asked
    from quietcore.resources.program import Run

COLOURS = {Status.OK: "green", Status.SKIPPED: "yellow", Status.FAILED: "red"}
PROVIDER = "pulumi:providers:libvirt"


@click.command()
@click.option(
    "--stack",
    metavar="STACK",
    shell_complete=complete_stack,
    help="Also look at this stack's hosts and at what its state holds.",
)
@json_option
@click.pass_context
def doctor(ctx: click.Context, stack: str | None, as_json: bool) -> None:
    """Look at the engine, its plugins, this machine and, with --stack, the hosts and the state of a stack.

    Exit code 1 where a condition failed. Nothing is changed anywhere.
    """
    found = conditions(stack)
    if as_json:
        listed = list(found)
        answer_json({"conditions": [condition.as_json() for condition in listed]})
    else:
        listed = _show(found)
    ctx.exit(1 if any(condition.status is Status.FAILED for condition in listed) else 0)


def conditions(stack: str | None) -> Iterator[Condition]:
    """All conditions, group by group."""
    from quietcore.cli.engine_conditions import engine_conditions
    from quietcore.cli.machine_conditions import MACHINE, machine_conditions

    project = _project(needed=stack is not None)
    yield from engine_conditions(project)
    hosts, program = _hosts(stack)
    if stack is None or any(is_local(host.uri) for host in hosts):
        yield from machine_conditions()
    else:
        yield MACHINE.skipped("everything", "no host of the stack is this machine")
    if stack is None or project is None:
        return
    from quietcore.cli.host_conditions import host_conditions
    from quietcore.cli.stack_conditions import stack_conditions

    yield from host_conditions(hosts)
    yield from program
    yield from stack_conditions(project, stack)


def is_local(uri: str) -> bool:
    """Whether a libvirt URI names this machine's own libvirt."""
    scheme, _, rest = uri.partition("://")
    return scheme in ("qemu", "qemu+unix") and rest.startswith("/") and "socket=" not in rest


def hosts_of(run: Run) -> list[Asked]:
    """The libvirt providers that a program declares, with the spec of the Host that each belongs to."""
    from quietcore.cli.host_conditions import Asked

    specs = {host.name: host for host in run.site.hosts}
    names = {resource.urn: resource.name for resource in run.resources}
    asked = []
    for resource in run.resources:
        if resource.type == PROVIDER:
            uri = resource.props.get("uri")
            name = names.get(resource.parent, resource.name)
            asked.append(Asked(name, uri if isinstance(uri, str) else "", specs.get(name)))
    return asked


def _project(*, needed: bool) -> Project | None:
    try:
        return find_project()
    except EnvironmentFault:
        if needed:
            raise
        return None


def _hosts(stack: str | None) -> tuple[list[Asked], list[Condition]]:
    """The stack's hosts; where the program fails, that is a condition and the rest is still looked at."""
    if stack is None:
        return [], []
    group = Group(f"stack {stack}")
    try:
        run = run_stack(stack)
    except QuietcoreError as fault:
        return [], [group.failed("program", fault.what, f"quietcore check {stack}")]
    errors = sum(finding.severity == "error" and finding.code != UNASSIGNED for finding in run.findings)
    judged = (
        group.failed("program", plural(errors, "error"), f"quietcore check {stack}") if errors else group.ok("program")
    )
    return hosts_of(run), [judged]


def _show(found: Iterable[Condition]) -> list[Condition]:
    """Print conditions as they come in, group by group, and the sum at the end."""
    listed = []
    for group, members in groupby(found, key=lambda condition: condition.group):
        click.echo(click.style(group, bold=True))
        for condition in members:
            listed.append(condition)
            click.echo(_line(condition))
            for number, fix in enumerate(condition.fix):
                click.echo(f"{' ' * 11}{'fix:' if not number else '    '} {fix}")
    failed = sum(condition.status is Status.FAILED for condition in listed)
    say(f"\n{plural(len(listed), 'condition')}: {f'{failed} failed' if failed else 'nothing failed'}")
    return listed


def _line(condition: Condition) -> str:
    status = click.style(f"{condition.status:<8}", fg=COLOURS[condition.status])
    return f"  {status} {condition.name:<21} {_short(condition.detail)}".rstrip()


def _short(detail: str) -> str:
    return " ".join(detail.replace(str(Path.home()) + os.sep, "~/").split())
