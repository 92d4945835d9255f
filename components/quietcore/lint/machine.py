"""A machine from its layers: which CPUs are online and which isolated, which facts are known, and from which file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from quietcore.derive import nto
from quietcore.derive.tuned import evaluate, world_of
from quietcore.derive.tuned_expand import cpus as tuned_cpus
from quietcore.errors import QuietcoreError, UnitError
from quietcore.lint.group import Group
from quietcore.lint.options import Options
from quietcore.render import crio_conf, tuned_conf
from quietcore.render.cmdline import kernel_of
from quietcore.render.tuned_ini import is_profile, name_of
from quietcore.spec import (
    ContainerRuntimeSpec,
    CpuPlan,
    HostTopology,
    KernelCmdline,
    MachineFacts,
    MachineSpec,
    TunedProfileSpec,
)
from quietcore.units import CpuSet

Role = Literal["host", "guest", "worker"]
RUNNING = ("summary", "kernel", "online CPUs", "isolated CPUs")
"""What a running machine says of itself, in files of a word."""

_STARLINGX = re.compile(r"^[\w.]+=(/dev/mapper/)?cgts(-vg|--vg|/)")
_VENDORS = (("intel", ("intel",)), ("amd", ("amd",)), ("arm", ("arm", "aarch64")))


@dataclass(frozen=True)
class Isolation:
    """The isolated CPUs, and the file that says so: None where no file could say it."""

    cpus: CpuSet
    file: str


def machine_of(group: Group, role: Role, options: Options, online: CpuSet = CpuSet()) -> MachineSpec | None:
    """The machine that a group's files speak of; None where none speaks of a machine itself.

    ``online`` is what is known of a guest from its domain. Broken tuned files are told through ``group``.
    """
    found = {noun: layer for noun in ("topology", "cmdline", "kubelet") if (layer := group.best(noun))}
    tuned = _tuned(group)
    runtime, runtime_file = _runtime(group)
    profiles = group.of("profile")
    if not (found or tuned or runtime or profiles or any(group.of(noun) for noun in RUNNING)):
        return None
    topology = found["topology"].value if "topology" in found else None
    cmdline = found["cmdline"].value if "cmdline" in found else None
    files = {noun: layer.text.name for noun, layer in found.items()}
    files |= {"runtime": runtime_file} if runtime_file else {}
    files |= {"tuned": tuned[1]} if tuned else {}
    facts = _facts(group, role, options, topology, cmdline)
    known = MachineSpec(
        name=group.name,
        role=role,
        facts=facts,
        topology=topology,
        online=online or _online(group, topology, cmdline),
        cmdline=cmdline,
        tuned=tuned[0] if tuned else None,
        kubelet=found["kubelet"].value if "kubelet" in found else None,
        runtime=runtime,
        runtime_classes=tuple(layer.value for layer in group.of("class")),
        files=files,
    )
    if len(profiles) == 1:
        known = known.model_copy(update={"files": {**files, "profile": profiles[0].text.name}})
        known = nto.machine_of(profiles[0].value, known)
    isolation = isolation_of(known, group)
    isolated = isolation.cpus if isolation else CpuSet()
    return known.model_copy(update={"isolated": isolated, "plan": _plan(known, isolated, options)})


def isolation_of(machine: MachineSpec, group: Group) -> Isolation | None:
    """The isolated set of the most telling layer: a profile's, the command line's, tuned's, the running kernel's.

    None where nobody can say it.
    """
    if machine.profile is not None and machine.profile.isolated is not None:
        return Isolation(machine.profile.isolated, machine.end("profile"))
    if machine.cmdline is not None:
        for name in ("isolcpus", "nohz_full"):
            said = _named(machine, machine.cmdline, name)
            if said is not None:
                return Isolation(said, machine.end("cmdline"))
    by_tuned = _isolated_cores(machine)
    if by_tuned is not None:
        return Isolation(by_tuned, machine.end("tuned"))
    running = group.of("isolated CPUs")
    if running:
        return Isolation(running[0].value, running[0].text.name)
    opaque = machine.cmdline is None or "$tuned_params" in machine.cmdline.parameters
    return None if opaque else Isolation(CpuSet(), machine.end("cmdline"))


def _named(machine: MachineSpec, cmdline: KernelCmdline, name: str) -> CpuSet | None:
    known = machine.online | machine.topology.cpus if machine.topology else machine.online
    count = max(known) + 1 if known else None
    try:
        return cmdline.cpus(name, count)
    except UnitError:
        return None


def _isolated_cores(machine: MachineSpec) -> CpuSet | None:
    if machine.tuned is None:
        return None
    values = evaluate(
        machine.tuned.variables, world_of(machine.online, machine.facts, machine.topology), {"isolated_cores": None}
    )
    said = values.get("isolated_cores")
    try:
        return tuned_cpus(said) if said else None
    except UnitError:
        return None


def _plan(machine: MachineSpec, isolated: CpuSet, options: Options) -> CpuPlan | None:
    """The plan that a profile declares, or that a dialect reads out of a command line; nobody declared any other."""
    dialect = options.dialect or _dialect(machine)
    if dialect is None:
        return machine.plan
    if machine.plan is not None:
        return machine.plan.model_copy(update={"dialect": dialect})
    if dialect == "plain" or not isolated:
        return None
    keeping = _platform(machine, isolated) if dialect == "starlingx" else None
    return CpuPlan(housekeeping=keeping or machine.online - isolated, isolated=isolated, dialect=dialect)


def _dialect(machine: MachineSpec) -> Literal["starlingx"] | None:
    """The dialect that a command line betrays: StarlingX boots from a volume group of its own."""
    if machine.plan is not None or machine.cmdline is None:
        return None
    return "starlingx" if any(_STARLINGX.search(each) for each in machine.cmdline.parameters) else None


def _platform(machine: MachineSpec, isolated: CpuSet) -> CpuSet | None:
    """StarlingX's platform CPUs: those that the kubelet reserves besides the isolated ones, else those of interrupts.

    What is left is its applications', which no file names.
    """
    if machine.kubelet is not None and machine.kubelet.reserved_cpus is not None:
        return machine.kubelet.reserved_cpus - isolated
    said = [_named(machine, machine.cmdline, name) for name in ("kthread_cpus", "irqaffinity") if machine.cmdline]
    return next((cpus for cpus in said if cpus), None)


def _online(group: Group, topology: HostTopology | None, cmdline: KernelCmdline | None) -> CpuSet:
    """The CPUs that come up: of the topology those that ``nosmt`` leaves, else what lscpu's summary says."""
    running: CpuSet | None = group.said("online CPUs")
    if running is not None:
        return running
    summary = group.said("summary")
    if topology is None:
        return summary.online if summary else CpuSet()
    return topology.cpus - topology.siblings if _nosmt(cmdline) else topology.cpus


def _nosmt(cmdline: KernelCmdline | None) -> bool:
    return cmdline is not None and cmdline.get("nosmt") is not None


def _facts(
    group: Group, role: Role, options: Options, topology: HostTopology | None, cmdline: KernelCmdline | None
) -> MachineFacts:
    flavour, version = kernel_of(cmdline) if cmdline else (None, None)
    summary = group.said("summary")
    running, release = group.said("kernel") or (None, "")
    number = ".".join(release.split("-")[0].split(".")[:2])
    vendor = " ".join([topology.vendor if topology else "", summary.vendor if summary else ""]).lower()
    said: dict[str, object] = {
        "vendor": next((name for name, signs in _VENDORS if any(sign in vendor for sign in signs)), None),
        "arch": (topology.arch if topology and topology.vendor else "") or (summary.arch if summary else "") or None,
        "kernel": options.kernel or running or flavour,
        "kernel_version": number or version,
        "tuned_version": options.tuned_version or group.said("tuned version"),
        "kubelet_version": options.kubelet_version or group.said("kubelet version"),
        "smt": False if _nosmt(cmdline) else None,
        "virtual": True if role == "guest" or (summary and summary.virtual) else None,
    }
    return MachineFacts.model_validate({name: value for name, value in said.items() if value is not None})


def _runtime(group: Group) -> tuple[ContainerRuntimeSpec | None, str]:
    """The runtime's files laid over one another in order of their names, as the runtime does it."""
    found = sorted(group.of("runtime"), key=lambda layer: (layer.text.name.count("/"), layer.text.name))
    whole, names = None, []
    for layer in found:
        if whole is not None and whole.kind != layer.value.kind:
            group.unjudged.append((layer.text.name, f"{layer.value.name}'s, where {group.name} has {whole.name}"))
            continue
        whole = layer.value if whole is None else crio_conf.laid_over(whole, layer.value)
        names.append(layer.text.name)
    return whole, ", ".join(names)


def _tuned(group: Group) -> tuple[TunedProfileSpec, str] | None:
    """The active profile with all that it includes, and its file's name."""
    files = {layer.text.name: layer.value for noun in ("tuned file", "script") for layer in group.of(noun)}
    profiles = {name_of(path): path for path in files if is_profile(path)}
    if not profiles:
        return None
    name = group.said("tuned active") or ""
    try:
        profile = tuned_conf.lift(files, name if name in profiles else "")
    except QuietcoreError as fault:
        group.broken.append((_culprit(fault, files), fault))
        return None
    own = {profile.name, *profile.merged}
    for other in sorted(set(profiles) - own):
        reason = f"a tuned profile that {profile.name}, taken for the active one of {group.name}, does not include"
        group.unjudged.append((profiles[other], reason))
    return profile, profiles[profile.name]


def _culprit(fault: QuietcoreError, files: dict[str, str]) -> str:
    return next((path for path in files if fault.where.startswith(path)), next(iter(files)))
