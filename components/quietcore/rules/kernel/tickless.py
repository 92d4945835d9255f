"""Rules on the timer tick: which CPUs lose it, and what the kernel must not be told beside that."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.kernel.examples import facts, line, machine, shares
from quietcore.rules.kernel.reading import dialect, named
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import KernelCmdline, MachineSpec, Severity
from quietcore.units import CpuSet


def _boot_cpu(machine: MachineSpec) -> Iterator[Hit]:
    tickless = named(machine, "nohz_full")
    if not tickless or machine.cmdline is None:
        return
    given = f"nohz_full={machine.cmdline.get('nohz_full')}"
    if machine.online and machine.online <= tickless:
        yield Hit(
            where="cmdline.nohz_full",
            given=f"{given}, which is every CPU of {machine.online}",
            allowed="at least one CPU that keeps its tick",
        )
    elif 0 in tickless:
        rest = tickless - CpuSet([0])
        hint = f"write nohz_full={rest}" if rest else "remove nohz_full"
        yield Hit(where="cmdline.nohz_full", given=given, allowed="without CPU 0", hint=hint)


def _as_openshift(machine: MachineSpec) -> str:
    return "OpenShift's profiles isolate CPU 0 in places" if dialect(machine) == "nto" else ""


C08: Rule[MachineSpec] = Rule(
    code="C08",
    title="boot CPU is tickless",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_boot_cpu,
    aside=_as_openshift,
    depends_on=("C34",),
    doc=Doc(
        what="nohz_full leaves out the boot CPU, CPU 0, and so never names all CPUs.",
        why="The boot CPU keeps the time for all others and must tick. The kernel takes it out of the list with a "
        "warning, or drops the whole parameter: then every isolated CPU ticks.",
        fix="leave CPU 0 out of nohz_full",
        sources=(source("K-NOHZ"), source("K-PARAM", "nohz_full="), source("CAN-DOC")),
        bad=Example(
            text="# CPUs 0-7\nisolcpus=managed_irq,domain,0-6 nohz_full=0-6 rcu_nocbs=0-6 irqaffinity=7",
            subject=lambda: MachineSpec(
                online=CpuSet(range(8)),
                isolated=CpuSet(range(7)),
                cmdline=KernelCmdline.parse(
                    "isolcpus=managed_irq,domain,0-6 nohz_full=0-6 rcu_nocbs=0-6 irqaffinity=7"
                ),
            ),
        ),
        good=Example(
            text="# CPUs 0-7\nisolcpus=managed_irq,domain,2-7 nohz_full=2-7 rcu_nocbs=2-7 irqaffinity=0-1",
            subject=machine,
        ),
    ),
)


def _tick_stays(cmdline: KernelCmdline) -> Iterator[Hit]:
    said = cmdline.get("nohz")
    if cmdline.get("nohz_full") and said not in (None, "on", "y", "1"):
        yield Hit(
            where="cmdline.nohz",
            given=f"nohz={said}, nohz_full={cmdline.get('nohz_full')}",
            allowed="nohz=on, or nothing, which means the same",
        )


C11: Rule[KernelCmdline] = Rule(
    code="C11",
    title="nohz_full without nohz",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=KernelCmdline,
    judge=_tick_stays,
    doc=Doc(
        what="A command line with nohz_full does not switch nohz off. nohz is on where nothing is said, so tuned and "
        "OpenShift, which write nohz=on, only say it aloud.",
        why="nohz_full builds on nohz. With nohz=off no CPU ever stops its tick, whatever nohz_full names.",
        fix="write nohz=on, or remove nohz",
        sources=(source("K-PARAM", "nohz="), source("NTO-A"), source("TUNED")),
        bad=Example(text="nohz=off nohz_full=2-7", subject=lambda: line("nohz=off", without=("nohz",))),
        good=Example(text="nohz=on nohz_full=2-7", subject=line),
    ),
)


def _polls_nothing(cmdline: KernelCmdline) -> Iterator[Hit]:
    if cmdline.get("rcu_nocb_poll") is not None and not (cmdline.get("rcu_nocbs") or cmdline.get("nohz_full")):
        yield Hit(
            where="cmdline.rcu_nocb_poll",
            given="rcu_nocb_poll without rcu_nocbs",
            allowed="rcu_nocb_poll with rcu_nocbs",
            hint="name the isolated CPUs in rcu_nocbs, or remove rcu_nocb_poll",
        )


C16: Rule[KernelCmdline] = Rule(
    code="C16",
    title="RCU polls for callbacks that no CPU hands over",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=KernelCmdline,
    judge=_polls_nothing,
    doc=Doc(
        what="rcu_nocb_poll stands beside rcu_nocbs, or beside nohz_full, which implies it.",
        why="It lets threads on housekeeping CPUs look for callbacks by themselves, so that isolated CPUs need not "
        "wake them. Where no CPU hands its callbacks over, it does nothing, and the line reads as if RCU were dealt "
        "with.",
        fix="write rcu_nocbs, or remove rcu_nocb_poll",
        sources=(source("CAN-DOC"), source("SUSE"), source("SEA")),
        bad=Example(
            text="isolcpus=managed_irq,domain,2-7 rcu_nocb_poll",
            subject=lambda: line("rcu_nocb_poll", without=("rcu_nocbs", "nohz_full", "nohz")),
        ),
        good=Example(text="rcu_nocbs=2-7 rcu_nocb_poll", subject=lambda: line("rcu_nocb_poll")),
    ),
)


def _ticks_together(machine: MachineSpec) -> Iterator[Hit]:
    if machine.cmdline is None or not machine.isolated:
        return
    said = machine.cmdline.get("skew_tick")
    if said not in (None, "1") or (said is None and _owes_skew(machine)):
        given = "no skew_tick" if said is None else f"skew_tick={said}"
        yield Hit(where="cmdline.skew_tick", given=given, allowed="skew_tick=1")


def _owes_skew(machine: MachineSpec) -> bool:
    """A host that boots a real-time kernel; OpenShift writes it with a hint at real time only, StarlingX never."""
    if machine.role == "guest" or machine.facts.kernel != "rt":
        return False
    return machine.profile.realtime if machine.profile is not None else dialect(machine) == "plain"


C17: Rule[MachineSpec] = Rule(
    code="C17",
    title="all CPUs tick at the same moment",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_ticks_together,
    doc=Doc(
        what="A host with isolated CPUs and a real-time kernel boots with skew_tick=1, and no such machine with "
        "another value. Guests may leave it out, and StarlingX does.",
        why="Without it the tick fires on all CPUs at once, and they queue for the same locks. Each CPU that still "
        "ticks then makes the others late.",
        fix="write skew_tick=1",
        sources=(source("TUNED", "network-latency"), source("NTO-A"), source("K-PARAM", "skew_tick=")),
        bad=Example(
            text="# a real-time kernel\nisolcpus=managed_irq,domain,2-7 nohz_full=2-7",
            subject=lambda: machine(without=("skew_tick",), facts=facts(kernel="rt")),
        ),
        good=Example(
            text="# a real-time kernel\nisolcpus=managed_irq,domain,2-7 nohz_full=2-7 skew_tick=1",
            subject=lambda: machine(facts=facts(kernel="rt")),
        ),
    ),
)


def _virtual_tickless(machine: MachineSpec) -> Iterator[Hit]:
    virtual = machine.role == "guest" or machine.facts.virtual
    if virtual and dialect(machine) == "starlingx" and named(machine, "nohz_full") and machine.cmdline:
        yield Hit(
            where="cmdline.nohz_full",
            given=f"nohz_full={machine.cmdline.get('nohz_full')} on a virtual host",
            allowed="no nohz_full",
            hint="remove nohz_full",
        )


C42: Rule[MachineSpec] = Rule(
    code="C42",
    title="virtual StarlingX host is tickless",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_virtual_tickless,
    doc=Doc(
        what="A StarlingX host that is a virtual machine boots without nohz_full.",
        why="StarlingX leaves it out there: on virtual hosts the timers of its service manager came late, and hosts "
        "were taken for failed.",
        fix="remove nohz_full",
        sources=(source("STX-PLAT"),),
        bad=Example(
            text="# dialect starlingx, a virtual host\nnohz_full=2-7 rcu_nocbs=2-7",
            subject=lambda: machine("kthread_cpus=0-1", plan=shares("starlingx"), facts=facts(virtual=True)),
        ),
        good=Example(
            text="# dialect starlingx, a virtual host\nrcu_nocbs=2-7",
            subject=lambda: machine(
                "kthread_cpus=0-1", without=("nohz_full",), plan=shares("starlingx"), facts=facts(virtual=True)
            ),
        ),
    ),
)
