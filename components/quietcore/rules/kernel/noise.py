"""Rules on what interrupts isolated CPUs by itself: watchdogs, the clock's, machine checks, RCU threads, audit."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.kernel.examples import facts, line, machine
from quietcore.rules.kernel.reading import arch, dialect
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import KernelCmdline, MachineSpec, Severity

WATCHDOGS_OFF = ("nowatchdog", "nosoftlockup", "nmi_watchdog=0", "nmi_watchdog=nopanic,0", "watchdog_thresh=0")


def _watchdogs(machine: MachineSpec) -> Iterator[Hit]:
    cmdline = machine.cmdline
    if cmdline is None or not machine.isolated:
        return
    said = cmdline.get("nmi_watchdog")
    if said and "0" not in said.split(",") and cmdline.get("nowatchdog") is None:
        yield Hit(
            where="cmdline.nmi_watchdog",
            given=f"nmi_watchdog={said}",
            allowed="nmi_watchdog=0",
            hint="write nmi_watchdog=0",
        )
    elif _owes_quiet(machine) and not any(_off(cmdline, setting) for setting in WATCHDOGS_OFF):
        yield Hit(
            where="cmdline.nosoftlockup",
            given="neither nosoftlockup nor nowatchdog nor nmi_watchdog=0",
            allowed="nosoftlockup with nmi_watchdog=0, or nowatchdog",
        )


def _off(cmdline: KernelCmdline, setting: str) -> bool:
    name, _, value = setting.partition("=")
    return cmdline.get(name) == value


def _owes_quiet(machine: MachineSpec) -> bool:
    """A real-time host whose tuned profile does not do it; OpenShift's do it where they hint at real time."""
    if machine.role == "guest" or machine.facts.kernel != "rt":
        return False
    if machine.tuned is not None and machine.tuned.sysctl.get("kernel.nmi_watchdog", "").strip() == "0":
        return False
    return machine.profile.realtime if machine.profile is not None else dialect(machine) != "nto"


def _own_watchdog(machine: MachineSpec) -> str:
    return "StarlingX's service manager relies on the watchdogs" if dialect(machine) == "starlingx" else ""


C18: Rule[MachineSpec] = Rule(
    code="C18",
    title="watchdogs interrupt isolated CPUs",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_watchdogs,
    aside=_own_watchdog,
    doc=Doc(
        what="A host with isolated CPUs and a real-time kernel switches the lockup watchdogs off: nosoftlockup, "
        "nmi_watchdog=0, or nowatchdog for both. No machine with isolated CPUs switches one on.",
        why="The hard-lockup watchdog sends an NMI to each CPU every few seconds, the soft one wakes a thread of the "
        "highest priority there. Nothing defers either of them.",
        fix="write nosoftlockup nmi_watchdog=0",
        sources=(source("NTO-A"), source("SUSE"), source("CAN-VM"), source("TUNED")),
        bad=Example(
            text="isolcpus=managed_irq,domain,2-7 nmi_watchdog=1",
            subject=lambda: machine("nmi_watchdog=1", without=("nowatchdog",)),
        ),
        good=Example(
            text="isolcpus=managed_irq,domain,2-7 nosoftlockup nmi_watchdog=0",
            subject=lambda: machine("nmi_watchdog=0", without=("nowatchdog",), facts=facts(kernel="rt")),
        ),
    ),
)

TRUSTED = ("reliable", "nowatchdog")


def _clock(machine: MachineSpec) -> Iterator[Hit]:
    cmdline, invariant = machine.cmdline, machine.facts.invariant_tsc
    if cmdline is None or invariant is None:
        return
    trusts = [f"tsc={cmdline.get('tsc')}"] if cmdline.get("tsc") in TRUSTED else []
    trusts += ["clocksource=tsc"] if cmdline.get("clocksource") == "tsc" else []
    if trusts and not invariant:
        yield Hit(
            where=f"cmdline.{trusts[0].partition('=')[0]}",
            given=f"{' '.join(trusts)}; the TSC of this CPU is not invariant",
            allowed="a TSC that the kernel watches",
            hint=f"remove {' '.join(trusts)}",
        )
    elif invariant and not trusts and machine.isolated and arch(machine) in (None, "x86_64"):
        yield Hit(where="cmdline.tsc", given="no tsc=reliable; the TSC is invariant", allowed="tsc=reliable")


C19: Rule[MachineSpec] = Rule(
    code="C19",
    title="kernel's trust in the TSC is misplaced",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_clock,
    doc=Doc(
        what="tsc=reliable (or tsc=nowatchdog, or clocksource=tsc) stands on the line of a machine with isolated CPUs "
        "whose TSC is known to be invariant, and never on that of one whose TSC is not. Silent where nobody says it.",
        why="The kernel checks the TSC against a slower clock on every CPU in turn, isolated ones too; on an invariant "
        "TSC that is noise for nothing. A TSC that is not invariant, and not watched, makes time itself wrong.",
        fix="write tsc=reliable where the TSC is invariant",
        sources=(source("TUNED"), source("NTO-A"), source("SUSE"), source("K-PARAM", "tsc=")),
        bad=Example(
            text="# invariant_tsc: false\ntsc=reliable",
            subject=lambda: machine("tsc=reliable", facts=facts(invariant_tsc=False)),
        ),
        good=Example(
            text="# invariant_tsc: true\ntsc=reliable",
            subject=lambda: machine("tsc=reliable", facts=facts(invariant_tsc=True)),
        ),
    ),
)


def _machine_checks(machine: MachineSpec) -> Iterator[Hit]:
    said = machine.cmdline.get("mce") if machine.cmdline else None
    if said != "off":
        return
    elsewhere = arch(machine) not in (None, "x86_64")
    if machine.role == "guest" or machine.facts.virtual or elsewhere:
        given = f"mce=off on {arch(machine)}" if elsewhere else "mce=off in a virtual machine"
        yield Hit(where="cmdline.mce", given=given, allowed="mce=off on x86 hardware only", hint="remove mce=off")


C20: Rule[MachineSpec] = Rule(
    code="C20",
    title="machine checks are off where they cost nothing",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_machine_checks,
    doc=Doc(
        what="mce=off stands on the command line of x86 hardware only: no guest, no other architecture. "
        "On hardware it is a choice, and mce=ignore_ce the milder one: neither is asked for.",
        why="On hardware it stops the kernel from polling for corrected errors, at the price of not seeing them. A "
        "guest gains nothing, and loses the report of a broken memory page that its host passes on.",
        fix="remove mce=off",
        sources=(source("NTO-A"), source("SUSE"), source("K-PARAM", "mce=")),
        bad=Example(text="# a guest\nmce=off", subject=lambda: machine("mce=off", role="guest")),
        good=Example(text="# x86 hardware\nmce=off", subject=lambda: machine("mce=off")),
    ),
)


def _rcu_priority(cmdline: KernelCmdline) -> Iterator[Hit]:
    said = cmdline.get("rcutree.kthread_prio")
    if said is None:
        return
    number = int(said[:9]) if said.isascii() and said.isdecimal() else 0
    if not 1 <= number <= 98:
        yield Hit(where="cmdline.rcutree.kthread_prio", given=f"rcutree.kthread_prio={said}", allowed="1 to 98")


C38: Rule[KernelCmdline] = Rule(
    code="C38",
    title="RCU threads have no priority below the load's",
    severity=Severity.INFO,
    scope=Scope.VALUE,
    subject=KernelCmdline,
    judge=_rcu_priority,
    doc=Doc(
        what="rcutree.kthread_prio, where it is given, is a FIFO priority from 1 to 98. OpenShift takes 11, StarlingX "
        "21; SUSE's 99 leaves no room above.",
        why="RCU's threads must run before what would starve them, or memory is never freed, and after the real-time "
        "load, or they interrupt it. At 99 nothing stands above them; at 0 they are ordinary threads.",
        fix="write a priority below that of the real-time threads, such as rcutree.kthread_prio=11",
        sources=(source("NTO-A"), source("STX-PLAT"), source("SUSE"), source("K-PARAM", "rcutree.kthread_prio=")),
        bad=Example(text="rcutree.kthread_prio=99", subject=lambda: line("rcutree.kthread_prio=99")),
        good=Example(text="rcutree.kthread_prio=11", subject=lambda: line("rcutree.kthread_prio=11")),
    ),
)

NOISY = {"audit": ("1", "on"), "softlockup_panic": ("1",)}


def _extras(machine: MachineSpec) -> Iterator[Hit]:
    if machine.cmdline is None or not machine.isolated:
        return
    for name, values in NOISY.items():
        said = machine.cmdline.get(name)
        if said in values:
            yield Hit(
                where=f"cmdline.{name}", given=f"{name}={said}", allowed=f"{name}=0", hint=f"write {name}=0 if you can"
            )


C40: Rule[MachineSpec] = Rule(
    code="C40",
    title="audit or lockup panic is switched on",
    severity=Severity.INFO,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_extras,
    aside=_own_watchdog,
    doc=Doc(
        what="The command line of a machine with isolated CPUs does not switch on audit or softlockup_panic. SUSE and "
        "StarlingX switch them off aloud; nobody else need.",
        why="Audit adds work to each system call. A real-time thread that rightly keeps its CPU for long looks like a "
        "lockup, and with softlockup_panic it takes the machine down.",
        fix="write audit=0 softlockup_panic=0, unless a policy of your site asks for them",
        sources=(source("STX-PLAT"), source("SUSE"), source("K-PARAM")),
        bad=Example(text="isolcpus=managed_irq,domain,2-7 audit=1", subject=lambda: machine("audit=1")),
        good=Example(
            text="isolcpus=managed_irq,domain,2-7 audit=0 softlockup_panic=0",
            subject=lambda: machine("audit=0 softlockup_panic=0"),
        ),
    ),
)
