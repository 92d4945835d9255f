"""Rules that stand aside where they ask for what no file says, and a record of what was missing for which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from quietcore.rules.catalogue import CATALOGUE, Catalogue
from quietcore.rules.rule import Hit
from quietcore.spec.unsaid import NotSaid

Lacking = dict[str, set[str]]
"""What no file said to the codes of the rules that asked for it."""


def guarded(lacking: Lacking) -> Catalogue:
    """The catalogue; what its rules miss is written into ``lacking``."""
    return tuple(
        replace(rule, judge=_judge(rule.code, rule.judge, lacking), aside=_aside(rule.aside)) for rule in CATALOGUE
    )


def lacking() -> Lacking:
    """An empty record."""
    return defaultdict(set)


def _judge(code: str, judge: Callable[[Any], Iterable[Hit]], lacking: Lacking) -> Callable[[Any], Iterable[Hit]]:
    def judged(subject: Any) -> Iterable[Hit]:
        hits: list[Hit] = []
        try:
            hits.extend(judge(subject))
        except NotSaid as missing:
            lacking[missing.what].add(code)
        return hits

    return judged


def _aside(aside: Callable[[Any], str]) -> Callable[[Any], str]:
    """A rule that cannot tell whether it makes sense is asked all the same: it will stand aside by itself."""

    def told(subject: Any) -> str:
        try:
            return aside(subject)
        except NotSaid:
            return ""

    return told
