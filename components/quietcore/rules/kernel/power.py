"""Rules on idle states and frequency drivers: parameters that contradict each other or the CPU that they are for."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.kernel.examples import facts, machine
from quietcore.rules.kernel.reading import dialect, vendor
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import KernelCmdline, MachineSpec, PerformanceProfileSpec, Severity
from quietcore.spec.performance_profile import WorkloadHints

CSTATES = ("processor.max_cstate", "intel_idle.max_cstate")


def _idle(machine: MachineSpec) -> Iterator[Hit]:
    cmdline = machine.cmdline
    if cmdline is None:
        return
    limits = [f"{name}={value}" for name in CSTATES if (value := cmdline.get(name)) is not None]
    if cmdline.get("idle") == "poll" and limits:
        yield Hit(
            where="cmdline.idle",
            given=f"idle=poll {' '.join(limits)}",
            allowed="idle=poll, or processor.max_cstate=1 with intel_idle.max_cstate=0",
            hint=f"remove idle=poll, or remove {' and '.join(limits)}",
        )
    elif vendor(machine) == "intel" and cmdline.get(CSTATES[0]) and cmdline.get(CSTATES[1]) is None:
        yield Hit(
            where=f"cmdline.{CSTATES[0]}",
            given=f"{limits[0]} without {CSTATES[1]}",
            allowed=f"{limits[0]} {CSTATES[1]}=0",
            hint=f"write {CSTATES[1]}=0 as well",
        )


def _both(machine: MachineSpec) -> str:
    return "OpenShift writes both where its profile hints at high power" if dialect(machine) == "nto" else ""


C21: Rule[MachineSpec] = Rule(
    code="C21",
    title="idle states are limited in two ways",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_idle,
    aside=_both,
    doc=Doc(
        what="The line has idle=poll, or processor.max_cstate=1 with intel_idle.max_cstate=0 (the second of these on "
        "Intel CPUs), or neither; not idle=poll beside the others.",
        why="idle=poll never idles, so the limits beside it do nothing, and whoever removes one believes the other: "
        "polling heats all cores and takes their turbo away. processor.max_cstate alone does nothing on Intel CPUs, "
        "whose own idle driver does not read it.",
        fix="keep one of the two ways",
        sources=(source("K-NOHZ"), source("SUSE"), source("K-PARAM", "idle=, intel_idle.max_cstate=")),
        bad=Example(
            text="idle=poll processor.max_cstate=1 intel_idle.max_cstate=0",
            subject=lambda: machine("idle=poll processor.max_cstate=1 intel_idle.max_cstate=0"),
        ),
        good=Example(
            text="processor.max_cstate=1 intel_idle.max_cstate=0",
            subject=lambda: machine("processor.max_cstate=1 intel_idle.max_cstate=0"),
        ),
    ),
)


_HINTS = {True: "real time", False: "no real time", None: "real time by saying nothing"}


def _polls(machine: MachineSpec) -> Iterator[Hit]:
    profile = machine.profile
    if profile is None or (profile.hints.high_power and profile.realtime):
        return
    written, own = "idle=poll" in profile.kernel_args, machine.end("profile")
    if written or (machine.cmdline is not None and machine.cmdline.get("idle") == "poll"):
        others = f"{own}, which" if written else f"{machine.end('cmdline')}; {own}"
        yield Hit(
            where="profile.kernel_args" if written else "cmdline.idle",
            given=f"idle=poll in {others} hints at "
            f"{_HINTS[profile.hints.real_time]}, and not at high power consumption",
            allowed="idle=poll with both hints",
            hint="set workloadHints realTime and highPowerConsumption to true, or remove idle=poll",
        )


def _profiled(high_power: bool) -> MachineSpec:
    profile = PerformanceProfileSpec(
        reserved=machine().housekeeping,
        isolated=machine().isolated,
        node_selector={"node-role.kubernetes.io/worker-cnf": ""},
        hints=WorkloadHints(real_time=True, high_power=high_power),
    )
    return MachineSpec(profile=profile, cmdline=KernelCmdline.parse("idle=poll"))


C22: Rule[MachineSpec] = Rule(
    code="C22",
    title="idle=poll without the profile's hints",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_polls,
    doc=Doc(
        what="On an OpenShift node idle=poll stands on the line only where the PerformanceProfile hints at real time "
        "and at high power consumption.",
        why="The operator writes idle=poll under both hints, and the opposite settings under others. Written by hand, "
        "it burns power that the profile promises to save.",
        fix="set both hints, or remove idle=poll",
        sources=(source("NTO-A"), source("NTO-D")),
        bad=Example(
            text="workloadHints: {realTime: true, highPowerConsumption: false}\n# command line: idle=poll",
            subject=lambda: _profiled(False),
        ),
        good=Example(
            text="workloadHints: {realTime: true, highPowerConsumption: true}\n# command line: idle=poll",
            subject=lambda: _profiled(True),
        ),
    ),
)

DRIVERS = {"intel": "intel_pstate", "amd": "amd_pstate"}


def _driver(machine: MachineSpec) -> Iterator[Hit]:
    if machine.cmdline is None:
        return
    said = {name: f"{DRIVERS[name]}={machine.cmdline.get(DRIVERS[name])}" for name in DRIVERS}
    given = [name for name in DRIVERS if machine.cmdline.get(DRIVERS[name]) is not None]
    known = vendor(machine)
    for name in given:
        if (known in DRIVERS and name != known) or (known not in DRIVERS and len(given) > 1 and name == "amd"):
            yield Hit(
                where=f"cmdline.{DRIVERS[name]}",
                given=f"{said[name]} on {known} CPUs" if known in DRIVERS else " ".join(said.values()),
                allowed=f"{DRIVERS[known]} only" if known in DRIVERS else "one of them",
                hint=f"remove {said[name]}" if known in DRIVERS else "keep the one of the CPU's vendor",
            )


C23: Rule[MachineSpec] = Rule(
    code="C23",
    title="frequency driver of another vendor",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_driver,
    doc=Doc(
        what="intel_pstate stands on the line of Intel CPUs only, amd_pstate on that of AMD's, and never both. A line "
        "may have neither.",
        why="The kernel ignores the other vendor's. The line then looks as if frequencies were fixed, and the driver "
        "that is really there goes on changing them. tuned writes the vendor's own from 2.28 on.",
        fix="write the parameter of the CPU's vendor",
        sources=(source("TUNED", "2.28"), source("NTO-A")),
        bad=Example(
            text="# vendor: amd\nintel_pstate=disable",
            subject=lambda: machine("intel_pstate=disable", facts=facts(vendor="amd")),
        ),
        good=Example(
            text="# vendor: amd\namd_pstate=disable",
            subject=lambda: machine("amd_pstate=disable", facts=facts(vendor="amd")),
        ),
    ),
)


def _passive(machine: MachineSpec) -> Iterator[Hit]:
    if machine.cmdline is None or not machine.isolated:
        return
    for name in DRIVERS.values():
        if machine.cmdline.get(name) == "passive":
            yield Hit(
                where=f"cmdline.{name}",
                given=f"{name}=passive",
                allowed=f"{name}=disable or {name}=active",
                hint=f"write {name}=disable",
            )


def _tuned_by_profile(machine: MachineSpec) -> str:
    return "OpenShift's profiles with hardware tuning write passive" if dialect(machine) == "nto" else ""


C44: Rule[MachineSpec] = Rule(
    code="C44",
    title="frequency driver is passive",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_passive,
    aside=_tuned_by_profile,
    doc=Doc(
        what="The command line of a machine with isolated CPUs does not make intel_pstate or amd_pstate passive.",
        why="A passive driver leaves the choice to a governor in the kernel, which changes frequencies from within the "
        "scheduler. SUSE advises against it on real-time machines.",
        fix="write intel_pstate=disable or amd_pstate=disable, and set the governor performance",
        sources=(source("SUSE"),),
        bad=Example(
            text="isolcpus=managed_irq,domain,2-7 intel_pstate=passive",
            subject=lambda: machine("intel_pstate=passive"),
        ),
        good=Example(
            text="isolcpus=managed_irq,domain,2-7 intel_pstate=disable",
            subject=lambda: machine("intel_pstate=disable"),
        ),
    ),
)
