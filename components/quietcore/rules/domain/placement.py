"""Rules on where a real-time domain's threads run on its host. Where no host is declared, the pins themselves count."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.domain.pinning import place
from quietcore.rules.examples import cpus, declared, host, pins, placed, scheds
from quietcore.rules.realtime import of_node
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import IothreadPin, NodeSpec, Severity
from quietcore.spec.unsaid import NotSaid
from quietcore.units import CpuSet


@of_node
def _outside_isolated(node: NodeSpec) -> Iterator[Hit]:
    if node.host is None:
        return
    isolated, real_time = node.host.cpus.isolated, node.domain.rt_vcpus
    for pin in node.domain.vcpu_pins:
        if pin.vcpu in real_time and not pin.cpus <= isolated:
            yield Hit(
                where=place(pin.vcpu),
                given=f'CPU {pin.cpus}, which host "{node.host.name}" does not isolate',
                allowed=f"one of {isolated}" if isolated else "an isolated CPU; the host has none",
                hint=f"pin vCPU {pin.vcpu} to one of {isolated}" if isolated else "isolate CPUs in the host's CpuPlan",
            )


D06: Rule[NodeSpec] = Rule(
    code="D06",
    title="real-time vCPU is pinned outside the isolated CPUs",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=NodeSpec,
    judge=_outside_isolated,
    doc=Doc(
        what="Each real-time vCPU is pinned to a CPU of its host's isolated set.",
        why="Elsewhere the host's interrupts, kernel threads, timer ticks and daemons run on the same CPU; each of "
        "them delays the vCPU, and the guest cannot see why.",
        fix="pin the vCPU inside the host's isolated set",
        sources=(source("LV-RT", '"Host partitioning plan"'), source("RHEL-V"), source("K-HW")),
        bad=Example(
            text='Host("hv1", cpus=CpuPlan(housekeeping="0-1", isolated="2-7"), ...)\n'
            'RtNode("plc-a", host=hv1, vcpus=4, rt_vcpus="1-3", pins={0: 0, 1: 1, 2: 3, 3: 4}, ...)',
            subject=lambda: declared(vcpu_pins=pins(v0="0", v1="1", v2="3", v3="4")),
        ),
        good=Example(
            text='Host("hv1", cpus=CpuPlan(housekeeping="0-1", isolated="2-7"), ...)\n'
            'RtNode("plc-a", host=hv1, vcpus=4, rt_vcpus="1-3", pins={0: 1, 1: 2, 2: 3, 3: 4}, ...)',
            subject=declared,
        ),
    ),
    depends_on=("D02", "D03"),
)


def _outside_housekeeping(node: NodeSpec, given: CpuSet, where: str, who: str) -> Iterator[Hit]:
    """A thread of QEMU's own that meets a real-time vCPU, or leaves the host's housekeeping set."""
    meets = given & node.domain.rt_pins
    if node.host is None:
        if meets:
            hint = f"pin {who} to CPUs that no real-time vCPU has"
            yield Hit(where=where, given=f"{given.counted('CPU')}, of which real-time vCPUs have {meets}", hint=hint)
    elif not given <= node.host.cpus.housekeeping:
        housekeeping = node.host.cpus.housekeeping
        yield Hit(
            where=where,
            given=f"{given.counted('CPU')}; not housekeeping: {given - housekeeping}",
            allowed=f'within {housekeeping}, the housekeeping CPUs of host "{node.host.name}"',
            hint=f"pin {who} to {housekeeping}",
        )


def _housekeeping_if_known(node: NodeSpec) -> CpuSet:
    """The host's housekeeping CPUs for advice; none where no file tells them."""
    try:
        return node.host.cpus.housekeeping if node.host else CpuSet()
    except NotSaid:
        return CpuSet()


@of_node
def _emulator(node: NodeSpec) -> Iterator[Hit]:
    where, given = "cputune.emulatorpin", node.domain.emulator_pin
    if not given:
        housekeeping = _housekeeping_if_known(node)
        allowed = f"within {housekeeping}" if housekeeping else "housekeeping CPUs of the host"
        hint = f"pin the emulator to {housekeeping or 'housekeeping CPUs'}"
        yield Hit(where=where, given="no emulator pinning", allowed=allowed, hint=hint)
    else:
        yield from _outside_housekeeping(node, given, where, "the emulator")


D07: Rule[NodeSpec] = Rule(
    code="D07",
    title="emulator threads may run on isolated CPUs",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=NodeSpec,
    judge=_emulator,
    doc=Doc(
        what="Emulator pinning is given, and lies within the host's housekeeping CPUs.",
        why="QEMU's own threads emulate devices and serve the monitor. On the CPU of a real-time vCPU they pre-empt "
        "it, or starve behind it while the vCPU waits for their answer.",
        fix="pin the emulator to housekeeping CPUs",
        sources=(source("LV-RT", '"CPU configuration"'), source("NOVA"), source("SEA")),
        bad=Example(text="<emulatorpin cpuset='1-2'/>", subject=lambda: placed(emulator_pin=cpus("1-2"))),
        good=Example(text="<emulatorpin cpuset='0-1'/>", subject=placed),
    ),
)


@of_node
def _iothreads(node: NodeSpec) -> Iterator[Hit]:
    pinned = {pin.iothread: pin.cpus for pin in node.domain.iothread_pins}
    present = node.domain.iothread_ids or CpuSet(range(1, node.domain.iothreads + 1))
    for number in present:
        where = f"cputune.iothreadpin[{number}]"
        if not pinned.get(number):
            yield Hit(where=where, given="no pin", allowed="housekeeping CPUs", hint=f"pin IOThread {number} as well")
        else:
            yield from _outside_housekeeping(node, pinned[number], where, f"IOThread {number}")
    for number in sorted(number for number in pinned if number not in present):
        yield Hit(
            where=f"cputune.iothreadpin[{number}]",
            given=f"IOThread {number} of {len(present)}",
            allowed=_present(present),
            hint=f"remove the pin of IOThread {number}",
        )


def _present(iothreads: CpuSet) -> str:
    if not iothreads:
        return "none: the domain has no IOThreads"
    counted = iothreads == CpuSet(range(1, len(iothreads) + 1))
    return f"1 to {len(iothreads)}" if counted else str(iothreads)


def _io(pinned: str) -> tuple[IothreadPin, ...]:
    return (IothreadPin(iothread=1, cpus=cpus(pinned)),)


D08: Rule[NodeSpec] = Rule(
    code="D08",
    title="IOThread may run on isolated CPUs",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=NodeSpec,
    judge=_iothreads,
    doc=Doc(
        what="Each IOThread of a real-time domain is pinned within the housekeeping CPUs, and no IOThread that the "
        "domain has not is pinned.",
        why="An IOThread works whenever the guest's disk does: unpinned, it wakes up on the CPU of a real-time vCPU. "
        "libvirt refuses a pin for an IOThread that is missing when the domain is defined, which is late.",
        fix="pin each IOThread to housekeeping CPUs",
        sources=(
            source("NOVA", "IOThreads share the emulator's CPUs"),
            source("LV-TEST", "a pin for a missing IOThread is refused"),
        ),
        bad=Example(
            text="<iothreads>1</iothreads>\n<iothreadpin iothread='1' cpuset='5'/>",
            subject=lambda: placed(iothread_pins=_io("5")),
        ),
        good=Example(text="<iothreads>1</iothreads>\n<iothreadpin iothread='1' cpuset='0-1'/>", subject=placed),
    ),
)


@of_node
def _hogs_shared(node: NodeSpec) -> Iterator[Hit]:
    if node.host is None or node.host.facts.cpus != "shared":
        return
    for sched in node.domain.vcpu_scheds:
        if sched.policy == "fifo" or (sched.policy == "rr" and (sched.priority or 0) > 1):
            yield Hit(
                where="cputune.vcpusched",
                given=f"{sched.vcpus.counted('vCPU')} {'run' if len(sched.vcpus) > 1 else 'runs'} {sched.policy} "
                f"at priority {sched.priority}; "
                f'host "{node.host.name}" shares its CPUs with other hosts',
                allowed="rr at priority 1",
                hint='set scheduler to "rr" and priority to 1, or leave both out',
            )


D51: Rule[NodeSpec] = Rule(
    code="D51",
    title="real-time vCPU can starve a CPU that hosts share",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=NodeSpec,
    judge=_hogs_shared,
    doc=Doc(
        what="On a host whose CPUs are shared with other hosts of one machine, real-time vCPUs run round robin at "
        "priority 1.",
        why="Two hosts of one machine pin to the same CPU. A FIFO vCPU, or one of higher priority, keeps the CPU for "
        "as long as it spins; the other host's guest then never boots.",
        fix='set scheduler to "rr" and priority to 1, or leave both out',
        sources=(source("QUIETCORE", "the lab; hosts with the fact cpus: shared"), source("K-RT-THROTTLE")),
        bad=Example(
            text='HostFacts(cpus="shared")\nRtNode("plc-a", scheduler="fifo", priority=10, ...)',
            subject=lambda: declared(host(cpus="shared"), vcpu_scheds=scheds("1-3", "fifo", 10)),
        ),
        good=Example(
            text='HostFacts(cpus="shared")\nRtNode("plc-a", scheduler="rr", priority=1, ...)',
            subject=lambda: declared(host(cpus="shared"), vcpu_scheds=scheds("1-3", "rr", 1)),
        ),
    ),
)
