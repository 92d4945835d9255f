"""Rules on the kubelet's memory manager: the sums that it compares before it starts."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.errors import UnitError
from quietcore.rules.kubelet.examples import golden, hardware, memory, operated, reserved, worker
from quietcore.rules.kubelet.machines import dialect, of_kubelet
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import KubeletSpec, MachineSpec, Severity
from quietcore.units import Quantity

PAGES = "hugepages-"


def _kinds(kubelet: KubeletSpec) -> list[str]:
    """The types of memory that anything in the configuration speaks of."""
    amounts = (kubelet.kube_reserved, kubelet.system_reserved, *(each.limits for each in kubelet.reserved_memory))
    named = {kind for each in amounts for kind in each if kind.startswith(PAGES)}
    return ["memory", *sorted(named)]


def _threshold(kubelet: KubeletSpec) -> Quantity | None:
    """The hard eviction threshold of memory; None for a share, whose size only the running machine knows."""
    try:
        return Quantity.parse(kubelet.eviction_memory)
    except UnitError:
        return None


def _unequal(kubelet: KubeletSpec) -> Iterator[Hit]:
    if not kubelet.static_memory:
        return
    threshold = _threshold(kubelet)
    base_unseen = kubelet.fragment and not ("memory" in kubelet.kube_reserved and "memory" in kubelet.system_reserved)
    for kind in _kinds(kubelet):
        if kind == "memory" and (threshold is None or base_unseen):
            continue
        held = {each.node: each.limits[kind] for each in kubelet.reserved_memory if each.limits.get(kind) is not None}
        total = sum((each.limits.get(kind, Quantity(0)) for each in kubelet.reserved_memory), Quantity(0))
        wanted = kubelet.reserved(kind) + (threshold if kind == "memory" and threshold else Quantity(0))
        if total != wanted:
            yield Hit(
                where="reservedMemory",
                given=f"{kind} {total}{_on_nodes(held)}; {_addends(kubelet, kind)} = {wanted}",
                allowed=f"{kind} {wanted} over all NUMA nodes",
                hint=_mended(kind, held, total, wanted),
            )


def _on_nodes(held: dict[int, Quantity]) -> str:
    parts = ", ".join(f"node {node}: {amount}" for node, amount in sorted(held.items()))
    return f" ({parts})" if len(held) > 1 else ""


def _addends(kubelet: KubeletSpec, kind: str) -> str:
    nothing = Quantity(0)
    parts = [
        f"kubeReserved {kubelet.kube_reserved.get(kind, nothing)}",
        f"systemReserved {kubelet.system_reserved.get(kind, nothing)}",
    ]
    default = ", the default" if kubelet.eviction_hard is None else ""
    return " + ".join([*parts, *([f"evictionHard {kubelet.eviction_memory}{default}"] if kind == "memory" else [])])


def _mended(kind: str, held: dict[int, Quantity], total: Quantity, wanted: Quantity) -> str:
    node = min(held, default=0)
    others = Quantity(total.nano - held.get(node, Quantity(0)).nano)
    if others < wanted:
        return f"reserve {kind} {Quantity(wanted.nano - others.nano)} on NUMA node {node}"
    return f"reserve {kind} {wanted} in all" if wanted else f"remove {kind} from reservedMemory"


K16: Rule[KubeletSpec] = Rule(
    code="K16",
    title="reserved memory does not add up",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=KubeletSpec,
    judge=_unequal,
    doc=Doc(
        what="With memoryManagerPolicy Static, reservedMemory summed over all NUMA nodes equals kubeReserved plus "
        "systemReserved plus evictionHard, to the byte, for memory and for each size of hugepages. evictionHard counts "
        "for memory only; its memory.available is 100Mi where evictionHard is absent, and nothing where evictionHard "
        "leaves it out. Not judged where the threshold is a percentage or the base of a partial file is not in view.",
        why="The kubelet compares these sums when it starts, and exits when they differ. No other mistake is as common "
        "with this policy.",
        fix="let reservedMemory add up to kubeReserved, systemReserved and evictionHard",
        sources=(
            source("K8S-VAL", "memorymanager, validateReservedMemory"),
            source("K8S-DOC", "memory manager, reserved memory flag"),
        ),
        bad=Example(
            text="memoryManagerPolicy: Static\nkubeReserved: {memory: 500Mi}\nsystemReserved: {memory: 500Mi}\n"
            "reservedMemory:\n- numaNode: 0\n  limits: {memory: 1Gi}",
            subject=lambda: memory("1Gi"),
        ),
        good=Example(
            text="memoryManagerPolicy: Static\nkubeReserved: {memory: 500Mi}\nsystemReserved: {memory: 500Mi}\n"
            "reservedMemory:\n- numaNode: 0\n  limits: {memory: 1100Mi}",
            subject=lambda: memory("1100Mi"),
        ),
    ),
)


def _reservations(machine: MachineSpec, kubelet: KubeletSpec) -> Iterator[Hit]:
    nodes = {cell.id for cell in machine.topology.cells} if machine.topology and kubelet.static_memory else None
    seen: set[tuple[int, str]] = set()
    for index, each in enumerate(kubelet.reserved_memory):
        where = f"kubelet.reservedMemory[{index}]"
        if nodes is not None and each.node not in nodes:
            there = ", ".join(map(str, sorted(nodes)))
            given = f"NUMA node {each.node}; the machine has only {there}"
            yield Hit(where=f"{where}.numaNode", given=given, allowed=there, hint="name a NUMA node that exists")
        for kind, amount in each.limits.items():
            fault = _fault(kind, amount, (each.node, kind) in seen)
            if fault:
                allowed = "memory or hugepages-<size>, once per NUMA node, more than zero"
                yield Hit(where=f"{where}.limits.{kind}", given=fault, allowed=allowed, hint=f"remove {kind} there")
            seen.add((each.node, kind))


def _fault(kind: str, amount: Quantity, twice: bool) -> str:
    if kind != "memory" and not kind.startswith(PAGES):
        return f"the type {kind}"
    if twice:
        return f"{kind} of this NUMA node a second time"
    return "" if amount else "0"


K17: Rule[MachineSpec] = Rule(
    code="K17",
    title="memory reservation is twice, empty or of no such node",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=of_kubelet(_reservations),
    doc=Doc(
        what="Each entry of reservedMemory is for memory or hugepages-<size>, is more than zero, comes once per NUMA "
        "node and type, and with the policy Static names a NUMA node of the machine.",
        why="The kubelet refuses the configuration and does not start.",
        fix="keep one entry above zero per NUMA node and type",
        sources=(source("K8S-VAL", "validation_reserved_memory.go; memorymanager, getTotalMemoryTypeReserved"),),
        bad=Example(
            text="# one NUMA node\nreservedMemory:\n- numaNode: 0\n  limits: {memory: 100Mi}\n- numaNode: 1\n"
            "  limits: {memory: 1000Mi}",
            subject=lambda: worker(memory("100Mi", "1000Mi"), topology=hardware(1)),
        ),
        good=Example(
            text="# two NUMA nodes\nreservedMemory:\n- numaNode: 0\n  limits: {memory: 100Mi}\n- numaNode: 1\n"
            "  limits: {memory: 1000Mi}",
            subject=lambda: worker(memory("100Mi", "1000Mi"), topology=hardware(2)),
        ),
    ),
)


def _unlike_operator(machine: MachineSpec, kubelet: KubeletSpec) -> Iterator[Hit]:
    policy = kubelet.topology_manager_policy
    binding = policy in ("restricted", "single-numa-node")
    if dialect(machine) != "nto" or policy is None or not kubelet.static_cpus:
        return
    if binding != kubelet.static_memory:
        yield Hit(
            where="kubelet.memoryManagerPolicy",
            given=f"{kubelet.memory_manager_policy or 'None, the default'}, with topologyManagerPolicy {policy}",
            allowed="Static" if binding else "None",
            hint="let the operator write the file",
        )
    elif any(each.node != 0 for each in kubelet.reserved_memory):
        nodes = ", ".join(str(each.node) for each in kubelet.reserved_memory)
        yield Hit(
            where="kubelet.reservedMemory",
            given=f"on NUMA nodes {nodes}",
            allowed="all of it on NUMA node 0",
            hint="let the operator write the file, unless node 0 is short of memory",
        )


K18: Rule[MachineSpec] = Rule(
    code="K18",
    title="memory manager differs from what OpenShift's operator writes",
    severity=Severity.INFO,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=of_kubelet(_unlike_operator),
    doc=Doc(
        what="Under OpenShift's operator the memory manager is Static exactly for the topology policies restricted and "
        "single-numa-node, and all reserved memory is on NUMA node 0. By default that is 500Mi for the kubelet, 500Mi "
        "for the system and 100Mi for eviction: 1100Mi. Whether the amounts add up is K16's matter.",
        why="The operator writes its file again at each change of the profile: what was changed by hand is lost then, "
        "or another file fights with it.",
        fix="let the operator write the file",
        sources=(source("NTO-K", "kubeletconfig.go"),),
        bad=Example(
            text='# CpuPlan(dialect="nto")\ntopologyManagerPolicy: single-numa-node\nmemoryManagerPolicy: None',
            subject=lambda: operated(golden(memory_manager_policy="None")),
        ),
        good=Example(
            text='# CpuPlan(dialect="nto")\ntopologyManagerPolicy: single-numa-node\nmemoryManagerPolicy: Static\n'
            f"reservedMemory:\n- numaNode: 0\n  limits: {{memory: {reserved('1100Mi')[0].limits['memory']}}}",
            subject=lambda: operated(golden()),
        ),
    ),
)
