"""What a machine's command line says, and whose words a machine speaks: what several rules on kernels ask."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from quietcore.errors import UnitError
from quietcore.spec import KernelCmdline, MachineSpec
from quietcore.spec.cmdline import ISOLCPUS_FLAGS
from quietcore.units import CpuSet
from quietcore.units.cpuset import MOST

LISTS = ("isolcpus", "nohz_full", "rcu_nocbs", "irqaffinity", "kthread_cpus")
"""The parameters whose value is a CPU list in the kernel's own form."""


def dialect(machine: MachineSpec) -> Literal["plain", "nto", "starlingx"]:
    """Whose words the machine speaks: its plan says it, else a PerformanceProfile does."""
    if machine.plan is not None and machine.plan.dialect != "plain":
        return machine.plan.dialect
    return "nto" if machine.profile is not None else "plain"


def tuned_as(machine: MachineSpec, *names: str) -> bool:
    """Whether the machine's tuned profile is known and is, or directly includes, one of tuned's own ``names``."""
    if machine.tuned is None:
        return False
    return not {machine.tuned.name, *machine.tuned.parents, *machine.tuned.merged}.isdisjoint(names)


def partitioned(machine: MachineSpec) -> bool:
    """Whether tuned's cpu-partitioning keeps the CPUs free, as its profile or the mark that it writes says.

    It isolates by affinity and sets the default mask of interrupts at run time: neither isolcpus nor irqaffinity.
    """
    marked = machine.cmdline is not None and machine.cmdline.get("tuned.non_isolcpus") is not None
    return marked or tuned_as(machine, "cpu-partitioning", "cpu-partitioning-powersave")


def vendor(machine: MachineSpec) -> str | None:
    """The CPU's vendor: intel, amd or arm; None where nobody said."""
    if machine.facts.vendor is not None or machine.topology is None:
        return machine.facts.vendor
    return next((name for name in ("intel", "amd", "arm") if name in machine.topology.vendor.lower()), None)


def arch(machine: MachineSpec) -> str | None:
    """The architecture that somebody said: the topology's, else that of the facts; None where nobody did."""
    if machine.topology is not None:
        return machine.topology.arch
    return machine.facts.arch if "arch" in machine.facts.model_fields_set else None


def count(machine: MachineSpec) -> int | None:
    """How many CPUs the kernel counts, offlined ones among them; None where nothing says it."""
    known = machine.online if machine.topology is None else machine.online | machine.topology.cpus
    return _count(known, machine.plan.offlined if machine.plan else CpuSet())


@lru_cache(256)
def _count(known: CpuSet, offlined: CpuSet) -> int | None:
    return max(known | offlined) + 1 if known else None


def named(machine: MachineSpec, name: str) -> CpuSet | None:
    """The CPUs of a list parameter; None where it is absent, or cannot be read: what ``fault`` says then."""
    if machine.cmdline is None:
        return None
    try:
        return machine.cmdline.cpus(name, count(machine))
    except UnitError:
        return None


def fault(machine: MachineSpec, name: str) -> UnitError | None:
    """Why a list parameter cannot be read; None for one that only needs the number of CPUs, which nobody said."""
    if machine.cmdline is None:
        return None
    try:
        machine.cmdline.cpus(name, count(machine) or MOST)
    except UnitError as reason:
        return reason
    return None


def undecided(machine: MachineSpec, name: str) -> bool:
    """Whether the parameter says ``N`` or ``all`` and nothing says how many CPUs there are."""
    given = machine.cmdline is not None and machine.cmdline.get(name) is not None
    return given and named(machine, name) is None and fault(machine, name) is None


def unbalanced(cmdline: KernelCmdline) -> bool:
    """Whether ``isolcpus`` takes its CPUs out of the scheduler's domains: with that flag, or with none."""
    if cmdline.get("isolcpus") is None:
        return False
    known = ISOLCPUS_FLAGS.intersection(cmdline.flags())
    return not known or "domain" in known
