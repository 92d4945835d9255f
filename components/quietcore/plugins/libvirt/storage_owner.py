"""Whose a pool, volume or disk is, as the state keeps it."""

from __future__ import annotations

from typing import Final

from quietcore.plugins.handler import Context, Mark, Props, State

IMPORTED: Final = "imported"
"""The output `owner` of an object that the user gave to the stack, by import or with a state of the official plugin."""


def owner(mark: Mark) -> Props:
    """The output `owner` of an object that bears this mark."""
    return {"project": mark.project, "stack": mark.stack, "name": mark.name}


def imported(state: State) -> bool:
    """Whether the object bears no mark because the user gave it to the stack as it was."""
    return bool(state.outputs.get("owner", IMPORTED) == IMPORTED)


def mark_of(state: State, ctx: Context) -> Mark:
    """The mark that the object was made with: a resource may have been renamed (aliases) since."""
    kept = state.outputs.get("owner")
    if isinstance(kept, dict) and {"project", "stack", "name"} <= kept.keys():
        return Mark(project=kept["project"], stack=kept["stack"], name=kept["name"])
    return ctx.mark
