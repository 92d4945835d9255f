"""Rules on a machine's hardware, as far as its command line and its topology tell: siblings, PCI links and clocks."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.cluster.examples import booted
from quietcore.rules.examples import cpus
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import Cell, HostTopology, MachineSpec, Severity
from quietcore.units import CpuSet, Size

POWER_SAVING = ("powersave", "powersupersave")


def _split_siblings(machine: MachineSpec) -> Iterator[Hit]:
    """Without a plan only: a plan's own sets are judged core by core."""
    if machine.topology is None or machine.plan is not None:
        return
    online = _online(machine, machine.topology)
    running = [core & online for core in machine.topology.cores]
    split = [core for core in running if not core.isdisjoint(machine.isolated) and not core <= machine.isolated]
    if not split:
        return
    first, more = split[0], f", and {len(split) - 1} more" if len(split) > 1 else ""
    whole = machine.isolated.union(split) - machine.topology.core_of(0)
    yield Hit(
        where="isolated",
        given=f"{machine.isolated} of {machine.end('cmdline')}; core {first} of {machine.end('topology')} has "
        f"CPU {first - machine.isolated} outside{more}",
        allowed="whole cores",
        hint=f"isolate {whole}, or switch the other threads off (nosmt)" if whole else "switch SMT off (nosmt)",
    )


def _online(machine: MachineSpec, topology: HostTopology) -> CpuSet:
    online = machine.online or topology.cpus
    off = machine.cmdline is not None and machine.cmdline.get("nosmt") is not None
    return online - topology.siblings if off else online


def _pairs() -> HostTopology:
    cell = Cell(id=0, cpus=cpus("0-7"), memory=Size.parse("16GiB"))
    return HostTopology(cells=(cell,), cores=tuple(CpuSet([cpu, cpu + 4]) for cpu in range(4)))


def _isolating(isolated: str, others: str) -> MachineSpec:
    machine = booted(topology=_pairs(), isolated=cpus(isolated))
    assert machine.cmdline is not None
    text = str(machine.cmdline).replace("2-7", isolated).replace("=0-1", f"={others}")
    return machine.model_copy(update={"cmdline": machine.cmdline.parse(text)})


H02: Rule[MachineSpec] = Rule(
    code="H02",
    title="SMT is on, and an isolated CPU's sibling is not isolated",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_split_siblings,
    depends_on=("C05",),
    doc=Doc(
        what="Where a machine's cores have several threads, SMT is off, or a core's threads are isolated together. "
        "(Where the machine has a CPU plan, C05 judges the plan's sets; a domain's pins are D20's matter.)",
        why="The threads of a core share its pipelines and caches. What the system runs on the one slows the other, "
        "which no isolation of CPUs can prevent.",
        fix="isolate both threads of a core, or switch SMT off",
        sources=(source("K-HW"), source("CAN-DOC")),
        bad=Example(
            text="# CPUs n and n+4 are siblings\nisolcpus=managed_irq,domain,2-7",
            subject=lambda: booted(topology=_pairs()),
        ),
        good=Example(
            text="# CPUs n and n+4 are siblings\nisolcpus=managed_irq,domain,2-3,6-7",
            subject=lambda: _isolating("2-3,6-7", "0-1,4-5"),
        ),
    ),
)


def _link_power(machine: MachineSpec) -> Iterator[Hit]:
    if machine.cmdline is None or not machine.isolated:
        return
    if machine.cmdline.get("pcie_aspm") == "force":
        yield Hit(where="cmdline.pcie_aspm", given="pcie_aspm=force", allowed="pcie_aspm=off, or nothing")
    policy = machine.cmdline.get("pcie_aspm.policy")
    if policy in POWER_SAVING:
        yield Hit(where="cmdline.pcie_aspm.policy", given=f"pcie_aspm.policy={policy}", allowed="performance")


H05: Rule[MachineSpec] = Rule(
    code="H05",
    title="PCI links are put to sleep",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_link_power,
    doc=Doc(
        what="The command line of a machine with isolated CPUs does not ask for link power management: neither "
        "pcie_aspm=force nor a power-saving pcie_aspm.policy. (Whether firmware asks for it, the machine alone knows.)",
        why="A link that sleeps wakes when the device is used, and each access then takes microseconds longer. Forced "
        "on devices that did not offer it, it can hang them.",
        fix="write pcie_aspm=off, or remove the parameter",
        sources=(source("CAN-DOC"), source("RHEL-RT"), source("K-PARAM", "pcie_aspm=")),
        bad=Example(
            text="isolcpus=managed_irq,domain,2-7 pcie_aspm=force",
            subject=lambda: booted("tsc=reliable pcie_aspm=force"),
        ),
        good=Example(
            text="isolcpus=managed_irq,domain,2-7 pcie_aspm=off", subject=lambda: booted("tsc=reliable pcie_aspm=off")
        ),
    ),
)


def _slow_clock(machine: MachineSpec) -> Iterator[Hit]:
    if machine.cmdline is None or not machine.isolated or machine.facts.arch != "x86_64":
        return
    source_said = machine.cmdline.get("clocksource")
    fast = ("tsc", "kvm-clock") if machine.role == "guest" else ("tsc",)
    if source_said and source_said not in fast:
        yield Hit(where="cmdline.clocksource", given=f"clocksource={source_said}", allowed=" or ".join(fast))
    if machine.cmdline.get("notsc") is not None:
        yield Hit(where="cmdline.notsc", given="notsc", allowed="the TSC as clock", hint="remove notsc")
    if machine.cmdline.get("tsc") == "unstable":
        yield Hit(where="cmdline.tsc", given="tsc=unstable", allowed="tsc=reliable, or nothing")


H16: Rule[MachineSpec] = Rule(
    code="H16",
    title="clock is not the TSC",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_slow_clock,
    doc=Doc(
        what="The command line of an x86 machine with isolated CPUs does not turn away from the TSC: no other "
        "clocksource (a guest may take kvm-clock), no notsc, no tsc=unstable.",
        why="Reading the TSC takes some nanoseconds and no lock. HPET and the ACPI timer take a microsecond or more, "
        "and CPUs that read them at once wait for each other: every timestamp and timer of the load pays.",
        fix="remove the parameter, or write clocksource=tsc where the TSC is invariant",
        sources=(source("CAN-DOC"), source("K-PARAM", "clocksource=, tsc=")),
        bad=Example(
            text="isolcpus=managed_irq,domain,2-7 clocksource=hpet tsc=reliable",
            subject=lambda: booted("clocksource=hpet tsc=reliable"),
        ),
        good=Example(
            text="isolcpus=managed_irq,domain,2-7 clocksource=tsc tsc=reliable",
            subject=lambda: booted("clocksource=tsc tsc=reliable"),
        ),
    ),
)
