"""A set of CPU numbers, with the text forms that the kernel and libvirt use for it.

Syntax of the list form: the kernel's ``bitmap_parselist`` (lib/bitmap-str.c and
Documentation/admin-guide/kernel-parameters.rst, "cpu lists"): ``0-3,8``, groups ``0-15:2/4``
(the first 2 of every 4), ``N`` for the last CPU, ``all``. The mask form is hexadecimal in
comma-separated groups of 32 bits, most significant first (``bitmap_parse``). ``all`` may be
followed by a group and stand in any case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from quietcore.errors import UnitError

MOST = 4096  # CONFIG_NR_CPUS of distribution kernels tops out at 8192; no host of ours comes near

DIGITS = 18  # more of them are no number of anything, and Python refuses to read some thousands

_QUOTED = 120  # characters of a text that an error quotes

_ITEM = re.compile(
    r"(?:(?P<all>[aA][lL][lL])|(?P<low>\d+|N)(?:-(?P<high>\d+|N))?)(?::(?P<used>\d+)/(?P<group>\d+))?\Z", re.ASCII
)
_MASK = re.compile(r"(0x)?[0-9a-fA-F]+(,[0-9a-fA-F]{1,8})*\Z")


class CpuSet:
    """An immutable set of CPU numbers in canonical form: equal sets are equal values and print the same."""

    __slots__ = ("_cpus",)

    def __init__(self, cpus: Iterable[int] = ()) -> None:
        """Raises UnitError for a number below 0 or not below ``MOST``."""
        self._cpus: frozenset[int] = frozenset(cpus)
        for cpu in self._cpus:
            if type(cpu) is not int or not 0 <= cpu < MOST:
                raise UnitError("not a CPU number", given=repr(cpu), allowed=f"0 to {MOST - 1}")

    @classmethod
    def _of(cls, cpus: frozenset[int]) -> CpuSet:
        """A set whose members were members of other sets, so that they need no second look."""
        made = cls.__new__(cls)
        made._cpus = cpus
        return made

    @classmethod
    def _of_bits(cls, bits: int) -> CpuSet:
        """The set whose members are the numbers of the bits that are set, each below ``MOST``."""
        first = (bits & -bits).bit_length() - 1
        if bits and not (bits >> first) & (bits >> first) + 1:
            return cls._of(frozenset(range(first, bits.bit_length())))
        return cls._of(frozenset(cpu for cpu, bit in enumerate(reversed(f"{bits:b}")) if bit == "1"))

    @classmethod
    def parse(cls, text: str, *, count: int | None = None) -> CpuSet:
        """Read the kernel's list form; ``count`` is the number of CPUs, which ``N`` and ``all`` need.

        The empty text is the empty set. Raises UnitError that quotes the item at fault.
        """
        if not isinstance(text, str):
            raise UnitError(
                "a CPU set is written as text", given=repr(text), allowed='such as "0-3,8"', hint=_as_text(text)
            )
        stripped = text.strip()
        if not stripped:
            return cls()
        bits = 0
        for item in stripped.split(","):
            bits |= _item(item, text, count)
        return cls._of_bits(bits)

    @classmethod
    def parse_libvirt(cls, text: str) -> CpuSet:
        """Read libvirt's ``cpuset`` form, where ``^`` takes CPUs away again: ``0-7,^3``."""
        kept = 0
        for item in filter(None, (part.strip() for part in text.split(","))):
            named = _item(item.removeprefix("^"), text, None)
            kept = kept & ~named if item.startswith("^") else kept | named
        return cls._of_bits(kept)

    @classmethod
    def from_mask(cls, text: str) -> CpuSet:
        """Read a hexadecimal mask, with or without ``0x`` and 32-bit comma groups. Raises UnitError."""
        if not _MASK.match(text.strip()):
            raise UnitError("not a CPU mask", given=repr(text), allowed='hexadecimal such as "ff" or "1,00000000"')
        first, *rest = text.strip().split(",")
        bits = int(first + "".join(group.rjust(8, "0") for group in rest), 16)
        if bits.bit_length() > MOST:
            raise UnitError("not a CPU mask", given=f"{text.strip()[:DIGITS]}...", allowed=f"at most {MOST} CPUs")
        return cls._of_bits(bits)

    def mask(self) -> str:
        """The hexadecimal form in 32-bit groups, most significant first: CPU 32 alone is ``1,00000000``."""
        bits = sum(1 << cpu for cpu in self._cpus)
        groups = []
        while True:
            groups.append(bits & 0xFFFFFFFF)
            bits >>= 32
            if not bits:
                break
        return ",".join([f"{groups[-1]:x}", *(f"{group:08x}" for group in reversed(groups[:-1]))])

    def complement(self, universe: CpuSet) -> CpuSet:
        """The CPUs of ``universe`` that are not in this set."""
        return universe - self

    def union(self, others: Iterable[CpuSet]) -> CpuSet:
        """The CPUs of this set and of all others."""
        return CpuSet._of(self._cpus.union(*(other._cpus for other in others)))

    def isdisjoint(self, other: CpuSet) -> bool:
        """Whether no CPU is in both sets."""
        return self._cpus.isdisjoint(other._cpus)

    def runs(self) -> list[tuple[int, int]]:
        """The set as ascending (first, last) runs of consecutive CPUs."""
        runs: list[tuple[int, int]] = []
        for cpu in self:
            if runs and runs[-1][1] == cpu - 1:
                runs[-1] = (runs[-1][0], cpu)
            else:
                runs.append((cpu, cpu))
        return runs

    def counted(self, noun: str) -> str:
        """The set after what it numbers, for sentences: ``vCPU 1``, ``vCPUs 1-3``; an empty one is ``no vCPU``."""
        if not self._cpus:
            return f"no {noun}"
        return f"{noun}{'s' if len(self) > 1 else ''} {self}"

    def __str__(self) -> str:
        return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in self.runs())

    def __repr__(self) -> str:
        return f"CpuSet({str(self)!r})"

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._cpus))

    def __len__(self) -> int:
        return len(self._cpus)

    def __contains__(self, cpu: object) -> bool:
        return cpu in self._cpus

    def __eq__(self, other: object) -> bool:
        return self._cpus == other._cpus if isinstance(other, CpuSet) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._cpus)

    def __or__(self, other: CpuSet) -> CpuSet:
        return CpuSet._of(self._cpus | other._cpus)

    def __and__(self, other: CpuSet) -> CpuSet:
        return CpuSet._of(self._cpus & other._cpus)

    def __sub__(self, other: CpuSet) -> CpuSet:
        return CpuSet._of(self._cpus - other._cpus)

    def __xor__(self, other: CpuSet) -> CpuSet:
        return CpuSet._of(self._cpus ^ other._cpus)

    def __le__(self, other: CpuSet) -> bool:
        return self._cpus <= other._cpus

    def __lt__(self, other: CpuSet) -> bool:
        return self._cpus < other._cpus


def _as_text(value: object) -> str:
    """What a number or a list of numbers is as text; nothing for a value that nobody can have meant."""
    items = value if isinstance(value, (list, tuple)) else [value]
    whole = [item for item in items if isinstance(item, int) and not isinstance(item, bool) and item >= 0]
    return f'write "{",".join(map(str, whole))}"' if whole and len(whole) == len(items) else ""


def _item(item: str, text: str, count: int | None) -> int:
    """The CPUs of an item as bits: a text may name the same thousands of CPUs thousands of times."""
    match = _ITEM.match(item.strip())
    grouped = match and match["group"] is not None
    if not match or (grouped and match["low"] and match["high"] is None):
        raise UnitError(
            "not a CPU list", given=f"{item.strip()!r} in {_short(text)}", allowed='such as "0-3,8" or "0-15:2/4"'
        )
    low, high = _ends(match, item.strip(), text, count)
    run = (1 << high - low + 1) - 1
    if not grouped:
        return run << low
    used, group = _number(match["used"], text, count), _number(match["group"], text, count)
    if not 0 < used <= group:
        allowed = "used/group with 1 <= used <= group"
        raise UnitError("not a CPU group", given=f"{item.strip()!r} in {_short(text)}", allowed=allowed)
    used, group = min(used, MOST), min(group, MOST)
    first_of_each = ((1 << group * ((high - low) // group + 1)) - 1) // ((1 << group) - 1)
    return (run & ((1 << used) - 1) * first_of_each) << low


def _ends(match: re.Match[str], item: str, text: str, count: int | None) -> tuple[int, int]:
    """The first and the last CPU of an item."""
    if match["all"]:
        return 0, _last("all", text, count)
    low = _number(match["low"], text, count)
    high = low if match["high"] is None else _number(match["high"], text, count)
    if high < low:
        raise UnitError("a CPU range runs upwards", given=f"{item!r} in {_short(text)}", allowed=f"{high}-{low}")
    if high >= MOST:
        raise UnitError("not a CPU number", given=f"{high} in {_short(text)}", allowed=f"0 to {MOST - 1}")
    return low, high


def _short(text: str) -> str:
    """The text quoted, without its end where it is longer than any line."""
    return repr(text) if len(text) <= _QUOTED else f"{text[:_QUOTED]!r}..."


def _number(token: str, text: str, count: int | None) -> int:
    if len(token) > DIGITS:
        raise UnitError("not a CPU number", given=f"{token[:DIGITS]}...", allowed=f"0 to {MOST - 1}")
    return _last(token, text, count) if token == "N" else int(token)


def _last(token: str, text: str, count: int | None) -> int:
    if count is None or count < 1:
        raise UnitError(
            f"{token!r} needs the number of CPUs", given=_short(text), hint="write the CPU numbers, or give a topology"
        )
    return count - 1
