"""A good kubelet on a good worker, from which the bad example of each kubelet rule differs by one thing."""

from __future__ import annotations

from typing import Any

from quietcore.rules.examples import cpus
from quietcore.spec import (
    Cell,
    ContainerRuntimeSpec,
    ContainerSpec,
    CpuPlan,
    HostTopology,
    KubeletSpec,
    MachineFacts,
    MachineSpec,
    MemoryReservation,
    PerformanceProfileSpec,
    PodSpec,
)
from quietcore.spec.pod import Amounts
from quietcore.units import Duration, Quantity, Size

OPTIONS = {"full-pcpus-only": "true", "strict-cpu-reservation": "true"}


def kubelet(**changes: Any) -> KubeletSpec:
    """A kubelet with static CPUs: 0-1 reserved, whole cores, nothing else on the reserved CPUs."""
    good = KubeletSpec(
        cpu_manager_policy="static",
        cpu_manager_options=OPTIONS,
        reserved_cpus=cpus("0-1"),
        topology_manager_policy="single-numa-node",
    )
    return good.model_copy(update=changes)


def options(*chosen: str, **written: str) -> dict[str, str]:
    """Options of a policy manager: ``chosen`` are true, ``written`` are as given, with ``_`` for ``-``."""
    return dict.fromkeys(chosen, "true") | {name.replace("_", "-"): value for name, value in written.items()}


def memory(*nodes: str, **changes: Any) -> KubeletSpec:
    """A kubelet with static memory: ``nodes`` is what each NUMA node reserves; 500Mi + 500Mi + 100Mi are to be."""
    return kubelet(
        memory_manager_policy="Static",
        kube_reserved={"memory": Quantity.parse("500Mi")},
        system_reserved={"memory": Quantity.parse("500Mi")},
        reserved_memory=reserved(*nodes),
        **changes,
    )


def reserved(*nodes: str, kind: str = "memory") -> tuple[MemoryReservation, ...]:
    """What each NUMA node reserves, in their order."""
    return tuple(
        MemoryReservation(node=node, limits={kind: Quantity.parse(amount)}) for node, amount in enumerate(nodes)
    )


def hardware(cells: int = 1, threads: int = 1) -> HostTopology:
    """Eight CPUs dealt out to cells in runs; with two threads a core, CPUs 2n and 2n+1 are siblings."""
    share = max(8 // cells, 1)
    held = tuple(
        Cell(
            id=cell,
            socket=cell,
            cpus=cpus(f"{cell * share}-{cell * share + share - 1}"),
            memory=Size.parse("16GiB"),
        )
        for cell in range(cells)
    )
    cores = tuple(cpus(f"{first}-{first + threads - 1}") for first in range(0, 8, threads)) if threads > 1 else ()
    return HostTopology(cells=held, cores=cores)


def shares(dialect: str = "plain", **sets: str) -> CpuPlan:
    """The worker's CPU plan: housekeeping 0-1, isolated 2-7; ``sets`` replace or add to it."""
    texts = {"housekeeping": "0-1", "isolated": "2-7", **sets}
    return CpuPlan(dialect=dialect, **{name: cpus(text) for name, text in texts.items()})  # type: ignore[arg-type]


def worker(of: KubeletSpec | None = None, *, version: str | None = None, **changes: Any) -> MachineSpec:
    """A worker of CPUs 0-7 with the good kubelet or another one."""
    plan = changes.get("plan", shares())
    good = MachineSpec(
        role="worker",
        online=cpus("0-7"),
        isolated=plan.isolated if plan else cpus("2-7"),
        facts=MachineFacts(kubelet_version=version),
        plan=plan,
        kubelet=of or kubelet(),
    )
    return good.model_copy(update=changes)


def operated(of: KubeletSpec, dialect: str = "nto", **changes: Any) -> MachineSpec:
    """A worker whose plan speaks another dialect."""
    return worker(of, plan=shares(dialect), **changes)


def golden(**changes: Any) -> KubeletSpec:
    """The kubelet that OpenShift's operator makes for single-numa-node."""
    made = memory("1100Mi", cpu_manager_reconcile_period=Duration.parse("5s"))
    made = made.model_copy(update={"cpu_manager_options": options("full-pcpus-only"), "fragment": True})
    return made.model_copy(update=changes)


def crio(**settings: Any) -> ContainerRuntimeSpec:
    """CRI-O with its pause containers on the housekeeping CPUs."""
    return ContainerRuntimeSpec(**{"kind": "crio", "infra_cpus": cpus("0-1"), **settings})


def containerd(**settings: Any) -> ContainerRuntimeSpec:
    """containerd with a configuration file of version 2."""
    return ContainerRuntimeSpec(**{"kind": "containerd", "config_version": 2, **settings})


def pod(name: str = "plc", *counts: int, **changes: Any) -> PodSpec:
    """A pod of class Guaranteed; ``counts`` are the whole CPUs of each container, in thousandths."""
    amounts = [Amounts(cpu=count, memory=1 << 30) for count in counts or (2000,)]
    containers = tuple(
        ContainerSpec(name=f"c{index}", requests=each, limits=each) for index, each in enumerate(amounts)
    )
    return PodSpec(name=name, containers=containers).model_copy(update=changes)


def delegating(**changes: Any) -> PerformanceProfileSpec:
    """A profile that leaves CPUs and memory to drivers of dynamic resource allocation."""
    said = {"performance.openshift.io/dra-resource-management": "true"}
    pool = {"node-role.kubernetes.io/worker-cnf": ""}
    held, isolated = cpus("0-1"), cpus("2-7")
    good = PerformanceProfileSpec(name="cnf", annotations=said, node_selector=pool, reserved=held, isolated=isolated)
    return good.model_copy(update=changes)
