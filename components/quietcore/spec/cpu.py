"""How the CPUs of a host are shared out."""

from typing import Literal

from quietcore.spec.spec import CpuSetField, Spec
from quietcore.units import CpuSet


class CpuPlan(Spec):
    """The sets that partition a host's CPUs, in host numbers.

    ``housekeeping`` takes OS work, interrupts and emulators; ``isolated`` belongs to real-time vCPUs;
    ``shared`` serves ordinary guests; ``vswitch`` busy-polls for a userspace switch (OVS-DPDK); ``offlined`` is
    switched off. ``dialect`` says whose words the plan speaks: "nto" counts shared and vswitch CPUs into the kubelet's
    reserved set, "starlingx" also the isolated ones, which it hands out by a device plugin.
    """

    housekeeping: CpuSetField
    isolated: CpuSetField
    shared: CpuSetField = CpuSet()
    offlined: CpuSetField = CpuSet()
    vswitch: CpuSetField = CpuSet()
    dialect: Literal["plain", "nto", "starlingx"] = "plain"

    def sets(self) -> dict[str, CpuSet]:
        """The five sets by name, in the order in which a reader expects them."""
        return {
            "housekeeping": self.housekeeping,
            "isolated": self.isolated,
            "shared": self.shared,
            "offlined": self.offlined,
            "vswitch": self.vswitch,
        }


class ObservedPlan(CpuPlan):
    """Sets that nobody planned: they follow from what a machine isolates. Rules on plans are silent of it."""
