"""The effective domain: what libvirt will be told, as far as real-time rules care. Lifted from XML, rendered to it."""

from __future__ import annotations

from quietcore.spec.guest import GuestSpec
from quietcore.spec.spec import CpuSetField, SizeField, Spec, Tuple, Whole
from quietcore.units import CpuSet, Size

RT_POLICIES = ("fifo", "rr")


class VcpuPin(Spec):
    """``cputune/vcpupin``: a vCPU and the host CPUs that it may run on."""

    vcpu: Whole
    cpus: CpuSetField


class IothreadPin(Spec):
    """``cputune/iothreadpin``: an IOThread (numbered from 1) and its host CPUs."""

    iothread: Whole
    cpus: CpuSetField


class VcpuSched(Spec):
    """``cputune/vcpusched``: vCPUs, their scheduling policy, and the priority where the policy has one."""

    vcpus: CpuSetField
    policy: str
    priority: Whole | None = None


class NumaTune(Spec):
    """``numatune/memory``: how guest memory is bound to host NUMA cells."""

    mode: str
    nodeset: CpuSetField


class HugePages(Spec):
    """``memoryBacking/hugepages/page``: a page size; ``nodeset`` (guest cells) is empty for all. Size 0: unsaid."""

    size: SizeField = Size(0)
    nodeset: CpuSetField = CpuSet()


class DomainSpec(Spec):
    """A domain in libvirt's words. ``None`` and empty mean: the XML does not say.

    ``hypervisor``: ``kvm`` or ``qemu`` (TCG). ``guest`` is what is known of the inside, from the domain's
    metadata or its own kernel command line. Memory is the domain's ``memory`` element.
    """

    name: str
    hypervisor: str = "kvm"
    arch: str = "x86_64"
    machine: str = ""
    vcpus: Whole
    placement: str = "static"
    memory: SizeField
    cpu_mode: str | None = None
    cpu_model: str | None = None
    vcpu_pins: Tuple[VcpuPin] = ()
    emulator_pin: CpuSetField | None = None
    iothreads: Whole = 0
    iothread_pins: Tuple[IothreadPin] = ()
    vcpu_scheds: Tuple[VcpuSched] = ()
    numa: NumaTune | None = None
    hugepages: Tuple[HugePages] | None = None
    locked: bool = False
    nosharepages: bool = False
    memballoon: str | None = None
    pmu: bool | None = None
    guest: GuestSpec | None = None

    @property
    def rt_vcpus(self) -> CpuSet:
        """The vCPUs that run under a real-time policy."""
        return CpuSet().union(sched.vcpus for sched in self.vcpu_scheds if sched.policy in RT_POLICIES)

    @property
    def realtime(self) -> bool:
        """Whether this is a real-time domain: any vCPU has a real-time policy, or the guest declares isolated CPUs."""
        scheduled = any(sched.policy in RT_POLICIES and sched.vcpus for sched in self.vcpu_scheds)
        return scheduled or bool(self.guest and self.guest.isolated)

    @property
    def rt_pins(self) -> CpuSet:
        """The host CPUs that real-time vCPUs are pinned to."""
        real_time = self.rt_vcpus
        return CpuSet().union(pin.cpus for pin in self.vcpu_pins if pin.vcpu in real_time)

    @property
    def held(self) -> CpuSet:
        """The host CPUs that no other real-time domain may have."""
        return self.rt_pins
