"""Rules on how a host's CPUs are shared out: within the plan alone, and against the host's topology."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from quietcore.rules.examples import host, plan, smt_host
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import CpuPlan, HostSpec, Severity
from quietcore.spec.host import ObservedHost
from quietcore.units import CpuSet


def _empty(plan: CpuPlan) -> Iterator[Hit]:
    for name in ("housekeeping", "isolated"):
        if not plan.sets()[name]:
            where = f"cpus.{name}"
            yield Hit(where=where, given="no CPU", allowed="at least one CPU", hint=f"give CPUs to {name}")


C01: Rule[CpuPlan] = Rule(
    code="C01",
    title="CPU plan has no housekeeping or no isolated CPU",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=CpuPlan,
    judge=_empty,
    doc=Doc(
        what="A host's CPU plan has at least one housekeeping CPU and at least one isolated CPU.",
        why="Without housekeeping CPUs the host's own work, interrupts and emulators have nowhere to run: it does not "
        "boot, or not for long. Without isolated CPUs no real-time vCPU has a place.",
        fix="give CPUs to both sets",
        sources=(source("NTO-V", "isolated and reserved are required"), source("TUNED", "isolated_cores assertion")),
        bad=Example(
            text='CpuPlan(housekeeping="", isolated="0-7")', subject=lambda: plan(housekeeping="", isolated="1-7")
        ),
        good=Example(text='CpuPlan(housekeeping="0-1", isolated="2-7")', subject=plan),
    ),
)


def _overlap(plan: CpuPlan) -> Iterator[Hit]:
    for (one, first), (other, second) in combinations(plan.sets().items(), 2):
        twice = first & second
        if twice:
            kept, name = (first - twice, one) if first - twice else (second - twice, other)
            yield Hit(
                where=f"cpus.{other}",
                given=f"{other} {second}, {one} {first}; both contain: {twice}",
                allowed="each CPU in one set",
                hint=f"set {name} to {kept}" if kept else f"take {twice} out of {one} or {other}",
            )


C02: Rule[CpuPlan] = Rule(
    code="C02",
    title="CPU is in two sets of the plan",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=CpuPlan,
    judge=_overlap,
    doc=Doc(
        what="The housekeeping, isolated, shared and offlined sets of a host have no CPU in common.",
        why="An isolated CPU that is also housekeeping takes interrupts and daemons: every layer below follows the "
        "set that it reads first, so tuned, the kernel and libvirt disagree about the same CPU.",
        fix="keep each CPU in one set",
        sources=(source("NTO-V", "the sets must be disjoint"),),
        bad=Example(text='CpuPlan(housekeeping="0-2", isolated="2-7")', subject=lambda: plan(housekeeping="0-2")),
        good=Example(text='CpuPlan(housekeeping="0-1", isolated="2-7")', subject=plan),
    ),
)


def _left_over(host: HostSpec) -> Iterator[Hit]:
    planned = CpuSet(cpu for cpus in host.cpus.sets().values() for cpu in cpus)
    left = host.present - planned
    if left:
        yield Hit(
            where="cpus",
            given=f"{left.counted('CPU')} of {host.present} {'are' if len(left) > 1 else 'is'} in no set",
            allowed="every CPU of the host in one set",
            hint=f"add {left} to housekeeping, isolated or shared, or list {left} as offlined",
        )


def _applications(host: HostSpec) -> str:
    return "StarlingX gives CPUs of no set to applications" if host.cpus.dialect == "starlingx" else ""


C03: Rule[HostSpec] = Rule(
    code="C03",
    title="CPU is left out of the plan",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=HostSpec,
    judge=_left_over,
    aside=_applications,
    doc=Doc(
        what="Every CPU of the host's topology is housekeeping, isolated, shared, vswitch or offlined. Where SMT is "
        "off (fact smt), the second threads of the cores are not there, and nobody need plan them.",
        why="A CPU of which nobody says anything becomes whatever each layer's default is: part of the scheduler's "
        "pool, of the interrupt mask, of kubelet's shared pool. It is the noisy neighbour that no plan shows.",
        fix="put every CPU into one set",
        sources=(source("TELCO", "comment on isolated and reserved"), source("K-ISO")),
        bad=Example(
            text='# the host has CPUs 0-7\nCpuPlan(housekeeping="0-1", isolated="2-5")',
            subject=lambda: host(plan(isolated="2-5")),
        ),
        good=Example(text='# the host has CPUs 0-7\nCpuPlan(housekeeping="0-1", isolated="2-7")', subject=host),
    ),
)


def _absent(host: HostSpec) -> Iterator[Hit]:
    for name, planned in host.cpus.sets().items():
        present = host.topology.cpus if name == "offlined" else host.present
        beyond = planned - present
        if beyond:
            left = planned & present
            yield Hit(
                where=f"cpus.{name}",
                given=f"{name} {planned}; the host has no CPU {beyond}",
                allowed=f"within {present}",
                hint=f"set {name} to {left}" if left else f"take {beyond} out of {name}",
            )


C04: Rule[HostSpec] = Rule(
    code="C04",
    title="CPU plan names a CPU that the host has not",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=HostSpec,
    judge=_absent,
    doc=Doc(
        what="The CPU plan names only CPUs that are in the host's topology, and that come up where SMT is off (fact "
        "smt).",
        why="tuned refuses a profile whose isolated CPUs are not online, and a pin to a missing CPU fails when the "
        "domain starts: hours after the preview said yes.",
        fix="name only CPUs of the topology, or bring the topology file up to date with quietcore inventory",
        sources=(source("TUNED", "isolated_cores online assertion"), source("STX-CPU")),
        bad=Example(
            text='# the host has CPUs 0-7\nCpuPlan(housekeeping="0-1", isolated="2-8")',
            subject=lambda: host(plan(isolated="2-8")),
        ),
        good=Example(text='# the host has CPUs 0-7\nCpuPlan(housekeeping="0-1", isolated="2-7")', subject=host),
    ),
)


def split_cores(host: HostSpec) -> Iterator[CpuSet]:
    """The cores whose threads lie in different sets of the host's plan; offlined and unplanned threads do not count.

    An observed host has no plan that could split any.
    """
    if isinstance(host, ObservedHost):
        return
    sets = list(host.cpus.sets().values())
    running = CpuSet().union(sets) & host.present - host.cpus.offlined
    for core in host.topology.cores:
        if not any(core & running <= cpus for cpus in sets):
            yield core


TOLD = 4  # cores that a finding names one by one


def _split(host: HostSpec) -> Iterator[Hit]:
    cores = list(split_cores(host))
    if not cores:
        return
    sets, touched = host.cpus.sets(), CpuSet().union(cores)
    yield Hit(
        where=next(f"cpus.{name}" for name in ("isolated", "shared", "vswitch") if sets[name] & touched),
        given="; ".join([*(_shares(core, host.cpus) for core in cores[:TOLD]), *_more(len(cores) - TOLD)]),
        allowed="the threads of a core in one set, or all but one of them offlined",
        hint=f"move CPUs {cores[0]} into one set" + (", and so on" if len(cores) > 1 else ""),
    )


def _more(count: int) -> list[str]:
    return [f"and {count} more"] if count > 0 else []


def _shares(core: CpuSet, plan: CpuPlan) -> str:
    shares = (f"{name} {cpus & core}" for name, cpus in plan.sets().items() if cpus & core)
    return f"core {core}: {', '.join(shares)}"


C05: Rule[HostSpec] = Rule(
    code="C05",
    title="core is split between sets of the plan",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=HostSpec,
    judge=_split,
    doc=Doc(
        what="The sibling threads of a core are in the same set of the host's plan. A thread that is offlined counts "
        "for nothing, so an isolated CPU with an offlined sibling is fine.",
        why="Siblings share one core's pipelines and caches. Whatever the host runs on the housekeeping thread slows "
        "the isolated one down, by no measure that the guest could see.",
        fix="move all threads of the core into one set, or offline all but one",
        sources=(source("STX-CPU"), source("NTO-D"), source("K-ISO"), source("K-HW")),
        bad=Example(
            text='# CPUs n and n+8 are siblings\nCpuPlan(housekeeping="0-1,4-5", isolated="2-3,6-15")',
            subject=lambda: smt_host(plan(housekeeping="0-1,4-5", isolated="2-3,6-15")),
        ),
        good=Example(
            text='# CPUs n and n+8 are siblings\nCpuPlan(housekeeping="0,4,8,12", isolated="1-3,5-7,9-11,13-15")',
            subject=lambda: smt_host(plan(housekeeping="0,4,8,12", isolated="1-3,5-7,9-11,13-15")),
        ),
    ),
)


def _boot_cpu(plan: CpuPlan) -> Iterator[Hit]:
    if 0 in plan.isolated:
        rest = plan.isolated - CpuSet([0])
        yield Hit(
            where="cpus.isolated",
            given=f"isolated {plan.isolated}",
            allowed="without CPU 0",
            hint=f"set isolated to {rest}, and give CPU 0 to housekeeping" if rest else "isolate another CPU",
        )


def _as_openshift(plan: CpuPlan) -> str:
    return "OpenShift's profiles isolate CPU 0 in places" if plan.dialect == "nto" else ""


C07: Rule[CpuPlan] = Rule(
    code="C07",
    title="boot CPU is isolated",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=CpuPlan,
    judge=_boot_cpu,
    aside=_as_openshift,
    doc=Doc(
        what="CPU 0 is not isolated.",
        why="The kernel keeps timekeeping on the boot CPU and does not make it tickless; firmware and some drivers "
        "send their interrupts there whatever the masks say. (OpenShift isolates it in places: no warning there.)",
        fix="give CPU 0 to housekeeping",
        sources=(source("CAN-DOC"), source("K-NOHZ", '"Known Issues"')),
        bad=Example(
            text='CpuPlan(housekeeping="6-7", isolated="0-5")',
            subject=lambda: plan(housekeeping="6-7", isolated="0-5"),
        ),
        good=Example(text='CpuPlan(housekeeping="0-1", isolated="2-7")', subject=plan),
    ),
)
