"""Mutants that change nothing a rule decides, each with the reason: the lines of ``equivalent.txt``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FILE = Path(__file__).with_name("equivalent.txt")


def equivalent(text: str) -> Mapping[str, str]:
    """The reason by place, of lines ``<family>/<file>:<function>:<change> -- <reason>``; # begins a comment.

    Raises ValueError, with the line's number, for one without a reason or that stands there twice.
    """
    reasons: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        place, _, reason = line.rpartition(" -- ")
        if not place or not reason.strip():
            raise ValueError(f"{FILE.name}:{number}: no reason is given: {line}")
        if place in reasons:
            raise ValueError(f"{FILE.name}:{number}: stands there twice: {place}")
        reasons[place] = reason.strip()
    return reasons


def listed() -> Mapping[str, str]:
    """The reasons of the file."""
    return equivalent(FILE.read_text(encoding="utf-8"))
