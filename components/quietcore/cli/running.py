"""Running a stack's program for a verb, and telling its failures as a user needs them."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from quietcore.cli.answer import plural, say
from quietcore.cli.project import Project, find_project
from quietcore.errors import EnvironmentFault, QuietcoreError
from quietcore.garbage import uncollected

if TYPE_CHECKING:
    from quietcore.resources.program import Run

UNASSIGNED = "L01"


def run_stack(stack: str, *, frozen: bool = True, prune: bool = False) -> Run:
    """Run the program of the project here for `stack`, under Pulumi's mocks: no engine and no host is asked.

    What the program prints goes to stderr. Raises QuietcoreError, also for what the user's program raises.
    """
    project = find_project()
    with uncollected():
        from quietcore.resources.program import run_program

    with contextlib.redirect_stdout(sys.stderr):
        try:
            run = run_program(project.folder, stack, frozen=frozen, prune=prune)
        except (QuietcoreError, KeyboardInterrupt):
            raise
        except (Exception, SystemExit) as fault:
            if os.environ.get("QUIETCORE_TRACEBACK"):
                traceback.print_exc()
            raise _failed(project, stack, fault) from None
    if run.failure is not None:
        told = _failed(project, stack, run.failure)
        told.hint = "mend the findings first; what the program declares after that line is not judged"
        say(f"note: {told.text()}")
    return run


def told_errors(run: Run, consequence: str) -> bool:
    """Whether the program has errors, which are told with what follows for the answer just given.

    An assignment that is not written down yet is none here: only `check` and previews write it.
    """
    errors = [finding for finding in run.findings if finding.severity == "error"]
    real = sum(finding.code != UNASSIGNED for finding in errors)
    if real:
        say(f"the program has {plural(real, 'error')}{consequence}: quietcore check {run.stack}")
    elif errors:
        say(f"host CPUs are not assigned for good yet: quietcore check {run.stack} writes them down")
    return bool(real)


def stack_argument(function: Any) -> Any:
    """The argument STACK, completed in the shell by the stacks that the project has files for."""
    return click.argument("stack", required=False, metavar="STACK", callback=_named, shell_complete=complete_stack)(
        function
    )


def frozen_option(function: Any) -> Any:
    """`--frozen`: on where CI is set."""
    return click.option(
        "--frozen/--no-frozen",
        default=None,
        help="Make no new assignments: a missing or stale one is a finding.  [default: on where CI is set]",
    )(function)


def is_frozen(given: bool | None) -> bool:
    """The option if it was given, else what the environment says."""
    if given is not None:
        return given
    from quietcore.resources.ledger import frozen

    return frozen()


def _named(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str:
    if value:
        return value
    known = complete_stack(ctx, parameter, "")
    hint = f" This project has: {', '.join(known)}." if known else ""
    raise click.UsageError(f"Missing argument 'STACK'.{hint}", ctx)


def complete_stack(_context: click.Context, _parameter: click.Parameter, start: str) -> list[str]:
    """The stacks of the project here, for the shell."""
    with contextlib.suppress(QuietcoreError):
        return [stack for stack in find_project().stacks() if stack.startswith(start)]
    return []


def _failed(project: Project, stack: str, fault: BaseException) -> QuietcoreError:
    frames = traceback.extract_tb(fault.__traceback__)
    inside = [frame for frame in frames if _is_users(project.folder, frame.filename)]
    where = "; ".join(f"{_shown(project.folder, frame.filename)}, line {frame.lineno}" for frame in inside[-3:])
    if isinstance(fault, ModuleNotFoundError) and fault.name == stack:
        known = sorted(path.stem for path in project.main.glob("*.py") if not path.stem.startswith("_"))
        return EnvironmentFault(
            "the program has no such stack", where=where, given=stack, allowed=", ".join(known or project.stacks())
        )
    if isinstance(fault, SystemExit):
        return EnvironmentFault("the program left before its end", where=where, given=f"exit code {fault.code}")
    return EnvironmentFault(
        f'the program of stack "{stack}" failed',
        where=where,
        given=f"{type(fault).__name__}: {fault}",
        hint=_hint(frames, inside),
    )


def _hint(frames: list[traceback.FrameSummary], inside: list[traceback.FrameSummary]) -> str:
    if inside and frames[-1] is inside[-1]:
        return "mend the program at that line"
    return "QUIETCORE_TRACEBACK=1 shows the whole way to it"


def _is_users(folder: Path, filename: str) -> bool:
    path = Path(filename)
    return path.is_relative_to(folder) and "site-packages" not in path.parts and "quietcore" not in path.parts


def _shown(folder: Path, filename: str) -> str:
    return str(Path(filename).relative_to(folder))
