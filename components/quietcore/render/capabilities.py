"""libvirt's capabilities XML to a host's topology. Source: libvirt.org/formatcaps.html, element `host/topology`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lxml import etree

from quietcore.errors import EnvironmentFault
from quietcore.spec.topology import Cell, HostTopology
from quietcore.units import CpuSet, Size

SMALLEST_HUGEPAGE: Final = Size.kib(64)
"""Pools below this are the base page of some architecture: 4 KiB on x86, 8 KiB in libvirt's own test driver."""

_KIB: Final = {"b": 1 / 1024, "bytes": 1 / 1024, "kib": 1, "k": 1, "mib": 1 << 10, "gib": 1 << 20, "tib": 1 << 30}


def lift(xml: str) -> HostTopology:
    """The topology in `virsh capabilities`. Raises EnvironmentFault where libvirt reports no NUMA cells with CPUs.

    Raises also XMLSyntaxError, ValueError and OverflowError for what no libvirt prints.
    """
    root = etree.fromstring(xml.encode(), etree.XMLParser(resolve_entities=False))
    if root.getroottree().docinfo.internalDTD is not None:
        raise EnvironmentFault(
            "capabilities declare a document type", given="<!DOCTYPE", hint="remove the <!DOCTYPE ...>"
        )
    host = root.find("host")
    cells = [] if host is None else [_cell(cell) for cell in host.iterfind("topology/cells/cell") if _has_cpus(cell)]
    if host is None or not cells:
        raise EnvironmentFault(
            "the capabilities hold no CPU topology",
            given="no element host/topology/cells/cell with CPUs",
            hint="run `quietcore inventory local` on the host itself",
        )
    return HostTopology(
        arch=host.findtext("cpu/arch") or "x86_64",
        vendor=host.findtext("cpu/vendor") or "",
        model=host.findtext("cpu/model") or "",
        cells=tuple(cells),
        cores=cores_of(_siblings(host)),
    )


def has_kvm(xml: str) -> bool:
    """Whether the host runs guests under KVM, by its capabilities."""
    root = etree.fromstring(xml.encode(), etree.XMLParser(resolve_entities=False))
    return root.find("guest/arch/domain[@type='kvm']") is not None


def cores_of(siblings: Iterator[CpuSet]) -> tuple[CpuSet, ...]:
    """Each core's threads once, in order; empty where every core has one thread, as the file then leaves them out."""
    cores = sorted(set(siblings), key=list)
    return tuple(cores) if any(len(core) > 1 for core in cores) else ()


def _has_cpus(cell: etree._Element) -> bool:
    return cell.find("cpus/cpu") is not None


def _cell(cell: etree._Element) -> Cell:
    cpus = cell.findall("cpus/cpu")
    return Cell(
        id=int(cell.get("id", "0")),
        cpus=CpuSet(int(cpu.get("id", "0")) for cpu in cpus),
        memory=Size.kib(_kib(cell.find("memory"))),
        socket=min(int(cpu.get("socket_id", "0")) for cpu in cpus),
        pages={size: count for size, count in _pools(cell) if count and size >= SMALLEST_HUGEPAGE},
    )


def _pools(cell: etree._Element) -> Iterator[tuple[Size, int]]:
    for pages in cell.iterfind("pages"):
        yield Size.kib(int(int(pages.get("size", "0")) * _factor(pages))), int(pages.text or 0)


def _kib(memory: etree._Element | None) -> int:
    if memory is None:
        return 0
    return int(int(memory.text or 0) * _factor(memory))


def _factor(element: etree._Element) -> float:
    unit = element.get("unit") or "KiB"
    if unit.lower() not in _KIB:
        raise ValueError(f"unit {unit!r}")
    return _KIB[unit.lower()]


def _siblings(host: etree._Element) -> Iterator[CpuSet]:
    for cpu in host.iterfind("topology/cells/cell/cpus/cpu"):
        yield CpuSet.parse(str(cpu.get("siblings") or cpu.get("id", "0")))
