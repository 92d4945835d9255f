"""A host: the machine that runs libvirt, as far as real-time rules care."""

from typing import Literal

from quietcore.spec.cpu import CpuPlan
from quietcore.spec.spec import Spec
from quietcore.spec.topology import HostTopology
from quietcore.units import CpuSet


class HostFacts(Spec):
    """What the machine lets a domain do; facts condition rules, they are never exemptions.

    ``accelerator``: "tcg" where KVM is absent (no latency figure from such a host is one).
    ``memlock``: "limited" where QEMU may not lock memory (CAP_SYS_RESOURCE is missing).
    ``cpus``: "shared" where several hosts are namespaces of one machine and share its CPUs: real-time
    vCPUs then run ``rr`` at priority 1 and the kernel's throttling stays on.
    ``smt``: "off" where the kernel boots with ``nosmt``: of each core, the first thread alone comes up.
    """

    accelerator: Literal["kvm", "tcg"] = "kvm"
    memlock: Literal["unlimited", "limited"] = "unlimited"
    cpus: Literal["own", "shared"] = "own"
    smt: Literal["on", "off"] = "on"


class HostSpec(Spec):
    """A named host with its topology, its CPU plan and its facts."""

    name: str
    topology: HostTopology
    cpus: CpuPlan
    facts: HostFacts = HostFacts()

    @property
    def present(self) -> CpuSet:
        """The CPUs that come up: all of the topology, or the first thread of each core where SMT is off."""
        if self.facts.smt == "on":
            return self.topology.cpus
        return self.topology.cpus - self.topology.siblings


class ObservedHost(HostSpec):
    """A host whose plan nobody wrote down: ``cpus`` follows from what its files isolate, or is not known at all.

    Rules on plans are silent of it, since it has none; rules on what runs there are not.
    """
