"""Frozen values that say what a real-time site should be: plain data, no Output, no secret, no I/O."""

from quietcore.spec.cmdline import KernelCmdline
from quietcore.spec.cpu import CpuPlan
from quietcore.spec.domain import (
    CpuTopology,
    DomainSpec,
    HugePages,
    IothreadPin,
    NumaTune,
    VcpuPin,
    VcpuSched,
)
from quietcore.spec.domain_devices import Devices, Disk, Interface
from quietcore.spec.finding import Finding, Refused, Severity
from quietcore.spec.guest import GuestSpec
from quietcore.spec.host import HostFacts, HostSpec
from quietcore.spec.kubelet import KubeletSpec, MemoryReservation
from quietcore.spec.machine import MachineFacts, MachineSpec
from quietcore.spec.node import RtNodeSpec
from quietcore.spec.performance_profile import PerformanceProfileSpec
from quietcore.spec.pod import ContainerSpec, PodSpec, RuntimeClassSpec
from quietcore.spec.runtime import ContainerRuntimeSpec
from quietcore.spec.site import HostView, NodeSpec, SiteSpec
from quietcore.spec.topology import Cell, HostTopology
from quietcore.spec.tuned import TunedProfileSpec
from quietcore.spec.virtual_machine import VirtualMachineSpec

__all__ = [
    "Cell",
    "ContainerRuntimeSpec",
    "ContainerSpec",
    "CpuPlan",
    "CpuTopology",
    "Devices",
    "Disk",
    "DomainSpec",
    "Finding",
    "GuestSpec",
    "HostFacts",
    "HostSpec",
    "HostTopology",
    "HostView",
    "HugePages",
    "Interface",
    "IothreadPin",
    "KernelCmdline",
    "KubeletSpec",
    "MachineFacts",
    "MachineSpec",
    "MemoryReservation",
    "NodeSpec",
    "NumaTune",
    "PerformanceProfileSpec",
    "PodSpec",
    "Refused",
    "RtNodeSpec",
    "RuntimeClassSpec",
    "Severity",
    "SiteSpec",
    "TunedProfileSpec",
    "VcpuPin",
    "VcpuSched",
    "VirtualMachineSpec",
]
