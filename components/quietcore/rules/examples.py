"""Good hosts and a good domain, from which the bad example of each rule differs by one thing."""

from __future__ import annotations

from functools import cache
from typing import Any

from quietcore.spec import (
    Cell,
    CpuPlan,
    Devices,
    Disk,
    DomainSpec,
    GuestSpec,
    HostFacts,
    HostSpec,
    HostTopology,
    HostView,
    HugePages,
    Interface,
    IothreadPin,
    KernelCmdline,
    MachineSpec,
    NodeSpec,
    NumaTune,
    RtNodeSpec,
    TunedProfileSpec,
    VcpuPin,
    VcpuSched,
)
from quietcore.units import CpuSet, Size

GUEST_CMDLINE = "isolcpus=managed_irq,domain,1-3 nohz_full=1-3 rcu_nocbs=1-3 irqaffinity=0"


def cpus(text: str) -> CpuSet:
    """A CPU set from its list form."""
    return CpuSet.parse(text)


def pins(**placed: str) -> tuple[VcpuPin, ...]:
    """vCPU pins written as ``v1="2"``: vCPU 1 on host CPU 2."""
    return tuple(VcpuPin(vcpu=int(vcpu[1:]), cpus=cpus(on)) for vcpu, on in placed.items())


def scheds(vcpus: str, policy: str = "fifo", priority: int | None = 1) -> tuple[VcpuSched, ...]:
    """One ``vcpusched``."""
    return (VcpuSched(vcpus=cpus(vcpus), policy=policy, priority=priority),)


def pages(size: str, nodeset: str = "") -> tuple[HugePages, ...]:
    """One hugepage size."""
    return (HugePages(size=Size.parse(size), nodeset=cpus(nodeset)),)


def plan(housekeeping: str = "0-1", isolated: str = "2-7", shared: str = "", offlined: str = "") -> CpuPlan:
    """A CPU plan; without arguments the simple host's."""
    return CpuPlan(
        housekeeping=cpus(housekeeping), isolated=cpus(isolated), shared=cpus(shared), offlined=cpus(offlined)
    )


def host(cpu_plan: CpuPlan | None = None, **facts: Any) -> HostSpec:
    """The simple host ``hv1``: CPUs 0-7 without SMT in one NUMA cell, eight pages of 1 GiB."""
    cell = Cell(id=0, cpus=cpus("0-7"), memory=Size.parse("16GiB"), pages={Size.parse("1GiB"): 8})
    return HostSpec(name="hv1", topology=HostTopology(cells=(cell,)), cpus=cpu_plan or plan(), facts=HostFacts(**facts))


def smt_host(cpu_plan: CpuPlan | None = None) -> HostSpec:
    """The host ``hv2``: two sockets, each a NUMA cell of four cores with two threads; CPU n and n+8 are siblings."""
    memory, pool = Size.parse("32GiB"), {Size.parse("1GiB"): 16}
    cells = (
        Cell(id=0, socket=0, cpus=cpus("0-3,8-11"), memory=memory, pages=pool),
        Cell(id=1, socket=1, cpus=cpus("4-7,12-15"), memory=memory, pages=pool),
    )
    cores = tuple(CpuSet([cpu, cpu + 8]) for cpu in range(8))
    shares = cpu_plan or plan(housekeeping="0,4,8,12", isolated="1-3,5-7,9-11,13-15")
    return HostSpec(name="hv2", topology=HostTopology(cells=cells, cores=cores), cpus=shares)


def profile(**changes: Any) -> TunedProfileSpec:
    """The guest profile ``plc-guest``."""
    return TunedProfileSpec(name="plc-guest", role="guest").model_copy(update=changes)


def boot(cmdline: str = GUEST_CMDLINE, isolated: str = "1-3", tuned: TunedProfileSpec | None = None) -> MachineSpec:
    """What a kernel of four CPUs boots with."""
    return MachineSpec(online=cpus("0-3"), isolated=cpus(isolated), cmdline=KernelCmdline.parse(cmdline), tuned=tuned)


def guest(**changes: Any) -> GuestSpec:
    """The inside of the good domain: a real-time kernel that isolates vCPUs 1-3."""
    good = GuestSpec(kernel="rt", isolated=cpus("1-3"), cmdline=KernelCmdline.parse(GUEST_CMDLINE), tuned=profile())
    return good.model_copy(update=changes)


@cache
def _good() -> DomainSpec:
    return DomainSpec(
        name="plc-a",
        machine="q35",
        vcpus=4,
        memory=Size.parse("2GiB"),
        cpu_mode="host-passthrough",
        cpu_features={"tsc-deadline": "require"},
        migratable=False,
        vcpu_pins=pins(v0="1", v1="2", v2="3", v3="4"),
        emulator_pin=cpus("0-1"),
        iothreads=1,
        iothread_pins=(IothreadPin(iothread=1, cpus=cpus("0-1")),),
        vcpu_scheds=scheds("1-3"),
        numa=NumaTune(mode="strict", nodeset=cpus("0")),
        hugepages=pages("1GiB"),
        locked=True,
        nosharepages=True,
        memballoon="none",
        pmu=False,
        vmport=False,
        hpet=False,
        suspend_to_mem=False,
        suspend_to_disk=False,
        devices=Devices(
            usb="none",
            disks=(Disk(target="vda", cache="none"),),
            interfaces=(Interface(type="bridge", model="virtio"),),
        ),
        guest=guest(),
    )


def domain(**changes: Any) -> DomainSpec:
    """The good domain ``plc-a``: vCPU 0 for the guest's OS, vCPUs 1-3 real-time; ``changes`` replace its fields."""
    return _good().model_copy(update=changes)


def ordinary(**changes: Any) -> DomainSpec:
    """A domain that makes no real-time claim."""
    return DomainSpec(name="web", vcpus=2, memory=Size.parse("1GiB")).model_copy(update=changes)


def placed(on: HostSpec | None = None, **changes: Any) -> NodeSpec:
    """The good domain on the simple host, or on another one."""
    return NodeSpec(host=on or host(), domain=domain(**changes))


def declared(on: HostSpec | None = None, **changes: Any) -> NodeSpec:
    """The same, declared as an ``RtNode``."""
    return _as_node(placed(on, **changes))


def view(*domains: DomainSpec, on: HostSpec | None = None) -> HostView:
    """A host with domains on it, the real-time ones declared as ``RtNode``."""
    machine = on or host()
    nodes = (NodeSpec(host=machine, domain=each) for each in domains)
    return HostView(host=machine, nodes=tuple(_as_node(node) if node.domain.realtime else node for node in nodes))


def _as_node(placed: NodeSpec) -> NodeSpec:
    name, on, domain = placed.domain.name, placed.host, placed.domain
    node = RtNodeSpec(
        name=name, host=on.name if on else "", vcpus=domain.vcpus, rt_vcpus=domain.rt_vcpus, memory=domain.memory
    )
    return placed.model_copy(update={"node": node})
