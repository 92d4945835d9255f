"""An amount of memory or disk in bytes, written with an IEC unit."""

from __future__ import annotations

import re
from functools import total_ordering

from quietcore.errors import UnitError

_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_SHORT = {"K": "KiB", "M": "MiB", "G": "GiB", "T": "TiB", "KB": "KiB", "MB": "MiB", "GB": "GiB", "TB": "TiB"}
_TEXT = re.compile(r"(\d+)\s*([A-Za-z]+)\Z", re.ASCII)


@total_ordering
class Size:
    """An immutable, non-negative number of bytes; prints in the largest unit that divides it."""

    __slots__ = ("bytes",)

    def __init__(self, count: int) -> None:
        """``count`` in bytes. Raises UnitError below zero."""
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise UnitError("not a size in bytes", given=repr(count), allowed="a whole number from 0")
        self.bytes = count

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read ``2GiB`` or ``512 MiB``. Raises UnitError, also for a unit without the ``i``, which means two things."""
        match = _TEXT.match(text.strip()) if isinstance(text, str) else None
        if not match:
            raise UnitError("not a size", given=repr(text), allowed='a number with a unit such as "2GiB" or "512MiB"')
        number, unit = match.groups()
        if unit not in _UNITS:
            meant = _SHORT.get(unit.upper())
            hint = f'write "{number}{meant}"' if meant else ""
            raise UnitError("not a unit of size", given=repr(text), allowed=", ".join(_UNITS), hint=hint)
        return cls(int(number) * _UNITS[unit])

    @classmethod
    def kib(cls, count: int) -> Size:
        """``count`` KiB."""
        return cls(count << 10)

    @classmethod
    def mib(cls, count: int) -> Size:
        """``count`` MiB."""
        return cls(count << 20)

    def in_unit(self, unit: str) -> int:
        """The size in whole ``unit``s (B, KiB, MiB, GiB, TiB). Raises UnitError when it does not divide."""
        if self.bytes % _UNITS[unit]:
            raise UnitError(f"not in whole {unit}", given=str(self))
        return self.bytes // _UNITS[unit]

    def kernel(self) -> str:
        """The kernel command line's spelling of a page size: ``2M``, ``1G``."""
        return re.sub("iB$", "", str(self))

    def __str__(self) -> str:
        for unit, factor in reversed(list(_UNITS.items())):
            if self.bytes and self.bytes % factor == 0:
                return f"{self.bytes // factor}{unit}"
        return "0B"

    def __repr__(self) -> str:
        return f"Size({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return self.bytes == other.bytes if isinstance(other, Size) else NotImplemented

    def __lt__(self, other: Size) -> bool:
        return self.bytes < other.bytes

    def __hash__(self) -> int:
        return hash(self.bytes)

    def __add__(self, other: Size) -> Size:
        return Size(self.bytes + other.bytes)

    def __mul__(self, count: int) -> Size:
        return Size(self.bytes * count)
