"""Rules on the scheduling of a real-time domain's vCPUs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, islice
from typing import Final

from quietcore.rules.examples import cpus, domain, guest, pins, placed, scheds
from quietcore.rules.realtime import of_domain
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import DomainSpec, NodeSpec, Severity
from quietcore.spec.domain import RT_POLICIES
from quietcore.units import CpuSet

LEAST, MOST = 1, 98  # 99 belongs to the kernel's migration and watchdog threads


@of_domain
def _no_housekeeping(domain: DomainSpec) -> Iterator[Hit]:
    if domain.vcpus < 2:
        yield Hit(where="vcpu", given=f"{domain.vcpus} vCPU", allowed="2 or more", hint="give the domain 2 vCPUs")
    elif domain.all_real_time and not _kept_for_its_os(domain):
        yield Hit(
            where="cputune.vcpusched.vcpus",
            given=f"all vCPUs, {CpuSet(range(domain.vcpus))}, are real-time",
            allowed="at least one vCPU without a real-time policy, or one that the guest does not isolate",
            hint=f"start the real-time vCPUs at 1: {CpuSet(range(1, domain.vcpus))}",
        )


def _kept_for_its_os(domain: DomainSpec) -> bool:
    """Whether a guest of real-time vCPUs alone keeps one for its OS; of an unknown inside, placement must do."""
    if domain.guest is None or not domain.guest.isolated:
        return bool(domain.emulator_pin)
    return not CpuSet(range(domain.vcpus)) <= domain.guest.isolated


D01: Rule[DomainSpec] = Rule(
    code="D01",
    title="guest has no housekeeping vCPU",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_no_housekeeping,
    doc=Doc(
        what="A real-time domain has at least two vCPUs, and at least one of them is not real-time. All may have a "
        "real-time policy, as the guides of libvirt and Canonical have it, where the guest does not isolate one of "
        "them, or where nothing is known of the inside and the emulator is pinned.",
        why="The guest's kernel threads, interrupts and daemons need somewhere to run. If every vCPU runs the "
        "real-time load they disturb it, or starve and take the guest with them.",
        fix="leave vCPU 0 to the guest's OS",
        sources=(source("LV-RT", '"CPU configuration"'), source("NOVA"), source("RHEL-V")),
        bad=Example(
            text="<vcpu placement='static'>4</vcpu>\n<vcpusched vcpus='0-3' scheduler='fifo' priority='1'/>\n"
            "# in the guest: isolated_cores=0-3",
            subject=lambda: domain(
                vcpu_pins=pins(v0="5", v1="2", v2="3", v3="4"),
                vcpu_scheds=scheds("0-3"),
                guest=guest(isolated=cpus("0-3"), cmdline=None),
            ),
        ),
        good=Example(
            text="<vcpu placement='static'>4</vcpu>\n<vcpusched vcpus='1-3' scheduler='fifo' priority='1'/>",
            subject=domain,
        ),
    ),
)


@of_domain
def _no_such_vcpu(domain: DomainSpec) -> Iterator[Hit]:
    present = CpuSet(range(domain.vcpus))
    for sched in domain.vcpu_scheds:
        if not sched.vcpus <= present:
            yield Hit(
                where="cputune.vcpusched.vcpus",
                given=f"{sched.vcpus.counted('vCPU')} of {domain.vcpus}; missing: {sched.vcpus - present}",
                allowed=f"within {present}",
                hint=f"write {sched.vcpus & present}" if sched.vcpus & present else "remove this vcpusched",
            )
        if sched.policy not in RT_POLICIES:
            yield Hit(
                where="cputune.vcpusched.scheduler",
                given=f'"{sched.policy}" for {sched.vcpus.counted("vCPU")}',
                allowed='"fifo" or "rr"',
                hint='write "fifo", or remove this vcpusched',
            )


D09: Rule[DomainSpec] = Rule(
    code="D09",
    title="vcpusched names a missing vCPU or no real-time policy",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_no_such_vcpu,
    doc=Doc(
        what="Each vcpusched of a real-time domain names vCPUs that the domain has, and the policy fifo or rr.",
        why="vCPUs count from 0, so a domain of 4 has no vCPU 4. The slip is real: libvirt's own real-time page gives "
        "4 vCPUs and vcpus='0-4'. The schema accepts it; the domain then cannot be defined.",
        fix="name vCPUs from 0 to n-1 and the policy fifo or rr",
        sources=(
            source("LV-RT", '"CPU configuration", whose example has this mistake'),
            source("LV-TEST", "a vcpusched past the vCPU count is refused"),
        ),
        bad=Example(
            text="<vcpu placement='static'>4</vcpu>\n<vcpusched vcpus='1-4' scheduler='fifo' priority='1'/>",
            subject=lambda: domain(vcpu_scheds=scheds("1-4")),
        ),
        good=Example(
            text="<vcpu placement='static'>4</vcpu>\n<vcpusched vcpus='1-3' scheduler='fifo' priority='1'/>",
            subject=domain,
        ),
    ),
)


_TOLD: Final = 100  # pairs of entries; a file may hold thousands for one vCPU


@of_domain
def _overlapping(domain: DomainSpec) -> Iterator[Hit]:
    both = ((one, other) for one, other in combinations(domain.vcpu_scheds, 2))
    for one, other in islice((pair for pair in both if not pair[0].vcpus.isdisjoint(pair[1].vcpus)), _TOLD):
        twice = one.vcpus & other.vcpus
        yield Hit(
            where="cputune.vcpusched.vcpus",
            given=f"{one.vcpus} and {other.vcpus}; both contain: {twice}",
            allowed="each vCPU in one vcpusched",
            hint=f"take {twice} out of one of them",
        )


D10: Rule[DomainSpec] = Rule(
    code="D10",
    title="vCPU has two scheduling entries",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_overlapping,
    doc=Doc(
        what="No vCPU is named by two vcpusched elements.",
        why="libvirt refuses such a domain when it is defined; by then the preview has promised that it works.",
        fix="name each vCPU in one vcpusched",
        sources=(source("LV-TEST", "overlapping vcpusched elements are refused"),),
        bad=Example(
            text="<vcpusched vcpus='1-2' scheduler='fifo' priority='1'/>\n"
            "<vcpusched vcpus='2-3' scheduler='fifo' priority='2'/>",
            subject=lambda: domain(vcpu_scheds=scheds("1-2") + scheds("2-3", priority=2)),
        ),
        good=Example(
            text="<vcpusched vcpus='1-2' scheduler='fifo' priority='1'/>\n"
            "<vcpusched vcpus='3' scheduler='fifo' priority='2'/>",
            subject=lambda: domain(vcpu_scheds=scheds("1-2") + scheds("3", priority=2)),
        ),
    ),
)


@of_domain
def _priority(domain: DomainSpec) -> Iterator[Hit]:
    for sched in domain.vcpu_scheds:
        if sched.policy in RT_POLICIES and (sched.priority is None or not LEAST <= sched.priority <= MOST):
            said = "no priority" if sched.priority is None else f"priority {sched.priority}"
            yield Hit(
                where="cputune.vcpusched.priority",
                given=f"{said} for {sched.vcpus.counted('vCPU')}",
                allowed=f"{LEAST} to {MOST}",
                hint=f"set priority to {LEAST}; above it only where vCPUs must outrank other real-time threads",
            )


D11: Rule[DomainSpec] = Rule(
    code="D11",
    title="vCPU priority outranks the kernel or is out of range",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_priority,
    doc=Doc(
        what="A real-time vCPU has a priority from 1 to 98.",
        why="Priority 99 belongs to the host kernel's migration and watchdog threads; a vCPU beside them can hang the "
        "host. Neither libvirt's schema nor its driver checks the number: both accept 100.",
        fix="set priority to 1",
        sources=(source("RHEL-RT", "priority map"), source("NOVA"), source("KV"), source("SEA"), source("LV-TEST")),
        bad=Example(
            text="<vcpusched vcpus='1-3' scheduler='fifo' priority='99'/>",
            subject=lambda: domain(vcpu_scheds=scheds("1-3", priority=99)),
        ),
        good=Example(text="<vcpusched vcpus='1-3' scheduler='fifo' priority='1'/>", subject=domain),
    ),
)


@of_domain
def _outranks(domain: DomainSpec) -> Iterator[Hit]:
    if len({sched.priority for sched in domain.vcpu_scheds}) < 2:
        return
    ranks = {vcpu: sched.priority or 0 for sched in domain.vcpu_scheds for vcpu in sched.vcpus & domain.rt_vcpus}
    own = _own_vcpus(domain)
    load = [rank for vcpu, rank in ranks.items() if vcpu not in own]
    above = CpuSet(vcpu for vcpu in own if load and vcpu in ranks and ranks[vcpu] > min(load))
    if above:
        highest = max(ranks[vcpu] for vcpu in above)
        yield Hit(
            where="cputune.vcpusched.priority",
            given=f"{above.counted('vCPU')} for the guest's OS at priority {highest}, real-time load at {min(load)}",
            allowed=f"{min(load)} or less for {above.counted('vCPU')}",
        )


def _own_vcpus(domain: DomainSpec) -> CpuSet:
    """The vCPUs of the guest's OS that may have a rank: what it does not isolate, or by custom vCPU 0 of all ranked."""
    if domain.guest is not None and domain.guest.isolated:
        return CpuSet(range(domain.vcpus)) - domain.guest.isolated
    return CpuSet([0]) if domain.all_real_time else CpuSet()


D12: Rule[DomainSpec] = Rule(
    code="D12",
    title="guest's OS outranks its real-time load",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_outranks,
    doc=Doc(
        what="A vCPU that is left to the guest's OS has no higher real-time priority than those of the load. It is one "
        "that the guest does not isolate; vCPU 0 where the inside is not known.",
        why="The OS of the guest has no deadline. Where threads of the host compete, its vCPU would run before those "
        "that have one.",
        fix="give the vCPUs of the guest's OS the lowest priority, or none",
        sources=(source("CAN-VM", "vCPU 0 at priority 1, the others at 10"), source("NOVA", "real-time mask")),
        bad=Example(
            text="<vcpusched vcpus='0' scheduler='fifo' priority='10'/>\n"
            "<vcpusched vcpus='1-3' scheduler='fifo' priority='1'/>",
            subject=lambda: _ranked(own=10, load=1),
        ),
        good=Example(
            text="<vcpusched vcpus='0' scheduler='fifo' priority='1'/>\n"
            "<vcpusched vcpus='1-3' scheduler='fifo' priority='10'/>",
            subject=lambda: _ranked(own=1, load=10),
        ),
    ),
    depends_on=("D11",),
)


def _ranked(own: int, load: int) -> DomainSpec:
    both = scheds("0", priority=own) + scheds("1-3", priority=load)
    return domain(vcpu_pins=pins(v0="5", v1="2", v2="3", v3="4"), vcpu_scheds=both)


def _nothing_scheduled(node: NodeSpec) -> Iterator[Hit]:
    if node.domain.rt_vcpus or (node.node is None and not node.domain.realtime):
        return
    isolated = node.domain.guest.isolated if node.domain.guest else CpuSet()
    meant = isolated or CpuSet(range(1, node.domain.vcpus))
    yield Hit(
        where="cputune.vcpusched.vcpus",
        given="no vCPU with a real-time policy" + (f"; the guest isolates {isolated}" if isolated else ""),
        allowed="at least one real-time vCPU",
        hint=f'set rt_vcpus to "{meant}"'
        if node.node
        else f"write <vcpusched vcpus='{meant}' scheduler='fifo' priority='1'/>",
    )


D13: Rule[NodeSpec] = Rule(
    code="D13",
    title="real-time node has no real-time vCPU",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=NodeSpec,
    judge=_nothing_scheduled,
    doc=Doc(
        what="An RtNode, and any domain whose guest isolates vCPUs, runs at least one vCPU under a real-time policy.",
        why="A guest that isolates a vCPU keeps it quiet, while the host runs the vCPU's thread as an ordinary one: "
        "any host task on that CPU pre-empts the guest's most urgent work.",
        fix="give the isolated vCPUs a real-time policy",
        sources=(source("NOVA", "get_realtime_cpu_constraint refuses an empty real-time mask"),),
        bad=Example(
            text="<cputune>\n  <!-- no vcpusched -->\n</cputune>\n<cmdline>isolcpus=managed_irq,domain,1-3</cmdline>",
            subject=lambda: placed(vcpu_scheds=(), guest=guest(isolated=cpus("1-3"))),
        ),
        good=Example(
            text="<cputune>\n  <vcpusched vcpus='1-3' scheduler='fifo' priority='1'/>\n</cputune>\n"
            "<cmdline>isolcpus=managed_irq,domain,1-3</cmdline>",
            subject=placed,
        ),
    ),
)
