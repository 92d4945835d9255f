"""Rules on how StarlingX shares CPUs out between its functions."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.examples import plan, smt_host
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import CpuPlan, HostSpec, HostTopology, Severity
from quietcore.units import CpuSet

VSWITCH_CORES = 8  # VSWITCH_MAX_CORES of cpu_utils.py
SHARED_CORES = 1  # per processor
DRBD_CPUS = 908  # DRBD_CPU_MASK_LIMIT of cpu_utils.py, from the length of the mask's text in drbd.h


def _roles(host: HostSpec) -> Iterator[Hit]:
    if host.cpus.dialect != "starlingx":
        return
    topology, shares = host.topology, host.cpus
    vswitch = _cores(topology, shares.vswitch)
    if vswitch > VSWITCH_CORES:
        yield Hit(where="cpus.vswitch", given=f"{vswitch} cores", allowed=f"at most {VSWITCH_CORES}")
    for cell in topology.cells:
        shared = _cores(topology, shares.shared & cell.cpus)
        if shared > SHARED_CORES:
            yield Hit(
                where="cpus.shared",
                given=f"{shared} cores in cell {cell.id} ({shares.shared & cell.cpus})",
                allowed=f"at most {SHARED_CORES} core per cell",
            )
    taken = shares.housekeeping | shares.vswitch | shares.isolated | shares.offlined
    if topology.cpus <= taken:
        yield Hit(
            where="cpus.isolated",
            given=f"isolated {shares.isolated}: no CPU is left for applications",
            allowed="at least one CPU that is shared or in no set",
            hint="isolate fewer CPUs",
        )


def _cores(topology: HostTopology, cpus: CpuSet) -> int:
    return len({topology.core_of(cpu) for cpu in cpus})


def _beyond_drbd(plan: CpuPlan) -> Iterator[Hit]:
    others = plan.isolated | plan.vswitch | plan.shared
    beyond = CpuSet(cpu for cpu in plan.housekeeping if cpu >= DRBD_CPUS)
    if plan.dialect == "starlingx" and beyond and others:
        yield Hit(where="cpus.housekeeping", given=beyond.counted("CPU"), allowed=f"below {DRBD_CPUS}")


def starlingx(**sets: str) -> CpuPlan:
    """A plan in StarlingX's words."""
    vswitch = CpuSet.parse(sets.pop("vswitch", ""))
    return plan(**sets).model_copy(update={"dialect": "starlingx", "vswitch": vswitch})


H13: Rule[HostSpec] = Rule(
    code="H13",
    title="more cores than StarlingX gives to a function",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=HostSpec,
    judge=_roles,
    depends_on=("C02",),
    doc=Doc(
        what='In a plan of dialect "starlingx" the vSwitch has at most eight cores, each cell has at most one shared '
        "core, and a CPU is left that is neither the platform's nor the vSwitch's nor isolated: it serves ordinary "
        "applications. (That the platform has one, C01 sees to.)",
        why="The limits are StarlingX's own: it refuses other numbers when the host is unlocked, after it was taken "
        "out of service for the change.",
        fix="isolate the surplus cores, or leave them to applications",
        sources=(source("STX-CPU", "check_core_allocations"),),
        bad=Example(
            text='# two cells of four cores; CPUs n and n+8 are siblings\nCpuPlan(dialect="starlingx", '
            'housekeeping="0,8", shared="1-2,9-10", isolated="3-7,11-15")',
            subject=lambda: smt_host(starlingx(housekeeping="0,8", shared="1-2,9-10", isolated="3-7,11-15")),
        ),
        good=Example(
            text='# two cells of four cores; CPUs n and n+8 are siblings\nCpuPlan(dialect="starlingx", '
            'housekeeping="0,8", shared="1,4,9,12", isolated="2-3,5-7,10-11,13-15")',
            subject=lambda: smt_host(starlingx(housekeeping="0,8", shared="1,4,9,12", isolated="2-3,5-7,10-11,13-15")),
        ),
    ),
)


H12: Rule[CpuPlan] = Rule(
    code="H12",
    title="platform CPU that DRBD's mask cannot hold",
    severity=Severity.INFO,
    scope=Scope.VALUE,
    subject=CpuPlan,
    judge=_beyond_drbd,
    doc=Doc(
        what='In a plan of dialect "starlingx" the platform\'s CPUs have numbers below 908, unless all CPUs are the '
        "platform's.",
        why="StarlingX binds the storage threads of DRBD to the platform's CPUs by a mask, whose text has room for 908 "
        "CPUs. With a CPU beyond, the mask cannot be written, and the threads run anywhere.",
        fix="give the platform CPUs with lower numbers",
        sources=(source("STX-CPU", "check_drbd_platform_limitation"),),
        bad=Example(
            text='CpuPlan(dialect="starlingx", housekeeping="0-1,908-909", isolated="2-907")',
            subject=lambda: starlingx(housekeeping="0-1,908-909", isolated="2-907"),
        ),
        good=Example(
            text='CpuPlan(dialect="starlingx", housekeeping="0-3", isolated="4-909")',
            subject=lambda: starlingx(housekeeping="0-3", isolated="4-909"),
        ),
    ),
)
