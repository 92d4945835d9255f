"""Rules on one host and all domains on it: who uses which CPU, and how many pages they take together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from quietcore.rules.examples import cpus, domain, pins, scheds, smt_host, view
from quietcore.rules.kernel.cpu_plan import split_cores
from quietcore.rules.paths import place_of, title_of
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import CpuPlan, DomainSpec, HostView, NodeSpec, Severity
from quietcore.units import CpuSet, Size


@dataclass(frozen=True)
class Use:
    """A host CPU that a thread of a domain may run on; ``rank`` is the domain's place in order of declaration."""

    cpu: int
    rank: int
    node: NodeSpec
    who: str
    where: str
    real_time: bool

    def tell(self) -> str:
        """Whose thread it is."""
        return f"{self.who} of {title_of(self.node)}"


def _uses(view: HostView) -> dict[int, list[Use]]:
    """By CPU: every thread that is pinned there, in order of declaration."""
    found: dict[int, list[Use]] = defaultdict(list)
    for rank, node in enumerate(view.nodes):
        for use in _uses_of(rank, node):
            found[use.cpu].append(use)
    return found


def _uses_of(rank: int, node: NodeSpec) -> Iterator[Use]:
    """A real-time domain's pin to several CPUs is D03's, and counts for none of them here."""
    real_time = node.domain.rt_vcpus
    for pin in node.domain.vcpu_pins:
        if real_time and len(pin.cpus) != 1:
            continue
        where = f"cputune.vcpupin[{pin.vcpu}]"
        for cpu in pin.cpus:
            yield Use(cpu, rank, node, f"vCPU {pin.vcpu}", where, pin.vcpu in real_time)
    for cpu in node.domain.emulator_pin or ():
        yield Use(cpu, rank, node, "the emulator", "cputune.emulatorpin", False)
    for io in node.domain.iothread_pins:
        for cpu in io.cpus:
            yield Use(cpu, rank, node, f"IOThread {io.iothread}", f"cputune.iothreadpin[{io.iothread}]", False)


def _held_twice(view: HostView) -> Iterator[Hit]:
    """One hit for each pair of domains, at the later of the two; a real-time domain's emulator is D07's and D08's."""
    if len(view.nodes) < 2:
        return
    pairs: dict[tuple[int, int], list[tuple[Use, Use]]] = defaultdict(list)
    uses = _uses(view)
    for here in uses.values():
        vcpus = [use for use in here if use.who.startswith("vCPU") or not use.node.domain.realtime]
        for later, use in enumerate(vcpus):
            for other in vcpus[:later]:
                if other.rank != use.rank and (use.real_time or other.real_time):
                    pairs[other.rank, use.rank].append((other, use))
    elsewhere = _elsewhere(view, CpuSet(uses))
    for _, met in sorted(pairs.items()):
        earlier, later_use = met[0]
        names = "; ".join(f"CPU {use.cpu} for {use.who}, held by {other.tell()}" for other, use in met)
        yield Hit(
            where=place_of(later_use.node, later_use.where),
            given=names,
            allowed=f'CPUs of host "{view.host.name}" that {title_of(earlier.node)} does not hold',
            hint=elsewhere,
        )


def _elsewhere(view: HostView, used: CpuSet) -> str:
    if not isinstance(view.host.cpus, CpuPlan):
        return "pin one of them to other CPUs"
    free = view.host.cpus.isolated - used
    return f"use free isolated CPUs: {free}" if free else "use another host: no isolated CPU is free here"


def _neighbour(name: str, **changes: object) -> DomainSpec:
    return domain(name=name, **changes)


D05: Rule[HostView] = Rule(
    code="D05",
    title="CPU of a real-time vCPU is held by two domains",
    severity=Severity.ERROR,
    scope=Scope.HOST,
    subject=HostView,
    judge=_held_twice,
    doc=Doc(
        what="The host CPU of a real-time vCPU belongs to that vCPU alone: no other domain on the host pins to it.",
        why="Two FIFO vCPUs on one CPU run one after the other, each for as long as it likes. Neither guest can see "
        "the other; both measure latencies that no tuning explains.",
        fix="pin one of the domains to other CPUs, or move it to another host",
        sources=(source("LV-RT", '"CPU configuration"'), source("NOVA", "dedicated CPU policy")),
        bad=Example(
            text='RtNode("plc-a", host=hv1, pins={1: 2, 2: 3, 3: 4}, ...)\n'
            'RtNode("plc-b", host=hv1, pins={1: 4, 2: 5, 3: 6}, ...)',
            subject=lambda: view(domain(), _neighbour("plc-b", vcpu_pins=pins(v0="1", v1="4", v2="5", v3="6"))),
        ),
        good=Example(
            text='RtNode("plc-a", host=hv1, pins={1: 2, 2: 3, 3: 4}, ...)\n'
            'RtNode("plc-b", host=hv1, pins={1: 5, 2: 6, 3: 7}, ...)',
            subject=lambda: view(domain(), _neighbour("plc-b", vcpu_pins=pins(v0="1", v1="5", v2="6", v3="7"))),
        ),
    ),
)


def _core_shared(view: HostView) -> Iterator[Hit]:
    """One hit for each pair of threads on a core that the plan itself does not split (that is C05's)."""
    if view.host.topology.threads < 2:
        return
    split, uses = set(split_cores(view.host)), _uses(view)
    for core in view.host.topology.cores:
        here = [use for cpu in core for use in uses.get(cpu, ())] if core not in split else []
        told: set[tuple[int, int]] = set()
        for mine in here:
            for other in here:
                pair = (min(mine.rank, other.rank), max(mine.rank, other.rank))
                if _disturbs(other, mine) and pair not in told:
                    told.add(pair)
                    yield _beside(*((mine, other) if mine.rank >= other.rank else (other, mine)))


def _disturbs(other: Use, mine: Use) -> bool:
    """Whether ``other`` runs on a sibling of the real-time ``mine`` without being of the same real-time set."""
    if not mine.real_time or other.cpu == mine.cpu:
        return False
    return other.rank != mine.rank or (other.who.startswith("vCPU") and not other.real_time)


def _beside(use: Use, other: Use) -> Hit:
    return Hit(
        where=place_of(use.node, use.where),
        given=f"CPU {use.cpu} for {use.who}; its sibling {other.cpu} is used by {other.tell()}",
        allowed="cores whose other threads are idle, offlined or real-time vCPUs of the same domain",
        hint=f"keep {use.who} off the core of {other.who} of {title_of(other.node)}",
    )


def _pair(second: str) -> HostView:
    """Two domains of one real-time vCPU each on the host with SMT."""
    settings = {"vcpus": 2, "vcpu_scheds": scheds("1"), "guest": None, "emulator_pin": cpus("0")}
    settings |= {"iothreads": 0, "iothread_pins": ()}
    one = domain(name="plc-a", vcpu_pins=pins(v0="0", v1="1"), **settings)
    other = domain(name="plc-b", vcpu_pins=pins(v0="0", v1=second), **settings)
    return view(one, other, on=smt_host())


D20: Rule[HostView] = Rule(
    code="D20",
    title="core of a real-time vCPU is shared",
    severity=Severity.ERROR,
    scope=Scope.HOST,
    subject=HostView,
    judge=_core_shared,
    doc=Doc(
        what="The sibling threads of a real-time vCPU's CPU are idle, offlined, or real-time vCPUs of the same "
        "domain. (A core that the host's own plan splits is told as C05.)",
        why="Two threads of a core share its pipelines, its first caches and its power states. What runs on one of "
        "them shows as jitter on the other, up to a halved speed.",
        fix="give the real-time domain the whole core",
        sources=(source("K-HW"), source("K-ISO"), source("NTO-D"), source("STX-CPU")),
        bad=Example(
            text='# CPUs 1 and 9 are siblings\nRtNode("plc-a", host=hv2, pins={0: 0, 1: 1}, ...)\n'
            'RtNode("plc-b", host=hv2, pins={0: 0, 1: 9}, ...)',
            subject=lambda: _pair("9"),
        ),
        good=Example(
            text='# CPUs 1 and 9 are siblings\nRtNode("plc-a", host=hv2, pins={0: 0, 1: 1}, ...)\n'
            'RtNode("plc-b", host=hv2, pins={0: 0, 1: 2}, ...)',
            subject=lambda: _pair("2"),
        ),
    ),
)


def _too_many_pages(view: HostView) -> Iterator[Hit]:
    takers: dict[tuple[int, Size], list[NodeSpec]] = defaultdict(list)
    for node in view.nodes:
        cell, size = _cell(view, node.domain), page_size(node.domain)
        if cell is not None and size is not None:
            takers[cell, size].append(node)
    for (cell, size), nodes in sorted(takers.items()):
        pool = next(each.pages.get(size, 0) for each in view.host.topology.cells if each.id == cell)
        needed = [-(-node.domain.memory.bytes // size.bytes) for node in nodes]
        if sum(needed) <= pool or not any(node.domain.realtime for node in nodes):
            continue
        shares = ", ".join(f"{title_of(node)} {count}" for node, count in zip(nodes, needed, strict=True))
        yield Hit(
            where=f'host "{view.host.name}", topology.cells[{cell}].pages',
            given=f"{sum(needed)} pages of {size} wanted in cell {cell}: {shares}",
            allowed=f"{pool} pages of {size}, as the topology declares",
            hint=f"reserve {sum(needed)} pages of {size} in cell {cell}, or move a domain to another cell or host",
        )


def _cell(view: HostView, domain: DomainSpec) -> int | None:
    """The host cell that the domain's memory comes from; None where nothing settles it."""
    cells = [cell.id for cell in view.host.topology.cells]
    bound = list(domain.numa.nodeset) if domain.numa else cells
    return bound[0] if len(bound) == 1 and bound[0] in cells else None


def page_size(domain: DomainSpec) -> Size | None:
    """The size of the hugepages that a domain's memory is counted in; None without any of a declared size."""
    sizes = [page.size for page in domain.hugepages or () if page.size.bytes]
    return sizes[0] if sizes else None


D26: Rule[HostView] = Rule(
    code="D26",
    title="domains want more hugepages than the host has",
    severity=Severity.ERROR,
    scope=Scope.HOST,
    subject=HostView,
    judge=_too_many_pages,
    doc=Doc(
        what="The domains of a host together take no more hugepages of a size from a NUMA cell than its topology "
        "declares there.",
        why="The last domain does not start. Which one is last depends on the order of a boot, so the site works "
        "until the day when the host restarts.",
        fix="reserve more pages, or move a domain to another cell or host",
        sources=(source("RHEL-V"), source("STX-MEM")),
        bad=Example(
            text='# cell 0 of hv1 has 8 pages of 1GiB\nRtNode("plc-a", host=hv1, memory="12GiB", ...)',
            subject=lambda: view(domain(memory=Size.parse("12GiB"))),
        ),
        good=Example(
            text='# cell 0 of hv1 has 8 pages of 1GiB\nRtNode("plc-a", host=hv1, memory="8GiB", ...)',
            subject=lambda: view(domain(memory=Size.parse("8GiB"))),
        ),
    ),
)
