"""Rules on what a kernel boots with, guest or host: the declared isolated set against its command line."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.examples import GUEST_CMDLINE, boot
from quietcore.rules.kernel.reading import dialect, fault, named, partitioned, tuned_as, undecided
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import MachineSpec, Severity
from quietcore.units import CpuSet

_UNREADABLE = ("C34",)


def _hit(machine: MachineSpec, name: str, wanted: CpuSet, flags: str = "") -> Hit:
    said = machine.cmdline.get(name) if machine.cmdline else None
    reason = fault(machine, name)
    given = f"no {name}" if said is None else f"{name}={said}"
    return Hit(
        where=f"cmdline.{name}",
        given=f"{given}{f': {reason.what}' if reason else ''}; {_isolated(machine)}",
        allowed=f"{name}={flags}{wanted}" if wanted else f"no {name}",
        hint=f"write {name}={flags}{wanted}" if wanted else f"remove {name}",
    )


def _isolated(machine: MachineSpec) -> str:
    of = f" of {machine.online}" if machine.online else ""
    return f"isolated CPUs are {machine.isolated or 'none'}{of}"


def _disagrees(machine: MachineSpec, name: str, flags: str = "") -> Iterator[Hit]:
    """One hit where the parameter is missing, or names other CPUs than the isolated ones, or none that can be read.

    CPUs that busy-poll for a userspace switch may be isolated with them.
    """
    switch = machine.plan.vswitch if machine.plan else CpuSet()
    if machine.cmdline is None or undecided(machine, name):
        return
    said = named(machine, name)
    if (said or CpuSet()) not in (machine.isolated, machine.isolated | switch):
        yield _hit(machine, name, machine.isolated, flags)


def _absent(machine: MachineSpec, name: str) -> bool:
    return machine.cmdline is not None and machine.cmdline.get(name) is None


def _isolcpus(machine: MachineSpec) -> Iterator[Hit]:
    otherwise = machine.facts.partitions or partitioned(machine)
    if not (otherwise and _absent(machine, "isolcpus")):
        yield from _disagrees(machine, "isolcpus", "managed_irq,domain,")


C09: Rule[MachineSpec] = Rule(
    code="C09",
    title="isolcpus names other CPUs than the isolated set",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_isolcpus,
    depends_on=_UNREADABLE,
    doc=Doc(
        what="The CPUs of isolcpus are exactly the declared isolated set, in the numbers of the kernel that boots; "
        "those of a polling userspace switch may stand among them. It may be missing where cgroup-v2 partitions or "
        "tuned's cpu-partitioning isolate the CPUs.",
        why="The scheduler keeps tasks off the CPUs that isolcpus names and off no others. Where it names fewer, a "
        "real-time vCPU shares its CPU with daemons; where more, housekeeping has less room than planned.",
        fix="write the isolated set into isolcpus",
        sources=(source("K-PARAM", "isolcpus="), source("NTO-A"), source("TUNED"), source("CAN-DOC"), source("K-ISO")),
        bad=Example(
            text="# isolated CPUs: 1-3\nisolcpus=managed_irq,domain,1-2",
            subject=lambda: boot(GUEST_CMDLINE.replace("domain,1-3", "domain,1-2")),
        ),
        good=Example(text="# isolated CPUs: 1-3\nisolcpus=managed_irq,domain,1-3", subject=boot),
    ),
)


def _tickless(machine: MachineSpec) -> Iterator[Hit]:
    if dialect(machine) == "starlingx":
        yield from _around(machine)
        return
    for name in ("nohz_full", "rcu_nocbs"):
        if not (_absent(machine, name) and _may_lack(machine, name)):
            yield from _disagrees(machine, name)


def _may_lack(machine: MachineSpec, name: str) -> bool:
    """OpenShift writes nohz_full where the profile hints at real time only; tuned's ``realtime`` writes neither."""
    if dialect(machine) == "nto":
        hinted = machine.profile is not None and machine.profile.realtime
        return name == "nohz_full" and not hinted
    return tuned_as(machine, "realtime")


def _around(machine: MachineSpec) -> Iterator[Hit]:
    """StarlingX offloads RCU from all CPUs but the platform's, and runs virtual hosts with their ticks."""
    for name in ("nohz_full", "rcu_nocbs"):
        said = named(machine, name)
        ticks = name == "nohz_full" and _absent(machine, name) and (machine.role == "guest" or machine.facts.virtual)
        if machine.cmdline is None or ticks or undecided(machine, name):
            continue
        if said is None or not machine.isolated <= said or said & machine.housekeeping:
            yield _hit(machine, name, machine.isolated)


C10: Rule[MachineSpec] = Rule(
    code="C10",
    title="tickless CPUs are not the isolated CPUs",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_tickless,
    depends_on=_UNREADABLE,
    doc=Doc(
        what="nohz_full and rcu_nocbs both name exactly the isolated set, in any of the kernel's forms, such as 1-N. "
        "StarlingX may name more CPUs, all but the platform's. OpenShift leaves nohz_full out where the profile does "
        "not hint at real time, and tuned's bare-metal profile realtime leaves out both.",
        why="Without nohz_full the timer tick interrupts the isolated CPU up to a thousand times a second; without "
        "rcu_nocbs the kernel runs RCU callbacks there, and the tick cannot stop for as long as they wait.",
        fix="write the isolated set into nohz_full and rcu_nocbs",
        sources=(
            source("K-NOHZ"),
            source("K-PARAM", "nohz_full=, rcu_nocbs="),
            source("NTO-A"),
            source("STX-PLAT"),
            source("TUNED"),
        ),
        bad=Example(
            text="# isolated CPUs: 1-3\nisolcpus=managed_irq,domain,1-3 nohz_full=1-3",
            subject=lambda: boot(GUEST_CMDLINE.replace("rcu_nocbs=1-3 ", "")),
        ),
        good=Example(
            text="# isolated CPUs: 1-3\nisolcpus=managed_irq,domain,1-3 nohz_full=1-3 rcu_nocbs=1-3", subject=boot
        ),
    ),
)


def _interrupts(machine: MachineSpec) -> Iterator[Hit]:
    if not machine.isolated or machine.cmdline is None or undecided(machine, "irqaffinity"):
        return
    others = machine.online - machine.isolated
    if machine.online and not others:
        yield Hit(
            where="cmdline.irqaffinity",
            given=f"isolated {machine.isolated.counted('CPU')} of {machine.online}: none is left for interrupts",
            allowed="at least one CPU that is not isolated",
            hint="isolate fewer CPUs",
        )
    elif _absent(machine, "irqaffinity"):
        if dialect(machine) != "nto" and not partitioned(machine) and not tuned_as(machine, "realtime"):
            yield _to(machine, others)
    else:
        said = named(machine, "irqaffinity")
        if not said or said & machine.isolated or (others and not said & others):
            yield _to(machine, others)


def _to(machine: MachineSpec, others: CpuSet) -> Hit:
    if others:
        return _hit(machine, "irqaffinity", others)
    said = machine.cmdline.get("irqaffinity") if machine.cmdline else None
    return Hit(
        where="cmdline.irqaffinity",
        given=f"{'no irqaffinity' if said is None else f'irqaffinity={said}'}; {_isolated(machine)}",
        allowed=f"without {machine.isolated}",
        hint="write the CPUs that are not isolated into irqaffinity",
    )


C14: Rule[MachineSpec] = Rule(
    code="C14",
    title="interrupts may land on isolated CPUs",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_interrupts,
    depends_on=_UNREADABLE,
    doc=Doc(
        what="irqaffinity names CPUs that are not isolated, all of them or some, and there is at least one. OpenShift "
        "and tuned's realtime and cpu-partitioning set the mask at run time instead and need no irqaffinity.",
        why="It is the default mask of every interrupt. The managed_irq flag of isolcpus moves managed interrupts "
        "only: a disk's ordinary interrupt on an isolated CPU waits behind a spinning real-time thread until the "
        "kernel gives the disk up.",
        fix="write the CPUs that are not isolated into irqaffinity",
        sources=(source("K-PARAM", "irqaffinity="), source("CAN-DOC"), source("RHEL-RT"), source("STX-PLAT")),
        bad=Example(
            text="# isolated CPUs: 1-3 of 0-3\nisolcpus=managed_irq,domain,1-3 irqaffinity=0-1",
            subject=lambda: boot(GUEST_CMDLINE.replace("irqaffinity=0", "irqaffinity=0-1")),
        ),
        good=Example(text="# isolated CPUs: 1-3 of 0-3\nisolcpus=managed_irq,domain,1-3 irqaffinity=0", subject=boot),
    ),
)
