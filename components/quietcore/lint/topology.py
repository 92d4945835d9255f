"""A host's topology from what its own tools print; what they leave out stays unsaid."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, cast

from quietcore.errors import EnvironmentFault, QuietcoreError, UnitError
from quietcore.spec import Cell, HostTopology
from quietcore.spec.unsaid import Unsaid
from quietcore.units import CpuSet


class TopologyError(QuietcoreError):
    """A text of lscpu or libvirt that holds no topology that can be read."""


@dataclass(frozen=True)
class Summary:
    """What ``lscpu --json`` says besides its table: the CPUs that are online, the vendor, whether it is a guest."""

    online: CpuSet
    vendor: str
    arch: str
    virtual: bool = False


def of_capabilities(text: str, name: str) -> HostTopology:
    """The topology in libvirt's capabilities. Raises TopologyError that names the file."""
    from lxml import etree

    from quietcore.render.capabilities import lift

    try:
        return lift(text)
    except etree.XMLSyntaxError as fault:
        raise TopologyError(
            "capabilities XML does not parse",
            where=f"{name}, line {fault.lineno}",
            given=str(fault).partition(", line")[0],
            allowed="well-formed XML",
        ) from None
    except EnvironmentFault as fault:
        hint = "give what `virsh capabilities` prints on the host itself"
        raise TopologyError(fault.what, where=name, given=fault.given, hint=hint) from None
    except (ValueError, OverflowError) as fault:
        given = str(getattr(fault, "given", fault))
        raise TopologyError("capabilities hold no number where one belongs", where=name, given=given) from None


def of_table(text: str, name: str) -> HostTopology:
    """The topology in lscpu's table. CPUs that are offline are left out, as libvirt leaves them out.

    The table says nothing of memory: whoever asks for a cell's is told so. Raises TopologyError.
    """
    from quietcore.render.lscpu import lift

    rows = [row for row in _rows(text, name) if row.get("online") not in (False, "no", "N")]
    missing = sorted({"cpu", "core", "socket", "node"} - set(rows[0] if rows else ()))
    if missing:
        raise TopologyError(
            "lscpu's table lacks columns",
            where=name,
            given=", ".join(rows[0]) if rows else "no CPU",
            allowed="cpu, node, socket, core",
            hint="give what `lscpu --json --extended=CPU,NODE,SOCKET,CORE,ONLINE` prints",
        )
    try:
        found = lift("{}", json.dumps({"cpus": rows}), {})
    except (ValueError, TypeError, OverflowError) as fault:
        raise TopologyError("lscpu's table cannot be read", where=name, given=str(fault)) from None
    return found.model_copy(update={"cells": tuple(without_memory(cell) for cell in found.cells)})


def without_memory(cell: Cell) -> Cell:
    """The cell with CPUs alone."""
    return cast(Cell, Unsaid("memory of the NUMA cells", id=cell.id, cpus=cell.cpus, socket=cell.socket))


def of_summary(text: str, name: str) -> Summary:
    """What lscpu's summary says. Raises TopologyError."""
    data = _json(text, name)
    items = data.get("lscpu") if isinstance(data, dict) else None
    fields = {str(item.get("field", "")).rstrip(":"): str(item.get("data", "")) for item in _flat(items)}
    try:
        online = CpuSet.parse(fields.get("On-line CPU(s) list", ""))
    except UnitError as fault:
        raise TopologyError("lscpu's list of CPUs cannot be read", where=name, given=fault.given) from None
    return Summary(online, fields.get("Vendor ID", ""), fields.get("Architecture", ""), "Hypervisor vendor" in fields)


def _flat(items: Any) -> list[dict[str, Any]]:
    found = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return [one for item in found for one in (item, *_flat(item.get("children")))]


def _rows(text: str, name: str) -> list[dict[str, Any]]:
    data = _json(text, name)
    rows = data.get("cpus") if isinstance(data, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as fault:
        raise TopologyError("no JSON", where=f"{name}, line {fault.lineno}", given=fault.msg) from None
    except RecursionError:
        raise TopologyError("no JSON that can be read", where=name, given="nested too deep") from None
    except ValueError:
        raise TopologyError("no JSON that can be read", where=name, given="a number of thousands of digits") from None
