"""Rules on the CPUs that a profile isolates, against those that the machine does."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.derive.tuned import ancestors
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.rules.tuned.claims import cpu_list, on_machine, values_of
from quietcore.rules.tuned.examples import theirs, tuned_machine
from quietcore.spec import MachineSpec, Severity, TunedProfileSpec


def isolated_end(machine: MachineSpec) -> str:
    """Who says which CPUs are isolated: the plan, else the command line, else nobody by name."""
    layer = next((name for name in ("plan", "cmdline") if getattr(machine, name) is not None), "")
    return machine.end(layer) if layer else "the machine"


def _other_cpus(machine: MachineSpec, profile: TunedProfileSpec) -> Iterator[Hit]:
    if "isolated_cores" not in profile.variables:
        return
    text = values_of(machine, profile).get("isolated_cores")
    cores = cpu_list(text)
    if cores is None or cores == machine.isolated:
        if text is not None and cores is None:
            yield _cores(machine, f"{machine.end('tuned')} says isolated_cores={text[:60]}, which is no CPU list")
        return
    absent = cores - machine.online if machine.online else cores - cores
    more = f"; {absent} of it not online" if absent else ""
    yield _cores(
        machine,
        f"{machine.end('tuned')} says isolated_cores={cores or '(none)'}{more}; "
        f"{isolated_end(machine)} isolates {machine.isolated or 'none'}",
    )


def _cores(machine: MachineSpec, given: str) -> Hit:
    wanted = f"isolated_cores={machine.isolated}"
    return Hit(where="tuned.variables.isolated_cores", given=given, allowed=wanted, hint=f"write {wanted}")


T02: Rule[MachineSpec] = Rule(
    code="T02",
    title="tuned isolates other CPUs than the machine",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=on_machine(_other_cpus),
    doc=Doc(
        what="isolated_cores of the tuned profile, or of the file of variables that its parents read, is exactly the "
        "machine's isolated set, and all of it is online.",
        why="tuned moves threads, interrupts and workqueues off the CPUs that isolated_cores names, and off no "
        "others. With none, or with one that is offline, tuned refuses the whole profile.",
        fix="write the isolated set into isolated_cores",
        sources=(source("TUNED", "assertions on isolated_cores"), source("NTO-A")),
        bad=Example(
            text="# isolated CPUs: 1-3\n[variables]\nisolated_cores=2-3",
            subject=lambda: tuned_machine(theirs(variables={"isolated_cores": "2-3"})),
        ),
        good=Example(
            text="# isolated CPUs: 1-3\n[variables]\nisolated_cores=1-3",
            subject=lambda: tuned_machine(theirs(variables={"isolated_cores": "1-3"})),
        ),
    ),
)


def _managed(machine: MachineSpec, profile: TunedProfileSpec) -> Iterator[Hit]:
    """Only where the variables are in view: without their file nobody knows what it says."""
    if machine.cmdline is None or "isolated_cores" not in profile.variables or "realtime" not in ancestors(profile):
        return
    value = profile.variables.get("isolate_managed_irq", "")
    said = machine.cmdline.get("isolcpus")
    # tuned's own pattern: one of these letters as a word of its own.
    wanted = any(word in set("yY1tT") for word in value.replace(",", " ").split())
    if said is None or wanted == ("managed_irq" in said.split(",")):
        return
    yield Hit(
        where="tuned.variables.isolate_managed_irq",
        given=f"{machine.end('tuned')} says isolate_managed_irq={value or '(nothing)'}; "
        f"{machine.end('cmdline')} says isolcpus={said}",
        allowed="isolate_managed_irq=Y and isolcpus=managed_irq,domain,..., or neither",
        hint="write isolate_managed_irq=Y" if not wanted else "add managed_irq to isolcpus",
    )


T03: Rule[MachineSpec] = Rule(
    code="T03",
    title="tuned and the command line disagree about managed interrupts",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=on_machine(_managed),
    doc=Doc(
        what="isolate_managed_irq=Y in the variables of a real-time profile and the flag managed_irq of isolcpus stand "
        "together, or neither stands.",
        why="tuned writes the flag from the variable. If they disagree, the next write of the boot loader changes "
        "where the kernel puts the queues of disks and network cards.",
        fix="write isolate_managed_irq=Y, and managed_irq into isolcpus",
        sources=(source("TUNED", "isolate_managed_irq"), source("K-PARAM", "isolcpus=")),
        bad=Example(
            text="# isolcpus=managed_irq,domain,1-3\nisolated_cores=1-3\n#isolate_managed_irq=Y",
            subject=lambda: _irqs(""),
        ),
        good=Example(
            text="# isolcpus=managed_irq,domain,1-3\nisolated_cores=1-3\nisolate_managed_irq=Y",
            subject=lambda: _irqs("Y"),
        ),
    ),
)

CMDLINE = (
    "skew_tick=1 isolcpus=managed_irq,domain,1-3 intel_pstate=disable nosoftlockup tsc=reliable nohz=on nohz_full=1-3 "
    "rcu_nocbs=1-3 irqaffinity=0"
)
"""What tuned 2.20 writes for an isolated set of 1-3 of four CPUs."""


def _irqs(value: str) -> MachineSpec:
    given = {"isolated_cores": "1-3", **({"isolate_managed_irq": value} if value else {})}
    return tuned_machine(theirs(variables=given), CMDLINE, tuned_version="2.20", vendor="intel", kernel="rt")
