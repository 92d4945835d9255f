"""Reading a domain's elements: numbers, sizes, sets and switches, each mistake told with its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

from quietcore.errors import QuietcoreError, UnitError
from quietcore.units import CpuSet, Size
from quietcore.units.cpuset import MOST

if TYPE_CHECKING:
    from lxml.etree import _Element

_T = TypeVar("_T")

_BYTES = {"b": 1, "byte": 1, "bytes": 1} | {
    spelling: base**power
    for power, letter in enumerate("kmgtpe", start=1)
    for spelling, base in ((letter, 1024), (f"{letter}ib", 1024), (f"{letter}b", 1000))
}
"""Bytes of a unit in lower case, as formatdomain lists them under "memory": ``KB`` is 1000, ``k`` and ``KiB`` 1024."""


_DIGITS = 20  # of the greatest 64-bit number; libvirt has no greater


class LiftError(QuietcoreError):
    """A domain XML that says something nobody can mean; ``where`` is the path of its element, ``line`` its line."""

    line: int | None = None

    def within(self, name: str) -> LiftError:
        """The same mistake, told with the file it stands in."""
        if not name:
            return self
        file = name if self.line is None else f"{name}:{self.line}"
        where = ", ".join(part for part in (file, self.where) if part)
        return LiftError(self.what, where=where, given=self.given, allowed=self.allowed, hint=self.hint)


def switch(element: _Element | None, name: str = "state") -> bool | None:
    """A switch such as ``state='off'`` or ``enabled='no'``; on where the element is there and says nothing."""
    return None if element is None else element.get(name, "on") in ("on", "yes")


def number(element: _Element | None, name: str = "", default: int = 0) -> int:
    """A whole number from an attribute, or from the text where ``name`` is empty."""
    if element is None:
        return default
    text = (element.get(name) if name else element.text) or ""
    if not text.strip().isdecimal() or len(text.strip()) > _DIGITS:
        raise _at(element, name, "not a whole number", repr(text[: 2 * _DIGITS]), f"digits, at most {_DIGITS}")
    return int(text)


def count(element: _Element | None, default: int) -> int:
    """A number of vCPUs or IOThreads, from the text; more than any machine has is a mistake."""
    given = number(element, default=default)
    if element is not None and given > MOST:
        raise _at(element, "", "more than any machine has", str(given), f"at most {MOST}")
    return given


def too_many(element: _Element, given: int) -> LiftError:
    """The error for more children than CPUs: what each of them names is compared with all others."""
    return _at(element, "", "more elements than any machine has CPUs", str(given), f"at most {MOST}")


def size(element: _Element | None, name: str = "") -> Size:
    """A size with its unit, KiB where none is said; 0 without the element."""
    if element is None:
        return Size(0)
    unit = element.get("unit", "KiB")
    if unit.lower() not in _BYTES:
        raise _at(element, "unit", "not a unit of size", repr(unit), "KiB, MiB, GiB")
    return Size(number(element, name) * _BYTES[unit.lower()])


def cpus(element: _Element, name: str) -> CpuSet:
    """A CPU set as libvirt writes it, empty where the attribute is missing."""
    return read(element, name, lambda: CpuSet.parse_libvirt(element.get(name, "")))


def read(element: _Element, name: str, value: Callable[[], _T]) -> _T:
    """What ``value`` gives, a UnitError of it told as LiftError at ``element`` and its attribute ``name``."""
    try:
        return value()
    except UnitError as fault:
        raise _at(element, name, fault.what, fault.given, fault.allowed, fault.hint) from None


def _at(element: _Element, name: str, what: str, given: str, allowed: str, hint: str = "") -> LiftError:
    fault = LiftError(what, where=_place(element, name), given=given, allowed=allowed, hint=hint)
    fault.line = cast(int | None, element.sourceline)
    return fault


def _place(element: _Element, name: str) -> str:
    """The path of an element, numbered where it has siblings of its kind, and of its attribute."""
    path = element.getroottree().getpath(element)
    return f"{path}/@{name}" if name else path
