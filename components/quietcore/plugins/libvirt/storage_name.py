"""Names of pools and volumes: the one given, or one that follows from the mark; and what may be a name.

A name that the program does not give must be the same in every run: the engine's seed is not (it is drawn anew each
time), and a run after a crash would then not find what it had begun.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from quietcore.plugins.handler import UNKNOWN, Failure, Mark, Props
from quietcore.plugins.ownership import derived_uuid

from .claim import is_claim

LONGEST: Final = 170
"""Bytes: a file name has 255, and the marker beside a volume adds up to 85."""


def settle_name(new: Props, old: Props | None, mark: Mark, token: str, suffix: str = "") -> list[Failure]:
    """Fill in `name` where the program gave none (kept from `old`, else made of the mark), and judge it."""
    name = new.get("name")
    if name is None:
        name = (old or {}).get("name") or f"{_plain(mark.name)}-{derived_uuid(token, mark)[:7]}{suffix}"
        new["name"] = name
    if name is UNKNOWN:
        return []
    reason = _fault_in(name)
    return [Failure("name", reason)] if reason else []


def foreign_inputs(new: Props, known: Collection[str], kind: str) -> list[Failure]:
    """A failure for each input that the kind does not have."""
    allowed = ", ".join(sorted(known))
    strange = [key for key in sorted(new) if key not in known and not key.startswith("__")]
    return [Failure(key, f"is not an input of {kind}; allowed: {allowed}") for key in strange]


def not_text(new: Props, keys: Collection[str]) -> list[Failure]:
    """A failure for each input that is neither absent, unknown nor text."""
    return [
        Failure(key, f"must be text, given {new[key]!r}")
        for key in keys
        if new.get(key) is not None and new[key] is not UNKNOWN and not isinstance(new[key], str)
    ]


def _plain(name: str) -> str:
    kept = "".join(letter if letter.isalnum() or letter in "+_.-" else "-" for letter in name)
    return kept.lstrip(".-")[: LONGEST - 40] or "volume"


def _fault_in(name: Any) -> str:
    if not isinstance(name, str) or not name:
        return f"must be a text that is not empty, given {name!r}"
    if "/" in name or name in (".", "..") or any(ord(letter) < 32 for letter in name):
        return f"is used as a file name: no '/' and no control characters, given {name!r}"
    if is_claim(name):
        return f"{name!r} is the name of a marker of ours; choose one that does not end in .quietcore"
    if len(name.encode()) > LONGEST:
        return f"has {len(name.encode())} bytes; allowed: {LONGEST}"
    return ""
