"""Who has which CPU of a host: one mark per CPU, which the text map and the SVG map both draw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from quietcore.spec import Cell, DomainSpec, HostTopology, HostView, VcpuSched
from quietcore.units import CpuSet

HOUSEKEEPING: Final = "H"
EMULATOR: Final = "E"
ISOLATED: Final = "I"
SIBLING: Final = "s"
FREE: Final = "."
OFFLINED: Final = "x"
SEVERAL: Final = "+"
CLASH: Final = "!"

MEANING: Final = {
    HOUSEKEEPING: "housekeeping",
    EMULATOR: "emulator",
    ISOLATED: "isolated, free",
    SIBLING: "idle sibling",
    FREE: "shared, free",
    OFFLINED: "offlined",
    SEVERAL: "shared by several",
    CLASH: "held twice",
}
"""What each mark says, in the order of a legend; a node's own letter says whose vCPU runs there."""

_LETTERS: Final = "abcdefghijklmnopqrtuvwyzABCDFGJKLMNOPQRTUVWYZ"  # without the marks above
_NO_LETTER: Final = "#"


@dataclass(frozen=True, slots=True)
class CpuUse:
    """A CPU's mark; for a pinned one the domains and vCPUs that are pinned there (none for the other marks)."""

    cpu: int
    mark: str
    pinned: tuple[tuple[DomainSpec, int], ...] = ()


def letters(view: HostView) -> dict[str, str]:
    """A letter for each domain of the host that has pins of its own, by name, in order of declaration."""
    names = [node.domain.name for node in view.nodes if own_pins(node.domain, view)]
    return {name: _LETTERS[number] if number < len(_LETTERS) else _NO_LETTER for number, name in enumerate(names)}


def uses(view: HostView) -> dict[int, CpuUse]:
    """The use of every CPU of the host, by number."""
    topology, plan = view.host.topology, view.host.cpus
    known = letters(view)
    pinned: dict[int, list[tuple[DomainSpec, int]]] = {}
    for node in view.nodes:
        for vcpu, cpu in own_pins(node.domain, view):
            pinned.setdefault(cpu, []).append((node.domain, vcpu))
    emulators = _emulators(view)
    found = {}
    for cpu in topology.cpus:
        here = tuple(pinned.get(cpu, ()))
        if here:
            mark = _mark(here, known)
        elif cpu in plan.offlined:
            mark = OFFLINED
        elif cpu in emulators:
            mark = EMULATOR
        elif cpu in plan.housekeeping:
            mark = HOUSEKEEPING
        elif cpu in plan.isolated:
            mark = SIBLING if any(other in pinned for other in topology.core_of(cpu)) else ISOLATED
        else:
            mark = FREE
        found[cpu] = CpuUse(cpu, mark, here)
    return found


def own_pins(domain: DomainSpec, view: HostView) -> list[tuple[int, int]]:
    """Each (vCPU, CPU) of a domain outside the housekeeping CPUs, which all domains share."""
    ours = view.host.topology.cpus - view.host.cpus.housekeeping
    return [(pin.vcpu, cpu) for pin in domain.vcpu_pins for cpu in pin.cpus if cpu in ours]


def sentence(domain: DomainSpec) -> str:
    """Where a domain runs, in one line: ``vCPU 0 on 0, 1-3 on 2-4 fifo 1; emulator 0-1``."""
    groups = list(_groups(domain))
    pins = ", ".join(f"{_span(vcpus)} on {_span(cpus)}{how}" for vcpus, cpus, how in groups)
    emulator = f"emulator {domain.emulator_pin}" if domain.emulator_pin else ""
    return "; ".join(part for part in (f"vCPU {pins}" if pins else "no pins", emulator) if part)


def cores_of(cell: Cell, topology: HostTopology) -> list[CpuSet]:
    """The cell's cores in order of their first thread, each cut to the cell."""
    cores: list[CpuSet] = []
    for cpu in cell.cpus:
        core = topology.core_of(cpu) & cell.cpus
        if core not in cores:
            cores.append(core)
    return cores


def counted(topology: HostTopology) -> str:
    """A host's size in words: sockets, CPUs, and cores where they differ."""
    sockets = len({cell.socket for cell in topology.cells})
    cpus = len(topology.cpus)
    cores = sum(len(cores_of(cell, topology)) for cell in topology.cells)
    return ", ".join(
        many(count, word)
        for count, word in ((sockets, "socket"), (cores, "core"), (cpus, "CPU"))
        if word != "core" or cores != cpus
    )


def _groups(domain: DomainSpec) -> Iterator[tuple[list[int], list[int], str]]:
    """Consecutive vCPUs of one scheduling that run on one CPU each."""
    vcpus: list[int] = []
    cpus: list[int] = []
    last = ""
    for pin in sorted(domain.vcpu_pins, key=lambda pin: pin.vcpu):
        how = _how(domain.vcpu_scheds, pin.vcpu)
        if vcpus and how != last:
            yield vcpus, cpus, last
            vcpus, cpus = [], []
        vcpus, cpus, last = [*vcpus, pin.vcpu], [*cpus, *pin.cpus], how
    if vcpus:
        yield vcpus, cpus, last


def _span(numbers: list[int]) -> str:
    """Ascending numbers as a CPU list, others one by one: their order says which goes with which."""
    return str(CpuSet(numbers)) if numbers == sorted(set(numbers)) else ",".join(map(str, numbers))


def _how(scheds: tuple[VcpuSched, ...], vcpu: int) -> str:
    for sched in scheds:
        if vcpu in sched.vcpus:
            return f" {sched.policy}" + (f" {sched.priority}" if sched.priority is not None else "")
    return ""


def _emulators(view: HostView) -> CpuSet:
    """CPUs set apart for emulators: outside housekeeping, or only some of their NUMA cell's housekeeping CPUs."""
    pinned = CpuSet(cpu for node in view.nodes for cpu in node.domain.emulator_pin or ())
    shared = CpuSet()
    for cell in view.host.topology.cells:
        housekeeping = cell.cpus & view.host.cpus.housekeeping
        if housekeeping <= pinned:
            shared |= housekeeping
    return pinned - shared


def _mark(here: tuple[tuple[DomainSpec, int], ...], known: dict[str, str]) -> str:
    """The letter of the one domain that is pinned here; vCPUs can share a CPU only where none of them is real-time."""
    if len(here) > 1 and any(vcpu in domain.rt_vcpus for domain, vcpu in here):
        return CLASH
    names = {domain.name for domain, _ in here}
    return known[names.pop()] if len(names) == 1 else SEVERAL


def many(count: int, word: str) -> str:
    """A count with its noun."""
    return f"{count} {word}{'' if count == 1 else 's'}"
