"""Arguments that never become part of a spec, and stand where another kind of thing belongs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from quietcore.spec.finding import Finding
from quietcore.spec.shape import TITLES


class Place(NamedTuple):
    """An argument by name: what was given, the kinds that fit, and how a reader calls those."""

    name: str
    given: object
    kinds: type | tuple[type, ...]
    allowed: str
    hint: str = ""


def misfits(where: str, *places: Place) -> list[Finding]:
    """A finding S02 for each argument that is of none of its kinds."""
    return [
        Finding(
            code="S02",
            title=TITLES["S02"],
            where=f"{where}, {place.name}",
            given=f"{type(place.given).__name__} {place.given!r}",
            allowed=place.allowed,
            hint=place.hint,
        )
        for place in places
        if not isinstance(place.given, place.kinds)
    ]


def plain(given: Mapping[str, Any] | None) -> Any:
    """A mapping as a dictionary; whatever else was given stays, for the spec to refuse."""
    return dict(given) if isinstance(given, Mapping) else given
