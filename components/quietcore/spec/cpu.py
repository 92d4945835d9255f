"""How the CPUs of a host are shared out."""

from quietcore.spec.spec import CpuSetField, Spec
from quietcore.units import CpuSet


class CpuPlan(Spec):
    """The sets that partition a host's CPUs, in host numbers.

    ``housekeeping`` takes OS work, interrupts and emulators; ``isolated`` belongs to real-time vCPUs;
    ``shared`` serves ordinary guests; ``offlined`` is switched off.
    """

    housekeeping: CpuSetField
    isolated: CpuSetField
    shared: CpuSetField = CpuSet()
    offlined: CpuSetField = CpuSet()

    def sets(self) -> dict[str, CpuSet]:
        """The four sets by name, in the order in which a reader expects them."""
        return {
            "housekeeping": self.housekeeping,
            "isolated": self.isolated,
            "shared": self.shared,
            "offlined": self.offlined,
        }
