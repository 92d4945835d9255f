"""Which host CPU each vCPU gets: whole cores of one NUMA cell for real-time vCPUs, housekeeping CPUs for the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from quietcore.spec.host import HostSpec
from quietcore.spec.node import RtNodeSpec
from quietcore.spec.topology import Cell
from quietcore.units import CpuSet

Pins = tuple[int, ...]  # the host CPU of each vCPU, by vCPU number


class NoRoom(Exception):
    """No NUMA cell has enough free isolated cores; ``free`` says what each cell still has."""

    def __init__(self, wanted: int, free: Mapping[int, CpuSet]) -> None:
        self.wanted, self.free = wanted, dict(free)
        super().__init__(f"{wanted} isolated CPUs wanted")

    def left(self) -> str:
        """What is free, cell by cell, for a finding's ``given``."""
        return "; ".join(f"cell {cell}: {cpus if cpus else 'none'} free" for cell, cpus in self.free.items())


@dataclass(frozen=True)
class Taken:
    """What other nodes of the host have: isolated CPUs held for good, and how often each other CPU is in use."""

    held: CpuSet = CpuSet()
    load: Mapping[int, int] | None = None


def place(node: RtNodeSpec, host: HostSpec, taken: Taken) -> Pins:
    """Pins for a node that has none yet; ``node.pins`` are kept as given. Raises NoRoom."""
    given = dict(node.pins or {})
    wanted = [vcpu for vcpu in node.rt_vcpus if vcpu not in given]
    held = taken.held | CpuSet(cpu for vcpu, cpu in given.items() if vcpu in node.rt_vcpus and cpu >= 0)
    rt = dict(zip(wanted, _isolated(len(wanted), node, host, held), strict=True)) if wanted else {}
    pinned = {**rt, **given}
    rest = _ordinary(node, host, _home(pinned, node, host), pinned, taken)
    return tuple({**rest, **pinned}.get(vcpu, -1) for vcpu in range(node.vcpus))


def free_cpus(host: HostSpec, held: CpuSet) -> dict[int, CpuSet]:
    """The isolated CPUs of each NUMA cell whose whole core nobody holds."""
    return {
        cell.id: CpuSet(cpu for core in _free_cores(cell, host, held) for cpu in core) for cell in host.topology.cells
    }


def service_cpus(host: HostSpec, cell: int | None) -> CpuSet:
    """The housekeeping CPUs for emulator and IOThreads: those of the node's own cell, else all."""
    near = next((c.cpus for c in host.topology.cells if c.id == cell), CpuSet())
    return (near & host.cpus.housekeeping) or host.cpus.housekeeping


def cell_of_pins(cpus: CpuSet, host: HostSpec) -> int | None:
    """The lowest NUMA cell that holds any of the CPUs; None when none does."""
    return min(host.topology.cells_of(cpus), default=None)


def _home(pinned: Mapping[int, int], node: RtNodeSpec, host: HostSpec) -> int | None:
    rt = CpuSet(cpu for vcpu, cpu in pinned.items() if vcpu in node.rt_vcpus and cpu in host.topology.cpus)
    return node.cell if node.cell is not None else cell_of_pins(rt, host)


def _isolated(count: int, node: RtNodeSpec, host: HostSpec, held: CpuSet) -> list[int]:
    free = {cell.id: _free_cores(cell, host, held) for cell in host.topology.cells if node.cell in (None, cell.id)}
    fitting = [cell for cell, cores in free.items() if sum(map(len, cores)) >= count]
    if not fitting:
        raise NoRoom(count, {cell: CpuSet(c for core in cores for c in core) for cell, cores in free.items()})
    emptiest = max(fitting, key=lambda cell: (len(free[cell]), -cell))
    return [cpu for core in free[emptiest] for cpu in core][:count]


def _free_cores(cell: Cell, host: HostSpec, held: CpuSet) -> list[CpuSet]:
    """The cell's cores that nobody holds any thread of, ascending, each cut to its isolated threads."""
    cores: list[CpuSet] = []
    seen: set[int] = set()
    for cpu in cell.cpus & host.cpus.isolated:
        core = host.topology.core_of(cpu)
        if cpu not in seen and core.isdisjoint(held):
            cores.append(core & host.cpus.isolated)
        seen.update(core)
    return cores


def _ordinary(
    node: RtNodeSpec, host: HostSpec, cell: int | None, pinned: Mapping[int, int], taken: Taken
) -> dict[int, int]:
    """Non-real-time vCPUs on the least used shared or housekeeping CPUs, near the others where there is a choice."""
    pool = host.cpus.shared or host.cpus.housekeeping
    near = next((c.cpus for c in host.topology.cells if c.id == cell), CpuSet())
    load = Counter({cpu: 1000 * (cpu in pinned.values()) for cpu in pool}) + Counter(dict(taken.load or {}))
    chosen: dict[int, int] = {}
    for vcpu in node.housekeeping_vcpus:
        if vcpu in pinned or not pool:
            continue
        chosen[vcpu] = min(pool, key=lambda cpu: (cpu in chosen.values(), cpu not in near, load[cpu], cpu))
    return chosen
