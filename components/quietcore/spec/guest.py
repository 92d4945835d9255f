"""What is known of a guest's inside: its kernel, its isolation and its tuned profile."""

from typing import Literal

from quietcore.spec.cmdline import KernelCmdline
from quietcore.spec.spec import CpuSetField, Spec
from quietcore.spec.tuned import TunedProfileSpec
from quietcore.units import CpuSet


class GuestSpec(Spec):
    """The inside of a guest, in guest CPU numbers. ``kernel`` is the declared flavour; None where nobody said."""

    kernel: Literal["rt", "generic"] | None = None
    isolated: CpuSetField = CpuSet()
    cmdline: KernelCmdline | None = None
    tuned: TunedProfileSpec | None = None
