"""A host: the machine that runs libvirt, as far as real-time rules care."""

from typing import Literal

from quietcore.spec.cpu import CpuPlan
from quietcore.spec.spec import Spec
from quietcore.spec.topology import HostTopology


class HostFacts(Spec):
    """What the machine lets a domain do; facts condition rules, they are never exemptions.

    ``accelerator``: "tcg" where KVM is absent (no latency figure from such a host is one).
    ``memlock``: "limited" where QEMU may not lock memory (CAP_SYS_RESOURCE is missing).
    ``cpus``: "shared" where several hosts are namespaces of one machine and share its CPUs: real-time
    vCPUs then run ``rr`` at priority 1 and the kernel's throttling stays on.
    """

    accelerator: Literal["kvm", "tcg"] = "kvm"
    memlock: Literal["unlimited", "limited"] = "unlimited"
    cpus: Literal["own", "shared"] = "own"


class HostSpec(Spec):
    """A named host with its topology, its CPU plan and its facts."""

    name: str
    topology: HostTopology
    cpus: CpuPlan
    facts: HostFacts = HostFacts()
