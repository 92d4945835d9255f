"""Rules on how a CPU plan lies across the NUMA cells of its host."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.examples import plan, smt_host
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import HostSpec, Severity


def _bare_cells(host: HostSpec) -> Iterator[Hit]:
    housekeeping, isolated = host.cpus.housekeeping, host.cpus.isolated
    bare = [
        cell
        for cell in host.topology.cells
        if not cell.cpus.isdisjoint(isolated) and cell.cpus.isdisjoint(housekeeping | host.cpus.shared)
    ]
    if not bare or not housekeeping:
        return
    first = host.topology.core_of(min(bare[0].cpus & isolated))
    yield Hit(
        where="cpus.housekeeping",
        given=f"housekeeping {housekeeping}; "
        + "; ".join(f"cell {cell.id} ({cell.cpus}) has none of it" for cell in bare[:4]),
        allowed="a core of each cell that has isolated CPUs",
        hint=f"move {first.counted('CPU')} of cell {bare[0].id} to housekeeping",
    )


def _one_cell(host: HostSpec) -> str:
    if host.cpus.dialect == "plain":
        return ""
    return f"dialect {host.cpus.dialect} keeps housekeeping on one cell unless told otherwise"


C06: Rule[HostSpec] = Rule(
    code="C06",
    title="NUMA cell has no housekeeping CPU",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=HostSpec,
    judge=_bare_cells,
    aside=_one_cell,
    doc=Doc(
        what="Each NUMA cell that has isolated CPUs has housekeeping CPUs too, best a whole core (shared CPUs count).",
        why="Interrupts of the cell's devices, and the kernel threads of its memory, run on housekeeping CPUs. With "
        "none in the cell they run on the other socket, and each access crosses the link between the two.",
        fix="give one core of each cell to housekeeping",
        sources=(source("CAN-VM"), source("CAN-DOC"), source("NTO-PPC", "split-reserved-cpus-across-numa")),
        bad=Example(
            text='# CPUs 0-3,8-11 are cell 0, CPUs 4-7,12-15 cell 1\nCpuPlan(housekeeping="0-1,8-9", '
            'isolated="2-7,10-15")',
            subject=lambda: smt_host(plan(housekeeping="0-1,8-9", isolated="2-7,10-15")),
        ),
        good=Example(
            text='# CPUs 0-3,8-11 are cell 0, CPUs 4-7,12-15 cell 1\nCpuPlan(housekeeping="0,4,8,12", '
            'isolated="1-3,5-7,9-11,13-15")',
            subject=smt_host,
        ),
    ),
)
