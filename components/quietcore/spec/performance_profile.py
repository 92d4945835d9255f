"""OpenShift's PerformanceProfile (performance.openshift.io, v1 and v2), as far as rules care."""

from __future__ import annotations

from quietcore.spec.spec import CpuSetField, Spec, Tuple, Whole


class ProfilePages(Spec):
    """Pages of one size, as the profile writes it: ``2M``, ``1G``. Without ``node`` all cells share them alike."""

    size: str
    count: Whole = 0
    node: Whole | None = None


class ProfileDevice(Spec):
    """Network devices to match: a name with shell wildcards (``!`` negates), PCI vendor and device such as 0x1af4."""

    interface: str | None = None
    vendor: str | None = None
    device: str | None = None


class HardwareTuning(Spec):
    """The most a CPU's clock may be, in kHz, for isolated and reserved CPUs."""

    isolated: Whole | None = None
    reserved: Whole | None = None


class WorkloadHints(Spec):
    """What the operator is told of the load; None where the profile does not say."""

    real_time: bool | None = None
    high_power: bool | None = None
    per_pod_power: bool | None = None
    mixed_cpus: bool | None = None


class PerformanceProfileSpec(Spec):
    """One profile: CPU sets, hugepages, kernel and workload hints for all nodes of a pool.

    CPU sets are None where the profile does not name them. ``vswitch`` is the profile's ovsDpdk. ``unread`` holds the
    paths of what the profile says besides, of which no rule speaks.
    """

    name: str = ""
    annotations: dict[str, str] = {}
    reserved: CpuSetField | None = None
    isolated: CpuSetField | None = None
    offlined: CpuSetField | None = None
    shared: CpuSetField | None = None
    vswitch: CpuSetField | None = None
    balance_isolated: bool | None = None
    default_page_size: str | None = None
    pages: Tuple[ProfilePages] = ()
    realtime_kernel: bool | None = None
    kernel_page_size: str | None = None
    hints: WorkloadHints = WorkloadHints()
    topology_policy: str | None = None
    node_selector: dict[str, str] | None = None
    machine_config_label: dict[str, str] | None = None
    pool_selector: dict[str, str] | None = None
    user_level_networking: bool | None = None
    devices: Tuple[ProfileDevice] = ()
    hardware_tuning: HardwareTuning | None = None
    kernel_args: Tuple[str] = ()
    irqs_off_isolated: bool | None = None
    unread: Tuple[str] = ()

    @property
    def realtime(self) -> bool:
        """Whether the operator tunes for real time: it does unless the profile says no."""
        return self.hints.real_time is not False
