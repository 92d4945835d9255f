"""A rule: one small pure function over the smallest value able to break it, declared once as data.

The constructor, the policy pack, ``quietcore check``, ``quietcore explain`` and the docs page use this one object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from quietcore.spec.finding import Finding, Severity

Subject = TypeVar("Subject")


class Scope(StrEnum):
    """How much must be in view to judge: one value, one host with its domains, or the whole site."""

    VALUE = "value"
    HOST = "host"
    SITE = "site"


@dataclass(frozen=True, kw_only=True)
class Hit:
    """What a rule's function yields: the place within the subject, what was given and what is allowed there."""

    where: str
    given: str
    allowed: str = ""
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class Example:
    """A bad or a good subject: ``text`` is what a reader is shown, ``subject`` builds the value that is judged."""

    text: str
    subject: Callable[[], Any]


@dataclass(frozen=True, kw_only=True)
class Doc:
    """What ``quietcore explain`` says: what the pattern is, why it hurts, how to mend it, and who says so."""

    what: str
    why: str
    fix: str
    sources: tuple[str, ...]
    bad: Example
    good: Example


@dataclass(frozen=True, kw_only=True)
class Rule(Generic[Subject]):
    """A constraint with its code, title (the bad pattern's name), severity, scope, subject type, function and doc.

    ``aside`` returns the reason why the rule makes no sense for a subject (a fact of its host), or "" to judge.
    ``depends_on`` names rules whose finding on the same subject silences this one.
    """

    code: str
    title: str
    severity: Severity
    scope: Scope
    subject: type[Subject]
    judge: Callable[[Subject], Iterable[Hit]]
    doc: Doc
    aside: Callable[[Subject], str] = field(default=lambda _subject: "")
    depends_on: tuple[str, ...] = ()

    def findings(self, subject: Subject) -> Iterator[Finding]:
        """Every hit on ``subject`` as a finding; none where the rule stands aside."""
        if self.aside(subject):
            return
        for hit in self.judge(subject):
            yield Finding(
                code=self.code,
                title=self.title,
                severity=self.severity,
                where=hit.where,
                given=hit.given,
                allowed=hit.allowed,
                hint=hit.hint or self.doc.fix,
            )
