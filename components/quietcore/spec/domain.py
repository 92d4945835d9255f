"""The effective domain: what libvirt will be told, as far as real-time rules care. Lifted from XML, rendered to it."""

from __future__ import annotations

from quietcore.spec.domain_devices import Devices
from quietcore.spec.guest import GuestSpec
from quietcore.spec.spec import CpuSetField, SizeField, Spec, Tuple, Whole
from quietcore.units import CpuSet, Size

RT_POLICIES = ("fifo", "rr")
X86 = ("x86_64", "i686")


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


class CpuTopology(Spec):
    """``cpu/topology``: how the vCPUs look to the guest; ``vcpus`` is their number by it."""

    sockets: Whole = 1
    dies: Whole = 1
    clusters: Whole = 1
    cores: Whole = 1
    threads: Whole = 1

    @property
    def vcpus(self) -> int:
        """The product of all levels."""
        return self.sockets * self.dies * self.clusters * self.cores * self.threads


class DomainSpec(Spec):
    """A domain in libvirt's words. ``None`` and empty mean: the XML does not say.

    ``hypervisor``: ``kvm`` or ``qemu`` (TCG). ``guest`` is what is known of the inside, from the domain's
    metadata or its own kernel command line. Memory is the domain's ``memory`` element. ``vcpu_cpuset`` is where vCPUs
    without a pin may run. ``iothread_ids`` are given where they are not 1 to n. ``cpu_features`` holds the policy of
    each feature by name, ``kvm_features`` the names of those that are on. ``memory_source`` is the source's type.
    """

    name: str
    hypervisor: str = "kvm"
    arch: str = "x86_64"
    machine: str = ""
    vcpus: Whole
    placement: str = "static"
    vcpu_cpuset: CpuSetField | None = None
    memory: SizeField
    hard_limit: SizeField | None = None
    cpu_mode: str | None = None
    cpu_model: str | None = None
    cpu_topology: CpuTopology | None = None
    cpu_features: dict[str, str] = {}
    migratable: bool | None = None
    vcpu_pins: Tuple[VcpuPin] = ()
    emulator_pin: CpuSetField | None = None
    iothreads: Whole = 0
    iothread_ids: CpuSetField = CpuSet()
    iothread_pins: Tuple[IothreadPin] = ()
    vcpu_scheds: Tuple[VcpuSched] = ()
    numa: NumaTune | None = None
    hugepages: Tuple[HugePages] | None = None
    locked: bool = False
    nosharepages: bool = False
    memory_source: str | None = None
    memballoon: str | None = None
    pmu: bool | None = None
    vmport: bool | None = None
    hpet: bool | None = None
    kvm_features: Tuple[str] = ()
    suspend_to_mem: bool | None = None
    suspend_to_disk: bool | None = None
    devices: Devices = Devices()
    guest: GuestSpec | None = None

    @property
    def rt_vcpus(self) -> CpuSet:
        """The vCPUs that run under a real-time policy."""
        return CpuSet().union(sched.vcpus for sched in self.vcpu_scheds if sched.policy in RT_POLICIES)

    @property
    def x86(self) -> bool:
        """Whether the machine is a PC, with a PC's timers and devices."""
        return self.arch in X86

    @property
    def realtime(self) -> bool:
        """Whether this is a real-time domain: any vCPU has a real-time policy, or the guest declares isolated CPUs."""
        scheduled = any(sched.policy in RT_POLICIES and sched.vcpus for sched in self.vcpu_scheds)
        return scheduled or bool(self.guest and self.guest.isolated)

    @property
    def all_real_time(self) -> bool:
        """Whether every vCPU runs under a real-time policy."""
        return CpuSet(range(self.vcpus)) <= self.rt_vcpus

    @property
    def rt_pins(self) -> CpuSet:
        """The host CPUs that real-time vCPUs are pinned to."""
        real_time = self.rt_vcpus
        return CpuSet().union(pin.cpus for pin in self.vcpu_pins if pin.vcpu in real_time)

    @property
    def held(self) -> CpuSet:
        """The host CPUs that no other real-time domain may have."""
        return self.rt_pins
