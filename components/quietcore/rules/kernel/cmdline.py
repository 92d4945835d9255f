"""Rules on what a kernel boots with, guest or host: the declared isolated set against its command line."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.errors import UnitError
from quietcore.rules.examples import GUEST_CMDLINE, boot
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import MachineSpec, Severity
from quietcore.units import CpuSet


def _disagrees(plan: MachineSpec, name: str, wanted: CpuSet, flags: str = "") -> Iterator[Hit]:
    """One hit where the parameter is missing, does not parse, or names other CPUs than ``wanted``."""
    if plan.cmdline is None:
        return
    said = plan.cmdline.get(name)
    try:
        named = plan.cmdline.cpus(name, count=max(plan.online, default=-1) + 1)
    except UnitError as fault:
        given = f"{name}={said}: {fault.what}"
    else:
        if (named or CpuSet()) == wanted:
            return
        given = f"no {name}" if said is None else f"{name}={said}"
    yield Hit(
        where=f"cmdline.{name}",
        given=f"{given}; isolated CPUs are {plan.isolated or 'none'} of {plan.online}",
        allowed=f"{name}={flags}{wanted}" if wanted else f"no {name}",
        hint=f"write {name}={flags}{wanted}" if wanted else f"remove {name}",
    )


def _isolcpus(plan: MachineSpec) -> Iterator[Hit]:
    yield from _disagrees(plan, "isolcpus", plan.isolated, "managed_irq,domain,")


C09: Rule[MachineSpec] = Rule(
    code="C09",
    title="isolcpus names other CPUs than the isolated set",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_isolcpus,
    doc=Doc(
        what="The CPUs of isolcpus are exactly the declared isolated set, in the numbers of the kernel that boots.",
        why="The scheduler keeps tasks off the CPUs that isolcpus names and off no others. Where it names fewer, a "
        "real-time vCPU shares its CPU with daemons; where more, housekeeping has less room than planned.",
        fix="write the isolated set into isolcpus",
        sources=(source("K-PARAM", "isolcpus="), source("NTO-A"), source("TUNED"), source("CAN-DOC")),
        bad=Example(
            text="# isolated CPUs: 1-3\nisolcpus=managed_irq,domain,1-2",
            subject=lambda: boot(GUEST_CMDLINE.replace("domain,1-3", "domain,1-2")),
        ),
        good=Example(text="# isolated CPUs: 1-3\nisolcpus=managed_irq,domain,1-3", subject=boot),
    ),
)


def _tickless(plan: MachineSpec) -> Iterator[Hit]:
    yield from _disagrees(plan, "nohz_full", plan.isolated)
    yield from _disagrees(plan, "rcu_nocbs", plan.isolated)


C10: Rule[MachineSpec] = Rule(
    code="C10",
    title="tickless CPUs are not the isolated CPUs",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_tickless,
    doc=Doc(
        what="nohz_full and rcu_nocbs both name exactly the isolated set.",
        why="Without nohz_full the timer tick interrupts the isolated CPU up to a thousand times a second; without "
        "rcu_nocbs the kernel runs RCU callbacks there, and the tick cannot stop for as long as they wait.",
        fix="write the isolated set into nohz_full and rcu_nocbs",
        sources=(source("K-NOHZ"), source("K-PARAM", "nohz_full=, rcu_nocbs="), source("NTO-A")),
        bad=Example(
            text="# isolated CPUs: 1-3\nisolcpus=managed_irq,domain,1-3 nohz_full=1-3",
            subject=lambda: boot(GUEST_CMDLINE.replace("rcu_nocbs=1-3 ", "")),
        ),
        good=Example(
            text="# isolated CPUs: 1-3\nisolcpus=managed_irq,domain,1-3 nohz_full=1-3 rcu_nocbs=1-3", subject=boot
        ),
    ),
)


def _interrupts(plan: MachineSpec) -> Iterator[Hit]:
    others = plan.online - plan.isolated
    if not plan.isolated or plan.cmdline is None:
        return
    if not others:
        yield Hit(
            where="cmdline.irqaffinity",
            given=f"isolated {plan.isolated.counted('CPU')} of {plan.online}: none is left for interrupts",
            allowed="at least one CPU that is not isolated",
            hint="isolate fewer CPUs",
        )
    else:
        yield from _disagrees(plan, "irqaffinity", others)


C14: Rule[MachineSpec] = Rule(
    code="C14",
    title="interrupts may land on isolated CPUs",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_interrupts,
    doc=Doc(
        what="irqaffinity names the CPUs that are not isolated, all of them, and there is at least one.",
        why="It is the default mask of every interrupt. The managed_irq flag of isolcpus moves managed interrupts "
        "only: a disk's ordinary interrupt on an isolated CPU waits behind a spinning real-time thread until the "
        "kernel gives the disk up.",
        fix="write the CPUs that are not isolated into irqaffinity",
        sources=(source("K-PARAM", "irqaffinity="), source("CAN-DOC"), source("RHEL-RT")),
        bad=Example(
            text="# isolated CPUs: 1-3 of 0-3\nisolcpus=managed_irq,domain,1-3 irqaffinity=0-1",
            subject=lambda: boot(GUEST_CMDLINE.replace("irqaffinity=0", "irqaffinity=0-1")),
        ),
        good=Example(text="# isolated CPUs: 1-3 of 0-3\nisolcpus=managed_irq,domain,1-3 irqaffinity=0", subject=boot),
    ),
)
