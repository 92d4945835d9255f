"""A kubelet's configuration, as far as real-time rules care (kubelet.config.k8s.io/v1beta1, KubeletConfiguration)."""

from __future__ import annotations

from typing import Any, Final

from quietcore.spec.spec import CpuSetField, DurationField, QuantityField, Spec, Tuple, Whole
from quietcore.units import Quantity

MEMORY: Final = "memory.available"
DEFAULT_EVICTION: Final = "100Mi"
"""The kubelet's own hard eviction threshold of memory on Linux (pkg/kubelet/apis/config/v1beta1/defaults_linux.go)."""


class MemoryReservation(Spec):
    """Memory that the static memory manager keeps back on a NUMA node, by type: ``memory`` or ``hugepages-<size>``."""

    node: Whole
    limits: dict[str, QuantityField] = {}


class KubeletSpec(Spec):
    """What a kubelet is configured with. ``None`` and empty mean: the file does not say, so the kubelet's default.

    Names follow the configuration's. Thresholds of ``eviction_hard`` are as written, since they may be shares; None is
    an absent map, which is not an empty one. ``fragment`` is true where the text is laid over a base that is not in
    view, such as OpenShift's KubeletConfig. ``unknown`` keeps what no rule reads, as plain data.
    """

    cpu_manager_policy: str | None = None
    cpu_manager_options: dict[str, str] = {}
    cpu_manager_reconcile_period: DurationField | None = None
    reserved_cpus: CpuSetField | None = None
    kube_reserved: dict[str, QuantityField] = {}
    system_reserved: dict[str, QuantityField] = {}
    kube_reserved_cgroup: str | None = None
    system_reserved_cgroup: str | None = None
    eviction_hard: dict[str, str] | None = None
    merge_eviction: bool | None = None
    memory_manager_policy: str | None = None
    reserved_memory: Tuple[MemoryReservation] = ()
    topology_manager_policy: str | None = None
    topology_manager_scope: str | None = None
    topology_manager_options: dict[str, str] = {}
    feature_gates: dict[str, bool] = {}
    cgroup_driver: str | None = None
    fail_cgroup_v1: bool | None = None
    cpu_cfs_quota: bool | None = None
    cpu_cfs_quota_period: DurationField | None = None
    fail_swap_on: bool | None = None
    fragment: bool = False
    unknown: dict[str, Any] = {}

    @property
    def static_cpus(self) -> bool:
        """Whether pods may have CPUs of their own."""
        return self.cpu_manager_policy == "static"

    @property
    def static_memory(self) -> bool:
        """Whether pods have memory of their own NUMA node reserved for them."""
        return self.memory_manager_policy == "Static"

    def chooses(self, option: str) -> bool:
        """Whether an option of the static CPU policy is on, in any spelling that Go takes for true."""
        return self.cpu_manager_options.get(option) in TRUE

    @property
    def eviction_memory(self) -> str:
        """The hard eviction threshold of memory as written or by default; "0" where the map leaves it out."""
        kept = self.eviction_hard is None or self.merge_eviction is True
        return (self.eviction_hard or {}).get(MEMORY, DEFAULT_EVICTION if kept else "0")

    def reserved(self, kind: str) -> Quantity:
        """What kubeReserved and systemReserved set aside of a resource such as ``cpu`` or ``memory``."""
        nothing = Quantity(0)
        return self.kube_reserved.get(kind, nothing) + self.system_reserved.get(kind, nothing)


TRUE: Final = frozenset(("1", "t", "T", "true", "TRUE", "True"))
FALSE: Final = frozenset(("0", "f", "F", "false", "FALSE", "False"))
"""What Go's strconv.ParseBool takes for true and for false; it refuses everything else."""
