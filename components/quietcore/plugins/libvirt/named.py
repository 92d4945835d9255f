"""Inputs of a domain or network as a check begins with them."""

from __future__ import annotations

import hashlib

from quietcore.plugins.handler import Mark, Props


def named(new: Props, old: Props | None, mark: Mark) -> Props:
    """Give the inputs without what a refresh noted in them, and with a name: theirs, that of before, or the mark's."""
    inputs = {key: value for key, value in new.items() if key not in ("drift", "__defaults")}
    if inputs.get("name") is None:
        inputs["name"] = (old or {}).get("name") or _autoname(mark)
    return inputs


def _autoname(mark: Mark) -> str:
    """Give a name for a resource that has none: the resource's own, and seven digits of its mark.

    Not of the engine's seed, which is another in each run: a run after a crash would not find what it had begun.
    """
    return f"{mark.name}-{hashlib.sha256(str(mark).encode()).hexdigest()[:7]}"
