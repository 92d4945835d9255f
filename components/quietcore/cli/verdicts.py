"""How `gate` and `audit` answer: one verdict in several formats, to stdout and to files."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from quietcore.cli.answer import SCHEMA, json_option, say
from quietcore.errors import EnvironmentFault

if TYPE_CHECKING:
    from quietcore.gate.place import Program
    from quietcore.gate.verdict import Verdict

FORMATS: Final = ("text", "json", "sarif", "junit", "markdown")
SUFFIXES: Final = {".txt": "text", ".json": "json", ".sarif": "sarif", ".xml": "junit", ".md": "markdown"}

_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Output:
    """A file to write a verdict to, and in which format."""

    format: str
    file: Path


def verdict_options(function: _Function) -> _Function:
    """Add the options on how to answer, and the one on the pack."""
    options = (
        click.option(
            "--policy-pack",
            "pack",
            metavar="DIR",
            type=click.Path(path_type=Path, file_okay=False),
            help="The pack that judges.  [default: the project's policies/, else quietcore's own catalogue]",
        ),
        click.option(
            "--format",
            "shown",
            type=click.Choice(FORMATS),
            default="text",
            show_default=True,
            help="What to print on stdout.",
        ),
        click.option(
            "-o",
            "--output",
            "outputs",
            metavar="[FORMAT=]FILE",
            multiple=True,
            callback=_parsed,
            help="Also write to FILE, in the format that is named or that its suffix tells; repeatable.",
        ),
        json_option,
    )
    for option in reversed(options):
        function = option(function)
    return function


def answer(verdict: Verdict, program: Program, names: list[str], shown: str, outputs: tuple[Output, ...]) -> int:
    """Print and write the verdict, and give the exit code. Raises EnvironmentFault where a file cannot be written."""
    for output in outputs:
        try:
            output.file.parent.mkdir(parents=True, exist_ok=True)
            output.file.write_text(rendered(verdict, program, names, output.format), encoding="utf-8")
        except OSError as fault:
            raise EnvironmentFault("cannot write there", where=str(output.file), given=str(fault.strerror)) from None
        say(f"wrote {output.file} ({output.format})")
    try:
        click.echo(rendered(verdict, program, names, shown, styles=True), nl=False)
    except BrokenPipeError:
        raise
    except OSError as fault:
        raise EnvironmentFault("cannot write there", where="stdout", given=str(fault.strerror)) from None
    return 0 if verdict.passed else 1


def rendered(verdict: Verdict, program: Program, names: list[str], format_: str, *, styles: bool = False) -> str:
    """The verdict in one of FORMATS."""
    if format_ == "json":
        return json.dumps({"schema": SCHEMA, **verdict.as_json()}, indent=2, ensure_ascii=False) + "\n"
    if format_ == "sarif":
        from quietcore.gate.sarif import sarif

        return sarif(verdict, program)
    if format_ == "junit":
        from quietcore.gate.junit import junit

        return junit(verdict, names)
    if format_ == "markdown":
        from quietcore.gate.markdown import markdown

        return markdown(verdict)
    from quietcore.cli.styled import styled
    from quietcore.gate.terminal import text

    return text(verdict, styled) if styles else text(verdict)


def _parsed(ctx: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> tuple[Output, ...]:
    return tuple(_output(text, ctx, parameter) for text in given)


def _output(text: str, ctx: click.Context, parameter: click.Parameter) -> Output:
    name, sign, file = text.partition("=")
    if sign and name in FORMATS and file:
        return Output(name, Path(file))
    known = SUFFIXES.get(Path(text).suffix)
    if known is None or (sign and name.isalpha()):
        raise click.BadParameter(
            f"{text}: name the format, as in {FORMATS[2]}=gate.sarif; one of {', '.join(FORMATS)}", ctx, parameter
        )
    return Output(known, Path(text))
