"""The one error of the set-up: what, where, given, allowed, hint."""

from __future__ import annotations


class SetupError(Exception):
    """Something that the user or the machine can mend; its text says how."""

    def __init__(self, what: str, *, where: str = "", given: str = "", allowed: str = "", hint: str = "") -> None:
        parts = {"where": where, "given": given, "allowed": allowed, "hint": hint}
        super().__init__("\n".join([f"error: {what}"] + [f"  {key}: {text}" for key, text in parts.items() if text]))
