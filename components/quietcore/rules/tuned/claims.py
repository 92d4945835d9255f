"""Which profiles the T rules speak of: what stands on a real-time profile. Others break none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps

from quietcore.derive.tuned import ancestors, evaluate, merged, world_of
from quietcore.derive.tuned_expand import NotKnown, cpus, expand
from quietcore.derive.tuned_shipped import DIFFERENT, REAL_TIME
from quietcore.errors import UnitError
from quietcore.rules.rule import Hit
from quietcore.spec import MachineSpec, TunedProfileSpec
from quietcore.units import CpuSet

RUNTIME = "kernel.sched_rt_runtime_us"
OPENSHIFT = "openshift-node-performance"


def of_openshift(profile: TunedProfileSpec) -> bool:
    """Whether the profile is one of the Node Tuning Operator's, or stands on one."""
    return profile.name.startswith(OPENSHIFT) or OPENSHIFT in profile.parent


def real_time(profile: TunedProfileSpec) -> bool:
    """Whether the profile makes a real-time claim: ours do, and others' on tuned's or OpenShift's."""
    if not profile.foreign or profile.sysctl.get(RUNTIME, "").strip() == "-1":
        return True
    return OPENSHIFT in profile.parent or not REAL_TIME.isdisjoint((*ancestors(profile), profile.name))


def of_profile(judge: Callable[[TunedProfileSpec], Iterable[Hit]]) -> Callable[[TunedProfileSpec], Iterator[Hit]]:
    """The same judge, silent for a profile that makes no real-time claim."""

    @wraps(judge)
    def judged(profile: TunedProfileSpec) -> Iterator[Hit]:
        if real_time(profile):
            yield from judge(profile)

    return judged


def on_machine(
    judge: Callable[[MachineSpec, TunedProfileSpec], Iterable[Hit]],
) -> Callable[[MachineSpec], Iterator[Hit]]:
    """The judge of a machine's profile, silent where it has none or where it is ours, which says none of this."""

    @wraps(judge)
    def judged(machine: MachineSpec) -> Iterator[Hit]:
        if machine.tuned is not None and machine.tuned.foreign:
            yield from judge(machine, machine.tuned)

    return judged


def values_of(machine: MachineSpec, profile: TunedProfileSpec) -> Mapping[str, str | None]:
    """Every variable of the profile and its parents on this machine; None for one that is not known."""
    whole = merged(profile, machine.facts.tuned_version or DIFFERENT[0]) or merged(profile, DIFFERENT[0])
    variables = whole.variables if whole else profile.variables
    world = world_of(machine.online, machine.facts, machine.topology)
    return evaluate(variables, world, {"isolated_cores": str(machine.isolated) or None})


def as_isolated(machine: MachineSpec, profile: TunedProfileSpec) -> TunedProfileSpec:
    """The profile as if it isolated what the machine does: that it does not is told once, by T02."""
    if not machine.isolated:
        return profile
    variables = {name: value for name, value in profile.variables.items() if name != "isolated_cores"}
    return profile.model_copy(update={"variables": variables})


def expanded(text: str, machine: MachineSpec, profile: TunedProfileSpec) -> str | None:
    """An option's value on this machine, with its isolated set; None where it is not known."""
    if "${" not in text:
        return text
    profile = as_isolated(machine, profile)
    try:
        value = expand(text, values_of(machine, profile), world_of(machine.online, machine.facts, machine.topology))
    except NotKnown:
        return None
    return None if "${" in value else value


def cpu_list(text: str | None) -> CpuSet | None:
    """The CPUs that a value names in tuned's list form; None where it is not known or none."""
    try:
        return None if text is None else cpus(text)
    except UnitError:
        return None


def parameter_cpus(text: str) -> CpuSet | None:
    """The CPUs of a boot parameter's value, list or mask, flags of isolcpus left out; None where it is neither."""
    items = [item for item in text.split(",") if item not in ("domain", "nohz", "managed_irq")]
    return cpu_list(",".join(items))
