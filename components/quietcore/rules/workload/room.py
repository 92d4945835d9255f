"""Rules on a machine and its pods together: whether there is room for what they take."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.rules.workload.examples import GIB, amounts, container, pod, topology, worker
from quietcore.rules.workload.realtime import named, realtime_pods
from quietcore.spec import KernelCmdline, MachineSpec, Severity
from quietcore.spec.pod import exclusive_cpus
from quietcore.units import CpuSet, Size

_TRIES = 20_000
_DEEPEST = 400  # pods; what cannot be decided is not held against anyone
_PAGE = re.compile(r"(\d{1,9})([KMG])\Z", re.ASCII)


def pool_of(machine: MachineSpec) -> tuple[CpuSet, str]:
    """The CPUs that pods may have for their own, and who says so; empty where nobody does."""
    kubelet, plan = machine.kubelet, machine.plan
    if kubelet is not None and kubelet.reserved_cpus is not None and machine.online:
        left = machine.online - kubelet.reserved_cpus
        return left, f"{machine.end('kubelet')} leaves {left or 'none'} of {machine.online}"
    if plan is not None:
        return plan.isolated, f"{machine.end('plan')} isolates {plan.isolated or 'none'}"
    return machine.isolated, f"{machine.end('isolated')} is {machine.isolated}"


def _strange(machine: MachineSpec) -> str:
    if machine.plan is not None and machine.plan.dialect == "starlingx":
        return "StarlingX hands out isolated CPUs by a device plugin"
    if machine.kubelet is not None and not machine.kubelet.fragment and not machine.kubelet.static_cpus:
        return "the kubelet's CPU manager gives no pod CPUs of its own"
    return ""


def _crowded(machine: MachineSpec) -> Iterator[Hit]:
    pool, said = pool_of(machine)
    total = sum(pod.exclusive for pod in machine.pods)
    if not pool or not realtime_pods(machine):
        return
    if total > len(pool):
        takes = ", ".join(f"{named(pod)} {pod.exclusive}" for pod in machine.pods if pod.exclusive)
        yield Hit(where="pods", given=f"{total} CPUs: {takes}; {said}", allowed=f"{pool.counted('CPU')} at most")
    else:
        yield from _cells(machine, pool)


def _cells(machine: MachineSpec, pool: CpuSet) -> Iterator[Hit]:
    """Under single-numa-node each pod, or each container, has to fit into one cell."""
    kubelet, topology = machine.kubelet, machine.topology
    if kubelet is None or topology is None or kubelet.topology_manager_policy != "single-numa-node":
        return
    rooms = [len(cell.cpus & pool) for cell in topology.cells]
    whole = kubelet.topology_manager_scope == "pod"
    wanted = [
        (named(pod), count)
        for pod in machine.pods
        if pod.exclusive
        for count in (
            [pod.exclusive] if whole else [exclusive_cpus(each) for each in pod.containers if each.kind != "init"]
        )
        if count
    ]
    room = ", ".join(f"cell {cell.id} {free}" for cell, free in zip(topology.cells, rooms, strict=True))
    if not _fits(rooms, [count for _, count in wanted]):
        takes = ", ".join(f"{name} {count}" for name, count in wanted)
        given = f"{takes}; CPUs for pods: {room}; {machine.end('kubelet')} wants each in one cell"
        yield Hit(where="pods", given=given, allowed="pods that fit into the cells")


def _fits(rooms: Sequence[int], counts: Iterable[int]) -> bool:
    """Whether the counts can be packed into the rooms; also where that takes too long to find out."""
    items = sorted(counts, reverse=True)
    dead: set[tuple[int, tuple[int, ...]]] = set()

    def pack(place: int, free: tuple[int, ...]) -> bool:
        if place == len(items) or place > _DEEPEST or len(dead) > _TRIES:
            return True
        if (place, free) in dead:
            return False
        for room in {room for room in free if room >= items[place]}:
            rest = list(free)
            rest.remove(room)
            if pack(place + 1, tuple(sorted((*rest, room - items[place])))):
                return True
        dead.add((place, free))
        return False

    return pack(0, tuple(sorted(rooms)))


W03: Rule[MachineSpec] = Rule(
    code="W03",
    title="pods want more CPUs than the machine has for them",
    severity=Severity.ERROR,
    scope=Scope.HOST,
    subject=MachineSpec,
    judge=_crowded,
    doc=Doc(
        what="The CPUs that Guaranteed pods of a machine have for their own are no more than it leaves for them. Where "
        "the kubelet wants each pod within one NUMA cell, they can be packed into the cells. Each pod counts once.",
        why="The kubelet refuses the pod that comes last, after the scheduler has placed it. It is not tried on "
        "another machine.",
        fix="move a pod to another machine, or give it fewer CPUs",
        sources=(source("K8S-DOC", "CPU management policies; Topology Manager"),),
        bad=Example(
            text="# isolated: 2-7\nlimits: {cpu: 4}\n---\nlimits: {cpu: 4}",
            subject=lambda: worker(
                pod(container(limits=amounts(cpu=4000))), pod(container(limits=amounts(cpu=4000)), name="vision")
            ),
        ),
        good=Example(
            text="# isolated: 2-7\nlimits: {cpu: 4}\n---\nlimits: {cpu: 2}",
            subject=lambda: worker(pod(container(limits=amounts(cpu=4000))), pod(name="vision")),
        ),
    ),
    aside=_strange,
)


def reserved_at_boot(cmdline: KernelCmdline | None) -> dict[Size, int] | None:
    """Bytes of pages by size that a command line reserves; None where it says nothing that can be counted."""
    pools: dict[Size, int] = {}
    size: Size | None = Size.parse("2MiB")
    for parameter in cmdline.parameters if cmdline is not None else ():
        name, _, value = parameter.partition("=")
        if name in ("hugepagesz", "default_hugepagesz"):
            match = _PAGE.match(value.upper())
            size = Size.parse(f"{match[1]}{match[2]}iB") if match else None
        elif name == "hugepages":
            counts = [item.rpartition(":")[2] for item in value.split(",")]
            if size is None or not all(count.isdecimal() and len(count) < 10 for count in counts):
                return None
            pools[size] = size.bytes * sum(int(count) for count in counts)
    return pools or None


def _pages(machine: MachineSpec) -> Iterator[Hit]:
    pools, said = reserved_at_boot(machine.cmdline), machine.end("cmdline")
    if pools is None and machine.topology is not None:
        pools, said = {}, machine.end("topology")
        for cell in machine.topology.cells:
            for size, count in cell.pages.items():
                pools[size] = pools.get(size, 0) + size.bytes * count
    if pools is None or not realtime_pods(machine):
        return
    taken = [(named(pod), pod.hugepages()) for pod in machine.pods]
    for size in sorted({size for _, pages in taken for size in pages}):
        total, room = sum(pages.get(size, 0) for _, pages in taken), pools.get(size, 0)
        if total > room:
            takes = ", ".join(f"{name} {Size(pages[size])}" for name, pages in taken if pages.get(size))
            given = f"{Size(total)} in pages of {size}: {takes}; {said} has {Size(room)}"
            yield Hit(where="pods", given=given, allowed=f"{Size(room)} at most")


W11: Rule[MachineSpec] = Rule(
    code="W11",
    title="pods want more hugepages than the machine has",
    severity=Severity.ERROR,
    scope=Scope.HOST,
    subject=MachineSpec,
    judge=_pages,
    doc=Doc(
        what="For each page size, the hugepages that the pods of a machine take are no more than it reserves: on its "
        "kernel command line, else as its topology says.",
        why="The pod that comes last stays Pending. Pages that were not reserved at boot are hard to get later, 1 GiB "
        "pages impossible.",
        fix="reserve more pages, or give a pod fewer",
        sources=(source("K8S-DOC", "Manage HugePages"),),
        bad=Example(
            text="# four pages of 1 GiB\nlimits: {hugepages-1Gi: 6Gi}",
            subject=lambda: worker(pod(container(limits=amounts(pages=6 * GIB))), topology=topology()),
        ),
        good=Example(
            text="# four pages of 1 GiB\nlimits: {hugepages-1Gi: 4Gi}",
            subject=lambda: worker(pod(container(limits=amounts(pages=4 * GIB))), topology=topology()),
        ),
    ),
)
