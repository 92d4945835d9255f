"""`quietcore check`: every finding on a stack's program at once, in under a second."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from quietcore.cli.answer import answer_json, json_option, plural, say
from quietcore.cli.running import frozen_option, is_frozen, run_stack, stack_argument
from quietcore.cli.styled import styled

if TYPE_CHECKING:
    from quietcore.resources.program import Run


@click.command()
@stack_argument
@frozen_option
@click.option("--prune", is_flag=True, help="Drop assignments of nodes that are declared no more.")
@click.option("--strict", is_flag=True, help="Let warnings fail the check too.")
@json_option
@click.pass_context
def check(ctx: click.Context, stack: str, frozen: bool | None, prune: bool, strict: bool, as_json: bool) -> None:
    """Judge the program of STACK: all findings at once, without an engine and without any host.

    Exit code 0 without errors, 1 with, 2 where the program or the project could not be read. Assignments of host
    CPUs are made and written to the stack's lock file, unless --frozen.
    """
    run = run_stack(stack, frozen=is_frozen(frozen), prune=prune)
    asides = _asides(run)
    if as_json:
        answer_json(_data(run, asides))
    else:
        _tell(run, asides)
    counts = Counter(str(finding.severity) for finding in run.findings)
    ctx.exit(1 if counts["error"] or (strict and counts["warning"]) else 0)


def verdict(run: Run) -> str:
    """`checked 2 hosts, 2 nodes: no findings`; hosts and nodes count as declared, also where they make no spec."""
    from quietcore.resources.site import HOST, NODE

    declared = Counter(resource.type for resource in run.resources)
    raw = sum(node.node is None for node in run.site.nodes)
    parts = [plural(declared[HOST], "host"), plural(declared[NODE], "node")]
    parts += [plural(raw, "other domain")] if raw else []
    counts = Counter(str(finding.severity) for finding in run.findings)
    found = ", ".join(plural(counts[name], name) for name in ("error", "warning") if counts[name])
    if counts["info"]:
        found += (", " if found else "") + f"{counts['info']} for information"
    return f"checked {', '.join(parts)}: {found or 'no findings'}"


def _tell(run: Run, asides: list[tuple[str, str, str]]) -> None:
    for code, where, reason in asides:
        say(f"aside: {code} does not judge {where}: {reason}")
    for exemption in dict.fromkeys(exemption for exemption, _ in run.spared):
        say(f"exempt: {exemption}")
    wrote = [("assigned", run.lock_changes), ("dropped", run.dropped)]
    told = "; ".join(f"{what} {', '.join(nodes)}" for what, nodes in wrote if nodes)
    if told:
        say(f"wrote {stack_lock(run)}: {told} (commit it)")
    if run.left:
        kept = f"{stack_lock(run)} keeps CPUs for what is declared no more: {', '.join(run.left)}"
        say(f"{kept} (quietcore check {run.stack} --prune gives them up)")
    for finding in run.findings:
        click.echo(styled(finding) + "\n")
    click.echo(verdict(run))


def stack_lock(run: Run) -> str:
    """The name of the stack's lock file."""
    return f"{run.stack}.lock.yaml"


def _asides(run: Run) -> list[tuple[str, str, str]]:
    from quietcore.rules.judge import asides

    return asides(run.site)


def _data(run: Run, asides: list[tuple[str, str, str]]) -> dict[str, Any]:
    return {
        "stack": run.stack,
        "hosts": [host.name for host in run.site.hosts],
        "nodes": [node.domain.name for node in run.site.nodes],
        "findings": [finding.as_json() for finding in run.findings],
        "exempt": [{**exemption.dump(), "finding": finding.as_json()} for exemption, finding in run.spared],
        "asides": [{"code": code, "where": where, "reason": reason} for code, where, reason in asides],
        "assigned": list(run.lock_changes),
        "left": list(run.left),
        "dropped": list(run.dropped),
    }
