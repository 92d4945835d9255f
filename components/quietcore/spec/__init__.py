"""Frozen values that say what a real-time site should be: plain data, no Output, no secret, no I/O."""

from quietcore.spec.boot import BootPlan
from quietcore.spec.cmdline import KernelCmdline
from quietcore.spec.cpu import CpuPlan
from quietcore.spec.domain import (
    DomainSpec,
    HugePages,
    IothreadPin,
    NumaTune,
    VcpuPin,
    VcpuSched,
)
from quietcore.spec.finding import Finding, Refused, Severity
from quietcore.spec.guest import GuestSpec
from quietcore.spec.host import HostFacts, HostSpec
from quietcore.spec.node import RtNodeSpec
from quietcore.spec.site import HostView, NodeSpec, SiteSpec
from quietcore.spec.topology import Cell, HostTopology
from quietcore.spec.tuned import TunedProfileSpec

__all__ = [
    "BootPlan",
    "Cell",
    "CpuPlan",
    "DomainSpec",
    "Finding",
    "GuestSpec",
    "HostFacts",
    "HostSpec",
    "HostTopology",
    "HostView",
    "HugePages",
    "IothreadPin",
    "KernelCmdline",
    "NodeSpec",
    "NumaTune",
    "Refused",
    "RtNodeSpec",
    "Severity",
    "SiteSpec",
    "TunedProfileSpec",
    "VcpuPin",
    "VcpuSched",
]
