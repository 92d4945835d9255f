"""Rules on how a real-time domain pins its vCPUs, as far as the domain alone can tell."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import combinations

from quietcore.rules.examples import domain, pins
from quietcore.rules.realtime import of_domain
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import DomainSpec, Severity
from quietcore.units import CpuSet


def place(vcpu: int | CpuSet) -> str:
    """The path of a vCPU's pin, or of several."""
    return f"cputune.vcpupin[{vcpu}]"


@of_domain
def _not_pinned_once(domain: DomainSpec) -> Iterator[Hit]:
    count = Counter(pin.vcpu for pin in domain.vcpu_pins)
    last = domain.vcpus - 1
    bare = CpuSet(vcpu for vcpu in range(domain.vcpus) if not count[vcpu])
    if bare:
        hint = f"pin {'vCPU' if len(bare) == 1 else 'each of vCPUs'} {bare} to a host CPU"
        yield Hit(where=place(bare), given="no pin", allowed="one host CPU for each vCPU", hint=hint)
    for vcpu, times in sorted(count.items()):
        if vcpu > last:
            hint = f"remove the pin of vCPU {vcpu}, or give the domain {vcpu + 1} vCPUs"
            yield Hit(where=place(vcpu), given=f"vCPU {vcpu} of {domain.vcpus}", allowed=f"0 to {last}", hint=hint)
        elif times > 1:
            hint = f"keep one of the {times} pins of vCPU {vcpu}"
            yield Hit(where=place(vcpu), given=f"{times} pins", allowed="one pin", hint=hint)


D02: Rule[DomainSpec] = Rule(
    code="D02",
    title="vCPU is not pinned exactly once",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_not_pinned_once,
    doc=Doc(
        what="A real-time domain pins each of its vCPUs 0 to n-1 once, and no vCPU that it has not.",
        why="The host's scheduler moves an unpinned vCPU about, to CPUs where interrupts and other guests run. "
        "libvirt only warns of a pin for a vCPU that is missing and then ignores it, so the mistake stays unseen.",
        fix="pin each vCPU once",
        sources=(source("LV-RT", '"CPU configuration"'), source("LV-TEST", "an extra pin is accepted with a warning")),
        bad=Example(
            text="<vcpu placement='static'>4</vcpu>\n<cputune>\n  <vcpupin vcpu='0' cpuset='1'/>\n"
            "  <vcpupin vcpu='1' cpuset='2'/>\n  <vcpupin vcpu='2' cpuset='3'/>\n</cputune>",
            subject=lambda: domain(vcpu_pins=pins(v0="1", v1="2", v2="3")),
        ),
        good=Example(
            text="<vcpu placement='static'>4</vcpu>\n<cputune>\n  <vcpupin vcpu='0' cpuset='1'/>\n"
            "  <vcpupin vcpu='1' cpuset='2'/>\n  <vcpupin vcpu='2' cpuset='3'/>\n"
            "  <vcpupin vcpu='3' cpuset='4'/>\n</cputune>",
            subject=domain,
        ),
    ),
    depends_on=("D14", "D50"),
)


@of_domain
def _pinned_to_several(domain: DomainSpec) -> Iterator[Hit]:
    for pin in domain.vcpu_pins:
        if len(pin.cpus) != 1:
            yield Hit(
                where=place(pin.vcpu),
                given=pin.cpus.counted("CPU"),
                allowed="one host CPU",
                hint=f"pin vCPU {pin.vcpu} to one CPU" + (f", such as {min(pin.cpus)}" if pin.cpus else ""),
            )


D03: Rule[DomainSpec] = Rule(
    code="D03",
    title="vCPU is pinned to several CPUs",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_pinned_to_several,
    doc=Doc(
        what="Each vCPU of a real-time domain is pinned to exactly one host CPU.",
        why="Within a wider set the host's scheduler still migrates the vCPU thread: each move costs a cold cache, "
        "and two vCPUs may meet on one CPU. With isolcpus nothing balances them apart again.",
        fix="give each vCPU one host CPU of its own",
        sources=(source("LV-RT", '"CPU configuration"'), source("RHEL-V", "vCPU pinning"), source("SEA")),
        bad=Example(
            text="<vcpupin vcpu='1' cpuset='2-3'/>",
            subject=lambda: domain(vcpu_pins=pins(v0="1", v1="2-3", v2="5", v3="4")),
        ),
        good=Example(text="<vcpupin vcpu='1' cpuset='2'/>", subject=domain),
    ),
)


@of_domain
def _shared_within(domain: DomainSpec) -> Iterator[Hit]:
    holders: dict[int, list[int]] = defaultdict(list)
    for pin in domain.vcpu_pins:
        if len(pin.cpus) == 1:
            holders[min(pin.cpus)].append(pin.vcpu)
    real_time = domain.rt_vcpus
    for cpu, one, other in ((cpu, *pair) for cpu, held in holders.items() for pair in combinations(held, 2)):
        if one in real_time or other in real_time:
            yield Hit(
                where=place(max(one, other)),
                given=f"CPU {cpu}, to which vCPU {min(one, other)} is pinned too",
                allowed="a CPU that no other vCPU of the domain has",
                hint=f"pin vCPU {max(one, other)} to another CPU",
            )


D04: Rule[DomainSpec] = Rule(
    code="D04",
    title="real-time vCPU shares its CPU with another vCPU",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_shared_within,
    doc=Doc(
        what="The host CPU of a real-time vCPU holds no other vCPU of the same domain. (vCPUs without a real-time "
        "policy may share one.)",
        why="Two FIFO vCPUs on one CPU starve each other, and a FIFO vCPU starves an ordinary one: the guest waits "
        "for a lock whose holder never runs.",
        fix="pin each real-time vCPU to a CPU of its own",
        sources=(source("LV-RT", '"CPU configuration"'), source("NOVA", "dedicated CPU policy")),
        bad=Example(
            text="<vcpupin vcpu='1' cpuset='2'/>\n<vcpupin vcpu='2' cpuset='2'/>",
            subject=lambda: domain(vcpu_pins=pins(v0="1", v1="2", v2="2", v3="4")),
        ),
        good=Example(text="<vcpupin vcpu='1' cpuset='2'/>\n<vcpupin vcpu='2' cpuset='3'/>", subject=domain),
    ),
    depends_on=("D02",),
)


@of_domain
def _not_static(domain: DomainSpec) -> Iterator[Hit]:
    if domain.placement != "static":
        yield Hit(
            where="vcpu.placement",
            given=f'"{domain.placement}"',
            allowed='"static"',
            hint="write <vcpu placement='static'>",
        )


D42: Rule[DomainSpec] = Rule(
    code="D42",
    title="vCPU placement is left to numad",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_not_static,
    doc=Doc(
        what="The vCPU placement of a real-time domain is static.",
        why="With placement auto libvirt asks numad for CPUs when the domain starts; the answer contradicts the pins "
        "and changes from start to start.",
        fix="write <vcpu placement='static'>",
        sources=(source("LV-FMT", '"CPU Allocation", vcpu placement'),),
        bad=Example(text="<vcpu placement='auto'>4</vcpu>", subject=lambda: domain(placement="auto")),
        good=Example(text="<vcpu placement='static'>4</vcpu>", subject=domain),
    ),
)
