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
    cells = sorted({_number(row, "node") for row in rows})
    return HostTopology(
        arch=fields.get("Architecture", "x86_64"),
        vendor=_vendor(fields.get("Vendor ID", "")),
        model=fields.get("Model name", ""),
        cells=tuple(_cell(cell, rows, memory) for cell in cells),
        cores=cores_of(_core(row, rows) for row in rows),
    )


def _json(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except json.JSONDecodeError:
        raise EnvironmentFault("lscpu gave no JSON", given=text.strip()[:80], hint="update util-linux") from None
    return data if isinstance(data, dict) else {}


def _flat(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Newer releases of lscpu nest fields below `children`."""
    return [found for item in items for found in (item, *_flat(item.get("children", [])))]


def _number(row: Mapping[str, Any], name: str) -> int:
    """Without NUMA, lscpu writes null or `-`: then all is cell 0."""
    value = str(row.get(name))
    return int(value) if value.isdigit() else 0


def _cell(cell: int, rows: list[dict[str, Any]], memory: Mapping[int, CellMemory]) -> Cell:
    mine = [row for row in rows if _number(row, "node") == cell]
    held = memory.get(cell, CellMemory(Size(0)))
    return Cell(
        id=cell,
        cpus=CpuSet(int(row["cpu"]) for row in mine),
        memory=held.memory,
        socket=min(_number(row, "socket") for row in mine),
        pages=dict(held.pages),
    )


def _core(row: Mapping[str, Any], rows: list[dict[str, Any]]) -> CpuSet:
    place = (_number(row, "socket"), _number(row, "core"))
    return CpuSet(int(other["cpu"]) for other in rows if (_number(other, "socket"), _number(other, "core")) == place)


def _vendor(text: str) -> str:
    """libvirt's spelling of the vendor, so that both ways of reading a host agree."""
    return {"GenuineIntel": "Intel", "AuthenticAMD": "AMD"}.get(text, text)
