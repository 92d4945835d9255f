"""A finding: one hit of one rule, told in five parts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from quietcore.errors import QuietcoreError


class Severity(StrEnum):
    """How much a finding weighs: an error refuses, a warning is shown, an info is told."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What is wrong (``title``), where, what was given, what is allowed, and the next action.

    ``where`` is a path in the program such as ``node "rt-a", pins``; ``file`` is the program's file, where known, and
    ``line`` the line in it, counted from 1; 0 where it is not known.
    """

    code: str
    title: str
    where: str
    given: str
    allowed: str = ""
    hint: str = ""
    severity: Severity = Severity.ERROR
    file: str = ""
    line: int = 0

    def at(self, *, prefix: str = "", file: str = "") -> Finding:
        """The same finding with ``prefix`` before its path and ``file`` as its file, where they are not there yet."""
        known = self.where == prefix or self.where.startswith(f"{prefix}, ")
        where = self.where if known else ", ".join(part for part in (prefix, self.where) if part)
        return replace(self, where=where, file=self.file or file)

    def text(self, *, label: bool = True) -> str:
        """The finding as lines; without ``label`` where the reader shows the severity already, as the engine does."""
        file = f"{self.file}:{self.line}" if self.file and self.line else self.file
        place = ", ".join(part for part in (file, self.where) if part)
        rows = (("where", place), ("given", self.given), ("allowed", self.allowed), ("hint", self.hint))
        body = [f"  {label + ':':<9}{value}" for label, value in rows if value]
        head = f"{self.severity}[{self.code}]:" if label else f"[{self.code}]"
        return "\n".join([f"{head} {self.title}", *body, f"  more:    quietcore explain {self.code}"])

    def as_json(self) -> dict[str, str | int]:
        """The finding as plain data; the line where it is known."""
        line = {"line": self.line} if self.line else {}
        return {
            "code": self.code,
            "severity": str(self.severity),
            "title": self.title,
            "file": self.file,
            **line,
            "where": self.where,
            "given": self.given,
            "allowed": self.allowed,
            "hint": self.hint,
        }


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The findings without repeats, by severity, code and place: one order for every front end."""
    weight = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
    return sorted(set(findings), key=lambda f: (weight[f.severity], f.code, f.where, f.given, f.file, f.line))


class Refused(QuietcoreError):
    """Findings of error severity that stop what was asked; ``findings`` holds them all, in order."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = in_order(findings)
        super().__init__("\n\n".join(finding.text() for finding in self.findings))
