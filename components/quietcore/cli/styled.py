"""A finding for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from quietcore.spec.finding import Finding

COLOURS = {"error": "red", "warning": "yellow", "info": "blue"}


def styled(finding: Finding) -> str:
    """The finding's text with its severity in colour; the word says the same."""
    severity = str(finding.severity)
    return click.style(severity, fg=COLOURS[severity], bold=True) + finding.text().removeprefix(severity)
