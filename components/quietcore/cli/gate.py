"""`quietcore gate`: a preview with the policy pack that passes only where everything was judged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from quietcore.cli.answer import say
from quietcore.cli.judging import engine_in, judging, program_of
from quietcore.cli.project import find_project
from quietcore.cli.running import run_stack, stack_argument
from quietcore.cli.verdicts import Output, answer, verdict_options
from quietcore.errors import QuietcoreError

if TYPE_CHECKING:
    from quietcore.resources.program import Run

_ENGINE_ONLY = "not checked without the engine, so that resources within apply() may go unseen"


@click.command()
@stack_argument
@click.option("--offline", is_flag=True, help="Let hosts that do not answer pass: drift is then not looked for.")
@verdict_options
@click.pass_context
def gate(
    ctx: click.Context,
    stack: str,
    offline: bool,
    pack: Path | None,
    shown: str,
    outputs: tuple[Output, ...],
    as_json: bool,
) -> None:
    """Preview STACK with the policy pack, and refuse what breaks a rule or could not be judged.

    `pulumi preview` passes where a value is not known yet, where the pack does not answer and where a host was not
    observed. This refuses then too, and names the value, the resource or the host. The program is checked first, with
    a frozen assignment lock; nothing is changed anywhere.

    Exit code 0 passed, 1 refused, 2 usage or environment.
    """
    project = find_project()
    with judging():
        from quietcore.gate.preview import Order, preview
    order = Order(engine_in(project.folder), stack, pack, offline, say)
    run, failed = _checked(stack)
    if failed is not None:
        say(f"{_ENGINE_ONLY}: {failed.what}")
    verdict = preview(order, run, failed)
    names = [host.name for host in run.site.hosts] + [node.domain.name for node in run.site.nodes] if run else []
    ctx.exit(answer(verdict, program_of(project), names, "json" if as_json else shown, outputs))


def _checked(stack: str) -> tuple[Run | None, QuietcoreError | None]:
    """What `quietcore check` sees; a program that runs with an engine only is left to the engine."""
    try:
        return run_stack(stack, frozen=True), None
    except QuietcoreError as fault:
        return None, fault
