"""Rules on the CPUs that user space starts on: systemd's affinity, and the mask that tuned leaves for its scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from quietcore.errors import UnitError
from quietcore.rules.kernel.examples import line, machine
from quietcore.rules.kernel.reading import named, tuned_as, unbalanced
from quietcore.rules.kernel.syntax import AFFINITY, affinity_of
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import KernelCmdline, MachineSpec, Severity
from quietcore.units import CpuSet

MASK = "tuned.non_isolcpus"

_GROUPS = re.compile(r"[0-9a-fA-F]{1,8}(,[0-9a-fA-F]{1,8})*", re.ASCII)


def _list(cmdline: KernelCmdline) -> CpuSet | None:
    try:
        return affinity_of(cmdline.get(AFFINITY) or "numa")
    except UnitError:
        return None


def _mask(cmdline: KernelCmdline) -> CpuSet | None:
    try:
        return CpuSet.from_mask(cmdline.get(MASK) or "-")
    except UnitError:
        return None


def _user_space(machine: MachineSpec) -> Iterator[Hit]:
    cmdline = machine.cmdline
    if cmdline is None or not machine.isolated:
        return
    listed, masked = _list(cmdline), _mask(cmdline)
    for name, cpus in ((AFFINITY, listed), (MASK, masked)):
        if cpus is not None and (not cpus or cpus & machine.isolated):
            yield _isolated_among(machine, name, cpus)
    if listed and masked and listed != masked and not (listed | masked) & machine.isolated:
        yield Hit(
            where=f"cmdline.{MASK}",
            given=f"{MASK}={cmdline.get(MASK)} is {masked}; {AFFINITY}={cmdline.get(AFFINITY)}",
            allowed="the same CPUs in both",
            hint=f"write {MASK}={listed.mask()}",
        )
    if _nothing_keeps_off(machine, cmdline):
        others = machine.online - machine.isolated
        yield Hit(
            where=f"cmdline.{AFFINITY}",
            given=f"no {AFFINITY}; isolcpus={cmdline.get('isolcpus')} has no flag domain",
            allowed=f"{AFFINITY}={others}" if others else f"{AFFINITY} without {machine.isolated}",
            hint=f"write {AFFINITY}={others}" if others else f"write the housekeeping CPUs into {AFFINITY}",
        )


def _isolated_among(machine: MachineSpec, name: str, cpus: CpuSet) -> Hit:
    others = machine.online - machine.isolated or cpus - machine.isolated
    text = others.mask() if name == MASK else str(others)
    said = machine.cmdline.get(name) if machine.cmdline else None
    shown = f"{name}={said}" + (f", which is {cpus or 'no CPU'}" if name == MASK else "")
    return Hit(
        where=f"cmdline.{name}",
        given=f"{shown}; isolated CPUs are {machine.isolated}",
        allowed=f"{name}={text}" if others else f"without {machine.isolated}",
        hint=f"write {name}={text}" if others else f"write the housekeeping CPUs into {name}",
    )


def _nothing_keeps_off(machine: MachineSpec, cmdline: KernelCmdline) -> bool:
    """Without the flag domain, isolcpus confines no task; then systemd's affinity must, unless tuned sets it."""
    if machine.facts.partitions or tuned_as(machine, "cpu-partitioning", "cpu-partitioning-powersave"):
        return False
    return bool(named(machine, "isolcpus")) and not unbalanced(cmdline) and cmdline.get(AFFINITY) is None


C32: Rule[MachineSpec] = Rule(
    code="C32",
    title="daemons may start on isolated CPUs",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_user_space,
    depends_on=("C33", "C34"),
    doc=Doc(
        what="systemd.cpu_affinity and tuned.non_isolcpus name CPUs that are not isolated, and both the same. Where "
        "isolcpus has not the flag domain, systemd.cpu_affinity stands on the line (tuned's cpu-partitioning writes "
        "systemd's own configuration instead).",
        why="Each daemon inherits the affinity of PID 1. isolcpus with flags but without domain keeps no task away, so "
        "the daemons run wherever the scheduler finds room: on the isolated CPUs.",
        fix="write the CPUs that are not isolated into systemd.cpu_affinity",
        sources=(source("NTO-A"), source("TUNED", "cpu-partitioning"), source("K-PARAM", "isolcpus=")),
        bad=Example(
            text="# isolated CPUs: 2-7\nisolcpus=managed_irq,domain,2-7 systemd.cpu_affinity=0-2",
            subject=lambda: machine(f"{AFFINITY}=0-2", without=(AFFINITY,)),
        ),
        good=Example(
            text="# isolated CPUs: 2-7\nisolcpus=managed_irq,domain,2-7 systemd.cpu_affinity=0,1 "
            "tuned.non_isolcpus=00000003",
            subject=lambda: machine(f"{AFFINITY}=0,1 {MASK}=00000003", without=(AFFINITY,)),
        ),
    ),
)


def _ungrouped(cmdline: KernelCmdline) -> Iterator[Hit]:
    said = cmdline.get(MASK)
    if said is None or _GROUPS.fullmatch(said):
        return
    meant = _mask(cmdline)
    yield Hit(
        where=f"cmdline.{MASK}",
        given=f"{MASK}={said}",
        allowed='hexadecimal, a comma after each 32 bits, such as "ffff0000,00000003"',
        hint=f"write {MASK}={meant.mask()}" if meant else "write the mask that tuned computes for the CPUs",
    )


C33: Rule[KernelCmdline] = Rule(
    code="C33",
    title="CPU mask is not in groups of 32 bits",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=KernelCmdline,
    judge=_ungrouped,
    doc=Doc(
        what="The mask in tuned.non_isolcpus is hexadecimal without 0x, with a comma after each 32 bits. Leading zeros "
        "and the case of letters mean nothing.",
        why="tuned's boot scripts write the text as it is into the kernel's mask files, and the kernel refuses more "
        "than 32 bits in one group. Above CPU 31 an ungrouped mask sets nothing at all.",
        fix="put a comma after each eight digits, counted from the right",
        sources=(source("NTO-K", "utils_test.go"), source("TUNED", "cpu-partitioning"), source("K-LISTS")),
        bad=Example(
            text="# CPUs 0-1 and 32-33\ntuned.non_isolcpus=300000003", subject=lambda: line(f"{MASK}=300000003")
        ),
        good=Example(
            text="# CPUs 0-1 and 32-33\ntuned.non_isolcpus=00000003,00000003",
            subject=lambda: line(f"{MASK}=00000003,00000003"),
        ),
    ),
)
