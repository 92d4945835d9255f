"""`quietcore explain`: what a rule says, why, how to mend a finding, and who says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from quietcore.cli.answer import answer_json, json_option

if TYPE_CHECKING:
    from quietcore.rules.rule import Rule


@click.command()
@click.argument("codes", metavar="[CODE]...", nargs=-1, shell_complete=lambda *given: _complete(*given))
@click.option("--all", "everything", is_flag=True, help="Explain every rule in full.")
@json_option
def explain(codes: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Explain the rule of CODE; without a CODE, list all rules."""
    from quietcore.rules import docs
    from quietcore.rules.catalogue import CATALOGUE, by_code

    rules = list(CATALOGUE) if everything or not codes else [by_code(code) for code in codes]
    if as_json:
        answer_json({"rules": [data(rule) for rule in rules]})
    elif codes or everything:
        click.echo("\n".join(docs.explain(rule) for rule in rules), nl=False)
    else:
        click.echo(docs.overview(), nl=False)


def data(rule: Rule[Any]) -> dict[str, Any]:
    """A rule as plain data."""
    from quietcore.rules.docs import printed

    doc = rule.doc
    return {
        "code": rule.code,
        "title": rule.title,
        "severity": str(rule.severity),
        "scope": str(rule.scope),
        "depends_on": list(rule.depends_on),
        "what": doc.what,
        "why": doc.why,
        "fix": doc.fix,
        "bad": doc.bad.text,
        "prints": printed(rule),
        "good": doc.good.text,
        "sources": [str(source) for source in doc.sources],
    }


def _complete(_context: click.Context, _parameter: click.Parameter, start: str) -> list[str]:
    from quietcore.rules.catalogue import CATALOGUE

    return [rule.code for rule in CATALOGUE if rule.code.startswith(start.upper())]
