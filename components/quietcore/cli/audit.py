"""`quietcore audit`: the same rules on what was applied last."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from quietcore.cli.answer import say
from quietcore.cli.judging import engine_in, judging, program_of
from quietcore.cli.project import Project, find_project
from quietcore.cli.running import complete_stack
from quietcore.cli.verdicts import Output, answer, verdict_options
from quietcore.errors import EnvironmentFault


@click.command()
@click.argument("stack", required=False, metavar="[STACK]", shell_complete=complete_stack)
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Judge this file, which `pulumi stack export` wrote: no stack, no backend, no passphrase.",
)
@verdict_options
@click.pass_context
def audit(
    ctx: click.Context,
    stack: str | None,
    file: Path | None,
    pack: Path | None,
    shown: str,
    outputs: tuple[Output, ...],
    as_json: bool,
) -> None:
    """Judge the last applied state of STACK, or an exported one: no program is run and no host is asked.

    The rules of today on what was applied before they were written, or past the gate.

    Exit code 0 passed, 1 refused, 2 usage or environment.
    """
    if (stack is None) == (file is None):
        raise click.UsageError("Give either STACK or --file.", ctx)
    project = _project(needed=file is None)
    with judging():
        from quietcore.gate.preview import Order
        from quietcore.gate.preview import audit as judge
        from quietcore.gate.state import registered_from
        from quietcore.policy.lifted import is_lifted
        from quietcore.resources.decisions import CONFIG
    engine, name = engine_in(project.folder if project else Path.cwd()), stack or str(file)
    text = _text(file) if file else engine.export(name)
    names = dict.fromkeys(each.name for each in registered_from(text, name) if is_lifted(each.type))
    exemptions = "" if file else engine.config(name, CONFIG)
    verdict = judge(Order(engine, name, pack, tell=say), project.folder if project else None, text, exemptions)
    ctx.exit(answer(verdict, program_of(project), list(names), "json" if as_json else shown, outputs))


def _project(*, needed: bool) -> Project | None:
    if needed:
        return find_project()
    with contextlib.suppress(EnvironmentFault):
        return find_project()
    return None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise EnvironmentFault("the file cannot be read", where=str(file), given=str(fault)) from None
