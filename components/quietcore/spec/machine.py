"""A running Linux as it is declared: a host, a guest's inside or a worker, with every layer that is known."""

from __future__ import annotations

from typing import Literal

from quietcore.spec.cmdline import KernelCmdline
from quietcore.spec.cpu import CpuPlan
from quietcore.spec.kubelet import KubeletSpec
from quietcore.spec.performance_profile import PerformanceProfileSpec
from quietcore.spec.pod import PodSpec, RuntimeClassSpec
from quietcore.spec.runtime import ContainerRuntimeSpec
from quietcore.spec.spec import CpuSetField, Spec, Tuple
from quietcore.spec.topology import HostTopology
from quietcore.spec.tuned import TunedProfileSpec
from quietcore.spec.virtual_machine import VirtualMachineSpec
from quietcore.units import CpuSet


class MachineFacts(Spec):
    """What is known of a machine besides its settings; None where nobody said. Facts condition rules.

    ``vendor`` is the CPU's. ``kernel`` is the flavour that boots, ``kernel_version`` such as "6.1", ``page_size`` the
    kernel's own in KiB. ``tuned_version`` and ``kubelet_version`` such as "2.20" and "1.31". ``rt_group_sched`` is
    whether the kernel is built with CONFIG_RT_GROUP_SCHED.
    ``virtual`` is whether the machine is a virtual one itself, ``smt`` whether it is to run with sibling threads,
    ``passthrough`` whether it gives devices to guests or pods, ``efi_variables`` whether something on it writes EFI
    variables, ``partitions`` whether CPUs are isolated by cgroup-v2 cpuset partitions.
    """

    vendor: Literal["intel", "amd", "arm"] | None = None
    arch: str = "x86_64"
    kernel: Literal["rt", "generic"] | None = None
    kernel_version: str | None = None
    page_size: int = 4
    invariant_tsc: bool | None = None
    swap: bool | None = None
    tuned_version: str | None = None
    kubelet_version: str | None = None
    rt_group_sched: bool | None = None
    virtual: bool | None = None
    smt: bool | None = None
    passthrough: bool | None = None
    efi_variables: bool | None = None
    partitions: bool | None = None


class MachineSpec(Spec):
    """One kernel and what runs on it. ``online`` and ``isolated`` are in the numbers of the kernel that boots.

    ``isolated`` is the set that was declared; where only files are known, that of the most telling one. Layers that are
    None are not known. ``files`` names the file that each layer was lifted from, by field name. ``guests`` are the CPUs
    that real-time domains on it are pinned to.
    """

    name: str = ""
    role: Literal["host", "guest", "worker"] = "host"
    online: CpuSetField = CpuSet()
    isolated: CpuSetField = CpuSet()
    guests: CpuSetField = CpuSet()
    facts: MachineFacts = MachineFacts()
    topology: HostTopology | None = None
    plan: CpuPlan | None = None
    cmdline: KernelCmdline | None = None
    tuned: TunedProfileSpec | None = None
    kubelet: KubeletSpec | None = None
    runtime: ContainerRuntimeSpec | None = None
    profile: PerformanceProfileSpec | None = None
    runtime_classes: Tuple[RuntimeClassSpec] = ()
    pods: Tuple[PodSpec] = ()
    virtual_machines: Tuple[VirtualMachineSpec] = ()
    files: dict[str, str] = {}

    @property
    def housekeeping(self) -> CpuSet:
        """The CPUs that are left for everything else: those of the plan, else all that are not isolated."""
        return self.plan.housekeeping if self.plan else self.online - self.isolated

    def end(self, layer: str) -> str:
        """How a reader knows a layer: its file, else the machine's name and the layer's."""
        return self.files.get(layer) or (f"{self.name}, {layer}" if self.name else layer)
