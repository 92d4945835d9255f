"""The hugepage parameters of a command line, read in order as the kernel reads them (mm/hugetlb.c)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from quietcore.spec import KernelCmdline
from quietcore.units import Size

_SIZE = re.compile(r"(0[xX][0-9a-fA-F]{1,15}|\d{1,18})([kKmMgGtT]?)", re.ASCII)
_SHIFT = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
_DEFAULT = Size.mib(2)


@dataclass
class Pages:
    """What the kernel makes of them: the default size (None: unsaid), counts by size and NUMA node, and mistakes.

    Node None stands for pages that the kernel spreads over all nodes. A mistake is (parameter, reason).
    """

    default: Size | None = None
    sizes: list[Size] = field(default_factory=list)
    counts: dict[tuple[Size, int | None], int] = field(default_factory=dict)
    mistakes: list[tuple[str, str]] = field(default_factory=list)

    def of_node(self, node: int) -> int:
        """Bytes that are asked of one node by its number."""
        return sum(size.bytes * count for (size, where), count in self.counts.items() if where == node)

    def total(self) -> int:
        """Bytes that are asked of the machine."""
        return sum(size.bytes * count for (size, _), count in self.counts.items())


def size_of(text: str) -> Size | None:
    """A size as the kernel's ``memparse`` reads it, which ignores what follows the unit; None for none."""
    found = _SIZE.match(text)
    number = int(found[1], 0 if found[1][:2].lower() == "0x" else 10) if found else 0
    return Size(number << _SHIFT[found[2].upper()]) if found and number else None


def pages_of(cmdline: KernelCmdline) -> Pages:
    """Read them in order: a count belongs to the size before it, or, before any size, to the default."""
    pages, first = Pages(), False
    pending: Size | None = None  # the size that the next count belongs to
    owner = "nobody"  # whose the next count is: nobody's yet, a size's, or of a size that the kernel does not read
    for name, value in cmdline.settings:
        size = size_of(value or "") if name in ("hugepagesz", "default_hugepagesz") else None
        if name == "default_hugepagesz":
            pages.default = size or pages.default
        if name == "hugepagesz" and size in pages.sizes:
            pages.mistakes.append((f"hugepagesz={value}", "the size stands there twice"))
        if name in ("hugepagesz", "default_hugepagesz"):
            pages.sizes += [size] if size is not None and name == "hugepagesz" else []
            pending, owner = size, "size" if size is not None else "unread"
        elif name == "hugepages" and owner == "counted":
            pages.mistakes.append((f"hugepages={value}", "a second count for one size, which the kernel drops"))
        elif name == "hugepages":
            first = first or owner == "nobody"
            counts = _by_node(value or "") if owner != "unread" else ()
            pages.counts.update({(pending or _DEFAULT, node): count for node, count in counts})
            owner = "counted"
    return _settled(pages, first)


def _settled(pages: Pages, first: bool) -> Pages:
    """A count before any size is one of the default size, wherever that is said; beside other sizes, it is a slip."""
    if first and pages.sizes:
        pages.mistakes.insert(0, ("hugepages", "the first one stands before any hugepagesz"))
    if first and pages.default is not None:
        moved = {(size, node): count for (size, node), count in pages.counts.items() if size == _DEFAULT}
        for size, node in moved:
            pages.counts[pages.default, node] = pages.counts.pop((size, node))
    return pages


def _by_node(text: str) -> Iterator[tuple[int | None, int]]:
    """``4`` is four pages anywhere, ``0:2,1:2`` two on each node."""
    for item in text.split(","):
        node, colon, number = item.rpartition(":")
        if number.isdecimal() and number.isascii() and len(number) < 16 and (node.isdecimal() or not colon):
            yield (int(node[:9]) if colon else None), int(number)


def held(pages: Mapping[Size, int]) -> int:
    """Bytes of a pool of pages."""
    return sum(size.bytes * count for size, count in pages.items())
