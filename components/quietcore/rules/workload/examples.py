"""A good pod and a good worker, from which the bad example of each rule differs by one thing."""

from __future__ import annotations

from typing import Any

from quietcore.spec import Cell, ContainerSpec, CpuPlan, HostTopology, MachineSpec, PodSpec
from quietcore.spec.kubelet import KubeletSpec
from quietcore.spec.pod import Amounts
from quietcore.spec.virtual_machine import VirtualMachineSpec
from quietcore.units import CpuSet, Quantity, Size

GIB = 1 << 30
GIB_PAGE = Size(GIB)
QUIET = {
    "cpu-load-balancing.crio.io": "disable",
    "irq-load-balancing.crio.io": "disable",
    "cpu-quota.crio.io": "disable",
}


def amounts(cpu: int | None = 2000, memory: int | None = GIB, pages: int = 0, **devices: int) -> Amounts:
    """Requests or limits: thousandths of a CPU, bytes, bytes in pages of 1 GiB."""
    held = {GIB_PAGE: pages} if pages else {}
    return Amounts(
        cpu=cpu, memory=memory, hugepages=held, devices={f"vendor.io/{name}": n for name, n in devices.items()}
    )


def container(**changes: Any) -> ContainerSpec:
    """The container ``rt``: two whole CPUs, 1 GiB, and what a real-time program needs."""
    given = {"name": "rt", "limits": amounts(), "capabilities": ("SYS_NICE", "IPC_LOCK"), **changes}
    return ContainerSpec(**given)


def pod(*containers: ContainerSpec, **changes: Any) -> PodSpec:
    """The deployment ``plc`` of one pod, in OpenShift's manner."""
    given: dict[str, Any] = {
        "name": "plc",
        "kind": "Deployment",
        "annotations": QUIET,
        "runtime_class": "performance-plc",
        "node_selector": {"node-role.kubernetes.io/realtime": ""},
        "containers": containers or (container(),),
        **changes,
    }
    return PodSpec(**given)


def annotated(**changes: str) -> PodSpec:
    """The pod with other annotations; ``cpu_quota`` stands for ``cpu-quota.crio.io``."""
    return pod(annotations=QUIET | {f"{key.replace('_', '-')}.crio.io": value for key, value in changes.items()})


def topology(*cells: str, pages: int = 4) -> HostTopology:
    """Cells of these CPUs, 16 GiB and ``pages`` pages of 1 GiB each."""
    return HostTopology(
        cells=tuple(
            Cell(id=number, cpus=CpuSet.parse(cpus), memory=Size(16 * GIB), pages={GIB_PAGE: pages})
            for number, cpus in enumerate(cells or ("0-7",))
        )
    )


def worker(*pods: PodSpec, **changes: Any) -> MachineSpec:
    """The worker ``w1``: eight CPUs, of which 2-7 are isolated."""
    given: dict[str, Any] = {
        "name": "w1",
        "role": "worker",
        "online": CpuSet.parse("0-7"),
        "isolated": CpuSet.parse("2-7"),
        "plan": CpuPlan(housekeeping=CpuSet.parse("0-1"), isolated=CpuSet.parse("2-7")),
        "pods": pods or (pod(),),
        **changes,
    }
    return MachineSpec(**given)


def kubelet(**changes: Any) -> KubeletSpec:
    """A kubelet with the static CPU manager policy, all of a pod's CPUs and devices in one NUMA cell."""
    given: dict[str, Any] = {
        "cpu_manager_policy": "static",
        "cpu_manager_options": {"full-pcpus-only": "true", "strict-cpu-reservation": "true"},
        "reserved_cpus": CpuSet.parse("0-1"),
        "system_reserved": {"memory": Quantity.parse("1Gi")},
        "topology_manager_policy": "single-numa-node",
        "topology_manager_scope": "pod",
        **changes,
    }
    return KubeletSpec(**given)


def virtual_machine(**changes: Any) -> VirtualMachineSpec:
    """The KubeVirt machine ``plc``: four vCPUs of its own, real-time, in pages of 1 GiB."""
    given: dict[str, Any] = {
        "name": "plc",
        "kind": "VirtualMachine",
        "vcpus": 4,
        "realtime": True,
        "realtime_mask": "2-3",
        "dedicated": True,
        "isolated_emulator": True,
        "guest_mapping": True,
        "hugepages": "1Gi",
        **changes,
    }
    return VirtualMachineSpec(**given)
