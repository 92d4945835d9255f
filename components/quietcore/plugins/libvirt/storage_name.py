"""Names of pools and volumes: the one given, or one that follows from the resource's name; and what may be a name."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from quietcore.plugins.handler import UNKNOWN, Failure, Mark, Props

from .claim import is_claim

LONGEST: Final = 170
"""Bytes: a file name has 255, and the marker beside a volume adds up to 78."""
_DEFAULTED: Final = "__defaults"


def settle_name(new: Props, old: Props | None, mark: Mark, seed: bytes, suffix: str = "") -> list[Failure]:
    """Fill in `name` where the program gave none (kept from `old`, else from the resource and seed), and judge it."""
    name = new.get("name")
    if name is None:
        name = (old or {}).get("name") or f"{_plain(mark.name)}-{seed[:4].hex()[:7]}{suffix}"
        new["name"] = name
        new[_DEFAULTED] = ["name"]
    if name is UNKNOWN:
        return []
    reason = _fault_in(name)
    return [Failure("name", reason)] if reason else []


def keeps_name(old: Props, new: Props) -> bool:
    """Whether what replaces `old` will collide with it: the program names it, and names it as before."""
    return old.get("name") == new.get("name") and "name" not in (new.get(_DEFAULTED) or ())


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
