"""A virtual machine of KubeVirt, as far as real-time rules care (kubevirt.io/v1)."""

from __future__ import annotations

from quietcore.spec.pod import Amounts
from quietcore.spec.spec import Spec, Tuple, Whole


class VirtualMachineSpec(Spec):
    """A VirtualMachineInstance, or the template of a VirtualMachine; ``kind`` says which.

    ``vcpus`` is cores x sockets x threads, None where none of them is written. ``realtime_mask`` is "" for all vCPUs.
    ``selects`` is true where it says on which nodes it runs. ``undecided`` names what is not known yet.
    """

    name: str = ""
    namespace: str = "default"
    kind: str = "VirtualMachineInstance"
    vcpus: Whole | None = None
    realtime: bool = False
    realtime_mask: str = ""
    dedicated: bool = False
    isolated_emulator: bool = False
    guest_mapping: bool = False
    hugepages: str | None = None
    requests: Amounts = Amounts()
    limits: Amounts = Amounts()
    undecided: Tuple[str] = ()
