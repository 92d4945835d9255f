"""The command `quietcore`: one file per verb, imported when that verb is asked for.

Data goes to stdout and the rest to stderr. Exit codes: 0 clean, 1 findings, 2 usage or environment.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import traceback
from importlib import import_module
from typing import Any, Final, NoReturn

import click

from quietcore.cli.answer import answer_failure, say
from quietcore.errors import QuietcoreError
from quietcore.garbage import look_less_often, uncollected

VERBS: Final = {
    "init": "Write a first working project for this machine or a host",
    "check": "Judge a stack's program: all findings at once, no engine, no host",
    "gate": "Preview a stack for CI: passes only where every rule was judged",
    "audit": "Judge what was applied last, with the rules of today",
    "lint": "Judge files and hosts that exist already: no program, no engine",
    "render": "Write every file that `pulumi up` would put in place",
    "show": "Draw a stack: who has which host CPU",
    "explain": "Say what a rule means, why it is there and how to mend a finding",
    "doctor": "Look at what the machine, the engine and the hosts need, with a fix for each lack",
    "inventory": "Read a host's CPUs, memory and page pools into a topology file",
    "plugins": "Wire quietcore's plugins into a project",
    "lab": "Two hypervisors on this machine, to try things on",
}
"""Verb to the line that `--help` prints; the module and the command in it bear the verb's name."""

FINDINGS, ENVIRONMENT, INTERRUPTED = 1, 2, 130


class Verbs(click.Group):
    """A group that imports a verb's module only to run it or to print its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The verbs in the order in which a newcomer meets them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The verb's command; None where there is no such verb."""
        if cmd_name not in VERBS:
            return None
        with uncollected():
            command = getattr(import_module(f"quietcore.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the verbs without importing any."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; what a user can cause ends in words and an exit code, never in a traceback."""
        try:
            return super().invoke(ctx)
        except QuietcoreError as fault:
            answer_failure(ctx, fault)
            ctx.exit(FINDINGS if hasattr(fault, "findings") else ENVIRONMENT)
        except KeyboardInterrupt:
            say("interrupted")
            ctx.exit(INTERRUPTED)
        except (click.exceptions.Exit, click.ClickException, click.Abort, BrokenPipeError):
            raise
        except Exception:
            _fault_of_ours(ctx)


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit codes: 0 clean, 1 findings, 2 usage or environment. `quietcore VERB --help` says more.",
)
@click.option("-C", "directory", metavar="DIR", help="Run as if started in DIR.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda *given: _version(*given),
    help="Show the versions of quietcore, the Pulumi SDK and the Pulumi CLI.",
)
@click.pass_context
def quietcore(ctx: click.Context, directory: str | None) -> None:
    """Describe a real-time cluster as one typed Python program; preview it, prove it, apply it."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        ctx.color = False
    if directory is not None:
        try:
            ctx.with_resource(contextlib.chdir(directory))
        except OSError as fault:
            raise click.BadParameter(f"{directory}: {fault.strerror}", ctx, param_hint="'-C'") from None


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    look_less_often()
    try:
        quietcore(prog_name="quietcore")
    finally:
        gc.freeze()  # the process ends: no use in looking for garbage among all that was imported
    raise AssertionError("click leaves by itself")


def _version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    """Show the versions of quietcore, the Pulumi SDK and the Pulumi CLI."""
    if not wanted or ctx.resilient_parsing:
        return
    from quietcore.cli.versions import versions

    for name, version in versions().items():
        click.echo(f"{name:<11} {version}")
    ctx.exit()


def _fault_of_ours(ctx: click.Context) -> NoReturn:
    traceback.print_exc(file=sys.stderr)
    say("\nThis is a fault in quietcore, not in your program. Please report it with the text above.")
    ctx.exit(ENVIRONMENT)
