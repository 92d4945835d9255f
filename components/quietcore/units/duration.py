"""A span of time in microseconds, written as Go and Kubernetes write it: ``250ms``, ``30s``, ``1h30m``."""

from __future__ import annotations

import re
from functools import total_ordering

from quietcore.errors import UnitError

_UNITS = {"us": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000}
_TEXT = re.compile(r"(?:\d+(?:us|ms|s|m|h))+\Z", re.ASCII)
_PART = re.compile(r"(\d+)(us|ms|s|m|h)")


@total_ordering
class Duration:
    """An immutable, non-negative span of time; prints in the units that divide it, largest first."""

    __slots__ = ("microseconds",)

    def __init__(self, microseconds: int) -> None:
        """Raises UnitError below zero."""
        if isinstance(microseconds, bool) or not isinstance(microseconds, int) or microseconds < 0:
            raise UnitError("not a duration", given=repr(microseconds), allowed="a whole number of microseconds from 0")
        self.microseconds = microseconds

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read ``30s`` or ``1h30m``. Raises UnitError; a bare number is refused, as it names no unit."""
        if not isinstance(text, str) or not _TEXT.match(text.strip()):
            hint = f'write "{text}s" for seconds' if str(text).strip().isdigit() else ""
            raise UnitError(
                "not a duration", given=repr(text), allowed='numbers with units such as "30s", "250ms"', hint=hint
            )
        return cls(sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(text)))

    @property
    def seconds(self) -> float:
        """The span in seconds."""
        return self.microseconds / 1_000_000

    def __str__(self) -> str:
        rest, parts = self.microseconds, []
        for unit, factor in reversed(list(_UNITS.items())):
            count, rest = divmod(rest, factor)
            if count:
                parts.append(f"{count}{unit}")
        return "".join(parts) or "0s"

    def __repr__(self) -> str:
        return f"Duration({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return self.microseconds == other.microseconds if isinstance(other, Duration) else NotImplemented

    def __lt__(self, other: Duration) -> bool:
        return self.microseconds < other.microseconds

    def __hash__(self) -> int:
        return hash(self.microseconds)
