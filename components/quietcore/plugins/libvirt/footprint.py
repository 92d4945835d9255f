"""What a domain takes of its host for itself, read from its facts: pinned threads, and pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lxml import etree

from quietcore.plugins.libvirt.facets import Facets, domain_facets
from quietcore.units.cpuset import CpuSet
from quietcore.units.size import Size

SECTIONS: Final = frozenset({"name", "memory", "cputune", "numatune", "memoryBacking"})
"""Children of `<domain>` that say so."""

REAL_TIME: Final = ("fifo", "rr")
_THREADS: Final = {
    "vcpupin": "vCPU {}",
    "emulatorpin": "the emulator",
    "iothreadpin": "IOThread {}",
}  # in order of tale
_PIN: Final = re.compile(r"cputune\.(vcpupin|emulatorpin|iothreadpin)(?:\[(\d+)\])?\Z")
_SIZE: Final = re.compile(r"(\d+) ([KMGT]iB)")
_PLACEMENTS: Final = ("auto", "static")


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread of a domain and the host CPUs that it is pinned to; `place` is its element below `cputune`."""

    who: str
    place: str
    cpus: CpuSet
    real_time: bool


@dataclass(frozen=True, slots=True)
class Footprint:
    """`page` is the size of its hugepages, None where it has none or names no size; `cells` those of the host."""

    name: str
    threads: tuple[Thread, ...]
    hugepages: bool
    page: Size | None
    pages: int
    cells: tuple[int, ...]

    @property
    def pinned(self) -> bool:
        """Whether any vCPU is pinned."""
        return any(thread.place.startswith("vcpupin") for thread in self.threads)


def holding_facts(domain: etree._Element) -> Facets:
    """Give no other facts of a `<domain>` than `footprint` reads."""
    return domain_facets(domain, SECTIONS)


def footprint(facts: Facets) -> Footprint:
    """Read it from the facts of a domain.

    Raises:
        UnitError: a CPU set that is none, or is not known yet.
    """
    hugepages = facts.get("memoryBacking.hugepages")
    page = _page(hugepages or "")
    memory = _size(facts.get("memory", ""))
    return Footprint(
        name=facts.get("name", ""),
        threads=tuple(_threads(facts)),
        hugepages=hugepages is not None,
        page=page,
        pages=-(-memory.bytes // page.bytes) if page and memory else 0,
        cells=tuple(_cells(facts.get("numatune.memory", ""))),
    )


def _threads(facts: Facets) -> Iterator[Thread]:
    """Give them by kind, in the order above, and number: facts that went over the wire have lost their order."""
    pins = [(match[1], int(match[2] or 0), text) for key, text in facts.items() if (match := _PIN.match(key))]
    kinds = list(_THREADS)
    for kind, number, text in sorted(pins, key=lambda pin: (kinds.index(pin[0]), pin[1])):
        place = kind if kind == "emulatorpin" else f"{kind}[{number}]"
        scheduler = facts.get(f"cputune.vcpusched[{number}]", "") if kind == "vcpupin" else ""
        real_time = scheduler.partition(" ")[0] in REAL_TIME
        yield Thread(_THREADS[kind].format(number), place, CpuSet.parse_libvirt(text), real_time)


def _page(hugepages: str) -> Size | None:
    """Give the first size that is said; each is `1 GiB`, with ` for 0-1` where only some guest cells have it."""
    sizes = (_size(page) for page in hugepages.split(", "))
    return next((size for size in sizes if size), None)


def _size(text: str) -> Size | None:
    match = _SIZE.match(text)
    return Size.parse(match[0]) if match and int(match[1]) else None


def _cells(numatune: str) -> CpuSet:
    nodes = numatune.partition(" ")[2]
    return CpuSet() if nodes in ("", *_PLACEMENTS) else CpuSet.parse_libvirt(nodes)
