"""What a kernel boots with, host or guest: the sets that were declared beside the command line that carries them."""

from __future__ import annotations

from quietcore.spec.cmdline import KernelCmdline
from quietcore.spec.spec import CpuSetField, Spec
from quietcore.spec.tuned import TunedProfileSpec


class BootPlan(Spec):
    """``online`` and ``isolated`` in the numbers of the kernel that boots; ``tuned`` is the profile active on it."""

    online: CpuSetField
    isolated: CpuSetField
    cmdline: KernelCmdline
    tuned: TunedProfileSpec | None = None
