"""`lscpu --json` and the kernel's counts of memory to a host's topology, for a machine without libvirt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from quietcore.errors import EnvironmentFault
from quietcore.render.capabilities import cores_of
from quietcore.spec.topology import Cell, HostTopology
from quietcore.units import CpuSet, Size


@dataclass(frozen=True)
class CellMemory:
    """What the kernel says of a NUMA cell: its memory, and how many hugepages of each size are reserved there."""

    memory: Size
    pages: Mapping[Size, int] = field(default_factory=dict)


def lift(summary: str, table: str, memory: Mapping[int, CellMemory]) -> HostTopology:
    """The topology in `lscpu --json` and `lscpu --json --extended=CPU,NODE,SOCKET,CORE`; `memory` by NUMA cell.

    Raises EnvironmentFault where lscpu lists no CPU.
    """
    rows = [row for row in _json(table).get("cpus", []) if row.get("cpu") is not None]
    if not rows:
        raise EnvironmentFault("lscpu lists no CPU", given=table.strip()[:80] or "no output")
    fields = {item["field"].rstrip(":"): item["data"] for item in _flat(_json(summary).get("lscpu", []))}
    cells, cores = _grouped(rows, "node"), _grouped(rows, "socket", "core")
    return HostTopology(
        arch=fields.get("Architecture", "x86_64"),
        vendor=_vendor(fields.get("Vendor ID", "")),
        model=fields.get("Model name", ""),
        cells=tuple(_cell(cell, mine, memory) for (cell,), mine in sorted(cells.items())),
        cores=cores_of(_cpus(mine) for mine in cores.values()),
    )


def _json(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise EnvironmentFault("lscpu gave no JSON", given=text.strip()[:80], hint="update util-linux") from None
    return data if isinstance(data, dict) else {}


def _flat(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Newer releases of lscpu nest fields below `children`."""
    return [found for item in items for found in (item, *_flat(item.get("children", [])))]


def _number(row: Mapping[str, Any], name: str) -> int:
    """Without NUMA, lscpu writes null or `-`: then all is cell 0."""
    value = str(row.get(name))
    return int(value) if value.isdecimal() else 0


def _grouped(rows: list[dict[str, Any]], *names: str) -> dict[tuple[int, ...], list[dict[str, Any]]]:
    """The rows that have the same numbers under the names, by these numbers."""
    groups: dict[tuple[int, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(_number(row, name) for name in names), []).append(row)
    return groups


def _cell(cell: int, mine: list[dict[str, Any]], memory: Mapping[int, CellMemory]) -> Cell:
    held = memory.get(cell, CellMemory(Size(0)))
    return Cell(
        id=cell,
        cpus=_cpus(mine),
        memory=held.memory,
        socket=min(_number(row, "socket") for row in mine),
        pages=dict(held.pages),
    )


def _cpus(rows: list[dict[str, Any]]) -> CpuSet:
    return CpuSet(int(row["cpu"]) for row in rows)


def _vendor(text: str) -> str:
    """libvirt's spelling of the vendor, so that both ways of reading a host agree."""
    return {"GenuineIntel": "Intel", "AuthenticAMD": "AMD"}.get(text, text)
