"""The domain that a node becomes on its host: every real-time setting, derived unless it was given."""

from __future__ import annotations

from quietcore.derive.memory import page_size_of
from quietcore.derive.pins import Pins, cell_of_pins, service_cpus
from quietcore.spec.cmdline import KernelCmdline
from quietcore.spec.domain import X86, CpuTopology, DomainSpec, HugePages, IothreadPin, NumaTune, VcpuPin, VcpuSched
from quietcore.spec.domain_devices import Devices
from quietcore.spec.guest import GuestSpec
from quietcore.spec.host import HostSpec
from quietcore.spec.node import RtNodeSpec
from quietcore.spec.tuned import TunedProfileSpec
from quietcore.units import CpuSet

TCG_MODEL = "Opteron_G2"
"""A named model that QEMU's TCG carries in full; host-passthrough needs KVM. On models of Intel's Linux isolates page
tables, which TCG pays for: 59 against 45 CPU seconds to boot a Debian guest."""


def domain_of(
    node: RtNodeSpec, host: HostSpec, pins: Pins, tuned: TunedProfileSpec | None, cmdline: KernelCmdline
) -> DomainSpec:
    """The effective domain: ``pins`` holds each vCPU's host CPU (below 0: none), ``cmdline`` is the guest's."""
    cell = node.cell if node.cell is not None else cell_of_pins(_rt_pins(node, pins), host)
    service = node.emulator if node.emulator is not None else service_cpus(host, cell)
    tcg, x86 = host.facts.accelerator == "tcg", host.topology.arch in X86
    return DomainSpec(
        name=node.name,
        hypervisor="qemu" if tcg else "kvm",
        arch=host.topology.arch,
        machine="q35",
        vcpus=node.vcpus,
        memory=node.memory,
        cpu_mode="custom" if tcg else "host-passthrough",
        cpu_model=TCG_MODEL if tcg else None,
        # One socket of single-thread cores, as all pins lie in one NUMA cell and no core is split.
        cpu_topology=CpuTopology(cores=node.vcpus),
        cpu_features={} if tcg or not x86 else {"tsc-deadline": "require"},
        # The invariant TSC is only passed on to a guest that cannot migrate.
        migratable=None if tcg else False,
        vcpu_pins=tuple(VcpuPin(vcpu=vcpu, cpus=CpuSet([cpu])) for vcpu, cpu in enumerate(pins) if cpu >= 0),
        emulator_pin=service or None,
        iothreads=node.iothreads,
        iothread_pins=tuple(IothreadPin(iothread=number + 1, cpus=service) for number in range(node.iothreads)),
        vcpu_scheds=_scheds(node, host),
        numa=None if cell is None else NumaTune(mode="strict", nodeset=CpuSet([cell])),
        hugepages=(HugePages(size=page_size_of(node, host, cell)),),
        locked=host.facts.memlock == "unlimited",
        nosharepages=True,
        memballoon="none",
        pmu=False,
        vmport=False if x86 else None,
        hpet=False if x86 else None,
        suspend_to_mem=False,
        suspend_to_disk=False,
        devices=Devices(usb="none" if x86 else None),
        guest=GuestSpec(kernel="rt", isolated=node.rt_vcpus, cmdline=cmdline, tuned=tuned),
    )


def _rt_pins(node: RtNodeSpec, pins: Pins) -> CpuSet:
    return CpuSet(pins[vcpu] for vcpu in node.rt_vcpus if vcpu < len(pins) and pins[vcpu] >= 0)


def _scheds(node: RtNodeSpec, host: HostSpec) -> tuple[VcpuSched, ...]:
    """FIFO for real-time vCPUs; round-robin where hosts share a CPU, so that neither starves the other."""
    if not node.rt_vcpus:
        return ()
    policy = node.scheduler or ("rr" if host.facts.cpus == "shared" else "fifo")
    return (VcpuSched(vcpus=node.rt_vcpus, policy=policy, priority=node.priority),)
