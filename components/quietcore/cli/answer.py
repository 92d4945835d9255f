"""How a verb answers: data on stdout as text or JSON, everything else on stderr."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import click

from quietcore.errors import QuietcoreError

SCHEMA: Final = 1
"""Version of every JSON answer; it grows when a field changes its meaning or goes."""

_Function = TypeVar("_Function", bound=Callable[..., Any])


def json_option(function: _Function) -> _Function:
    """Add `--json`; a failure is then told as JSON too."""
    return click.option("--json", "as_json", is_flag=True, callback=_remember, help="Answer in JSON.")(function)


def answer_json(data: Mapping[str, Any]) -> None:
    """Print `data` with the schema version before it."""
    click.echo(json.dumps({"schema": SCHEMA, **data}, indent=2, ensure_ascii=False))


def say(text: str) -> None:
    """Tell the user something that is no data: on stderr."""
    click.echo(text, err=True)


def answer_failure(ctx: click.Context, fault: QuietcoreError) -> None:
    """Tell a failure: on stderr in words; also on stdout where JSON was asked for."""
    say(f"{click.style('error', fg='red', bold=True)}: {fault}" if not hasattr(fault, "findings") else str(fault))
    if ctx.find_root().meta.get("json"):
        answer_json({"error": _parts(fault)})


def plural(count: int, noun: str) -> str:
    """`1 host`, `2 hosts`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _remember(ctx: click.Context, _parameter: click.Parameter, value: bool) -> bool:
    ctx.find_root().meta["json"] = value
    return value


def _parts(fault: QuietcoreError) -> dict[str, Any]:
    findings = getattr(fault, "findings", None)
    if findings is not None:
        return {"what": "refused", "findings": [finding.as_json() for finding in findings]}
    return {name: getattr(fault, name) for name in ("what", "where", "given", "allowed", "hint")}
