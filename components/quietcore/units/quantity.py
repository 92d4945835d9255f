"""An amount as Kubernetes writes it: ``500m`` of a CPU, ``1.5Gi`` of memory, ``2e3``.

Syntax: k8s.io/apimachinery, pkg/api/resource/quantity.go. As there, what is smaller than a billionth is rounded up.
"""

from __future__ import annotations

import re
from functools import total_ordering

from quietcore.errors import UnitError

_BINARY = {suffix: 1 << 10 * power for power, suffix in enumerate(("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"))}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_TEXT = re.compile(
    r"\+?(?P<whole>\d{0,40})(?:\.(?P<part>\d{0,40}))?"
    r"(?:(?P<suffix>[KMGTPE]i|[numkMGTPE]?)|[eE](?P<power>[-+]?\d{1,2}))\Z",
    re.ASCII,
)
_NANO = 10**9


@total_ordering
class Quantity:
    """An immutable, non-negative amount, exact to a billionth; equal amounts are equal however they are written."""

    __slots__ = ("nano",)

    def __init__(self, nano: int) -> None:
        """``nano`` in billionths. Raises UnitError below zero."""
        if isinstance(nano, bool) or not isinstance(nano, int) or nano < 0:
            raise UnitError("not an amount", given=repr(nano), allowed="a whole number of billionths from 0")
        self.nano = nano

    @classmethod
    def of(cls, count: int) -> Quantity:
        """``count`` whole units: bytes, or CPUs."""
        return cls(count * _NANO)

    @classmethod
    def parse(cls, text: str) -> Quantity:
        """Read ``500Mi``, ``1``, ``500m``, ``1.5Gi`` or ``2e3``. Raises UnitError."""
        match = _TEXT.match(text) if isinstance(text, str) else None
        if not match or not (match["whole"] or match["part"]):
            raise UnitError(
                "not a Kubernetes quantity",
                given=repr(text),
                allowed='a number, with a suffix such as "500m", "1.5Gi" or "100M"',
                hint=_meant(text),
            )
        part = match["part"] or ""
        digits, below = int((match["whole"] or "0") + part), 10 ** len(part)
        suffix = match["suffix"] or ""
        if suffix in _BINARY and match["power"] is None:
            above = _BINARY[suffix] * _NANO
        else:
            power = 9 + (int(match["power"]) if match["power"] is not None else _DECIMAL[suffix])
            above, below = 10 ** max(power, 0), below * 10 ** max(-power, 0)
        return cls(-(-digits * above // below))

    @property
    def milli(self) -> int:
        """The amount in thousandths, rounded up: for CPUs."""
        return -(-self.nano // 1_000_000)

    @property
    def whole(self) -> int:
        """The amount in whole units, rounded up: bytes for memory."""
        return -(-self.nano // _NANO)

    def __str__(self) -> str:
        count, rest = divmod(self.nano, _NANO)
        if not rest:
            for suffix, factor in reversed(_BINARY.items()):
                if count and count % factor == 0:
                    return f"{count // factor}{suffix}"
            return str(count)
        for suffix, factor in (("m", 10**6), ("u", 10**3), ("n", 1)):
            if self.nano % factor == 0:
                return f"{self.nano // factor}{suffix}"
        raise AssertionError("every amount is in whole billionths")

    def __repr__(self) -> str:
        return f"Quantity({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return self.nano == other.nano if isinstance(other, Quantity) else NotImplemented

    def __lt__(self, other: Quantity) -> bool:
        return self.nano < other.nano

    def __hash__(self) -> int:
        return hash(self.nano)

    def __bool__(self) -> bool:
        return self.nano > 0

    def __add__(self, other: Quantity) -> Quantity:
        return Quantity(self.nano + other.nano)


def _meant(text: object) -> str:
    """The likely right spelling of a wrong suffix."""
    if not isinstance(text, str):
        return ""
    near = re.sub(r"\s+", "", text).removesuffix("B").removesuffix("b")
    near = re.sub(r"K$", "Ki", near).replace("ki", "Ki")
    return f'write "{near}"' if near != text and _TEXT.match(near) and any(map(str.isdigit, near)) else ""
