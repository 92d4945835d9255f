"""Rules on where a real-time domain's CPUs and memory lie on its host, and on what the host lets it lock."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.examples import cpus, declared, host, pins, placed, smt_host
from quietcore.rules.realtime import of_node
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import NodeSpec, NumaTune, Severity
from quietcore.spec.unsaid import NotSaid
from quietcore.units import CpuSet

NUMATUNE = "numatune.memory"


@of_node
def _several_cells(node: NodeSpec) -> Iterator[Hit]:
    if node.host is None:
        return
    topology, real_time = node.host.topology, node.domain.rt_pins
    cells = [cell for cell in topology.cells if not cell.cpus.isdisjoint(real_time)]
    if len(cells) > 1:
        most = max(cells, key=lambda cell: (len(cell.cpus & real_time), -cell.id))
        yield Hit(
            where="cputune.vcpupin",
            given="; ".join(f"{(cell.cpus & real_time).counted('CPU')} in cell {cell.id}" for cell in cells),
            allowed="CPUs of one NUMA cell",
            hint=f"pin all real-time vCPUs within cell {most.id}: {most.cpus & node.host.cpus.isolated}",
        )


D21: Rule[NodeSpec] = Rule(
    code="D21",
    title="real-time vCPUs are spread over NUMA cells",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=NodeSpec,
    judge=_several_cells,
    doc=Doc(
        what="All real-time vCPUs of a domain are pinned to CPUs of one NUMA cell.",
        why="A vCPU on another cell reaches the guest's memory over the link between sockets, where any load of the "
        "host competes with it.",
        fix="pin all real-time vCPUs of the domain within one NUMA cell",
        sources=(source("LV-RT", '"CPU configuration"'), source("RHEL-V"), source("KV")),
        bad=Example(
            text='# CPUs 0-3,8-11 are cell 0; CPUs 4-7,12-15 are cell 1\nRtNode("plc-a", pins={1: 1, 2: 2, 3: 5}, ...)',
            subject=lambda: _on_smt(v0="0", v1="1", v2="2", v3="5"),
        ),
        good=Example(
            text="# CPUs 0-3,8-11 are cell 0; CPUs 4-7,12-15 are cell 1\n"
            'RtNode("plc-a", pins={1: 1, 2: 2, 3: 10}, ...)',
            subject=lambda: _on_smt(v0="0", v1="1", v2="2", v3="10"),
        ),
    ),
)


def _on_smt(**on: str) -> NodeSpec:
    """The good domain, pinned on the host with SMT."""
    return declared(smt_host(), iothreads=0, iothread_pins=(), emulator_pin=cpus("0"), vcpu_pins=pins(**on))


@of_node
def _elsewhere(node: NodeSpec) -> Iterator[Hit]:
    """The mode is judged without the host's topology too; which cell is right, by the topology alone."""
    numa = node.domain.numa
    if numa is None:
        yield Hit(where=NUMATUNE, given="memory is bound to no cell", allowed=_strict(node), hint=_bound(node))
    elif numa.mode != "strict":
        given = f'"{numa.mode}"'
        yield Hit(where=f"{NUMATUNE}.mode", given=given, allowed='"strict"', hint=_bound(node))
    else:
        near = _cells_of_pins(node)
        if len(near) == 1 and numa.nodeset != near:
            given = f"nodeset {numa.nodeset or 'empty'}; the real-time vCPUs are pinned in cell {near}"
            yield Hit(where=f"{NUMATUNE}.nodeset", given=given, allowed=f"nodeset {near}", hint=_bound(node))


def _strict(node: NodeSpec) -> str:
    near = _cells_if_known(node)
    return f"mode strict, nodeset {near}" if len(near) == 1 else "mode strict, nodeset of the pins' cell"


def _bound(node: NodeSpec) -> str:
    near = _cells_if_known(node)
    return f"write <memory mode='strict' nodeset='{near}'/>" if len(near) == 1 else "bind memory strictly to one cell"


def _cells_if_known(node: NodeSpec) -> CpuSet:
    """The cells of the pins for advice; none where no file tells the topology."""
    try:
        return _cells_of_pins(node)
    except NotSaid:
        return CpuSet()


def _cells_of_pins(node: NodeSpec) -> CpuSet:
    return node.host.topology.cells_of(node.domain.rt_pins) if node.host else CpuSet()


D22: Rule[NodeSpec] = Rule(
    code="D22",
    title="memory may lie on another NUMA cell than the vCPUs",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=NodeSpec,
    judge=_elsewhere,
    doc=Doc(
        what="The memory of a real-time domain is bound strictly to the NUMA cell of its real-time vCPUs' pins.",
        why="With preferred or interleave, or without a binding, pages come from whichever cell has some left when "
        "the domain starts. The guest is then slower after some boots, and nobody knows why.",
        fix="bind memory with mode strict to the cell of the pins",
        sources=(source("LV-RT", '"Memory configuration"'), source("RHEL-V"), source("LV-FMT", '"NUMA Node Tuning"')),
        bad=Example(
            text="<numatune>\n  <memory mode='preferred' nodeset='0'/>\n</numatune>",
            subject=lambda: placed(numa=NumaTune(mode="preferred", nodeset=cpus("0"))),
        ),
        good=Example(text="<numatune>\n  <memory mode='strict' nodeset='0'/>\n</numatune>", subject=placed),
    ),
)


@of_node
def _swappable(node: NodeSpec) -> Iterator[Hit]:
    if not node.domain.locked:
        yield Hit(where="memoryBacking.locked", given="not there", allowed="<locked/>")


def _may_not_lock(node: NodeSpec) -> str:
    if node.host is None or node.host.facts.memlock != "limited" or not node.domain.realtime:
        return ""
    return f'host "{node.host.name}" lets no guest lock its memory (memlock: limited); with <locked/> QEMU cannot start'


D27: Rule[NodeSpec] = Rule(
    code="D27",
    title="memory is not locked",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=NodeSpec,
    judge=_swappable,
    aside=_may_not_lock,
    doc=Doc(
        what="A real-time domain's memory is locked. Where the host lets no guest lock memory (fact memlock: limited) "
        "the rule stands aside and says so.",
        why="Hugepages stay put, but QEMU's own memory and the page tables do not: what the host swaps out or "
        "reclaims is missing when the guest next needs it.",
        fix="add <locked/> to memoryBacking",
        sources=(source("LV-RT", '"Memory configuration"'), source("CAN-VM"), source("RHEL-V")),
        bad=Example(text="<memoryBacking>\n  <nosharepages/>\n</memoryBacking>", subject=lambda: placed(locked=False)),
        good=Example(text="<memoryBacking>\n  <locked/>\n  <nosharepages/>\n</memoryBacking>", subject=placed),
    ),
)


def _locks_where_limited(node: NodeSpec) -> Iterator[Hit]:
    if node.host is not None and node.host.facts.memlock == "limited" and node.domain.locked:
        given = f'<locked/> on host "{node.host.name}", whose QEMU may not lock memory'
        yield Hit(where="memoryBacking.locked", given=given, allowed="no <locked/> on this host")
    limit, memory = node.domain.hard_limit, node.domain.memory
    if node.domain.locked and limit is not None and limit <= memory:
        yield Hit(
            where="memtune.hard_limit",
            given=f"{limit} for {memory} of guest memory, locked, and QEMU's own",
            allowed=f"more than {memory}, or no hard_limit",
            hint="remove hard_limit, or add what QEMU itself needs, 1GiB or more",
        )


D28: Rule[NodeSpec] = Rule(
    code="D28",
    title="memory is locked where the host limits it",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=NodeSpec,
    judge=_locks_where_limited,
    doc=Doc(
        what="A domain does not ask for locked memory on a host with the fact memlock: limited, and its hard limit, "
        "if it has one, leaves room for QEMU beside the locked memory.",
        why="QEMU cannot raise its memory lock limit there (CAP_SYS_RESOURCE is missing), so the domain fails to "
        "start. With a hard limit that is too low it fails as well, or is killed later.",
        fix="leave <locked/> out on this host, or lift the limit and state memlock: unlimited",
        sources=(
            source("RHEL-V", "memtune hard_limit with locked memory"),
            source("LV-FMT", '"Memory Backing", locked'),
        ),
        bad=Example(
            text='HostFacts(memlock="limited")\n<memoryBacking><locked/></memoryBacking>',
            subject=lambda: _limited(locked=True),
        ),
        good=Example(
            text='HostFacts(memlock="limited")\n<memoryBacking><nosharepages/></memoryBacking>',
            subject=lambda: _limited(locked=False),
        ),
    ),
)


def _limited(locked: bool) -> NodeSpec:
    return placed(host(memlock="limited"), locked=locked)
