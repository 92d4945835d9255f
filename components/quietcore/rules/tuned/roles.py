"""Rules on which of tuned's profiles a machine stands on, and on what of it is lost."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.derive.tuned import ancestors
from quietcore.derive.tuned_shipped import REAL_TIME, SHIPPED
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.rules.tuned.claims import of_profile
from quietcore.rules.tuned.examples import theirs, tuned_machine
from quietcore.spec import MachineSpec, Severity, TunedProfileSpec

_FITTING = {
    "host": ("realtime-virtual-host", "realtime", "cpu-partitioning"),
    "guest": ("realtime-virtual-guest", "cpu-partitioning"),
    "worker": ("realtime", "realtime-virtual-guest", "cpu-partitioning"),
}
_WRONG = {"host": "realtime-virtual-guest", "guest": "realtime-virtual-host", "worker": ""}
_ORDINARY = frozenset(
    {
        "balanced",
        "desktop",
        "hpc-compute",
        "latency-performance",
        "network-latency",
        "network-throughput",
        "powersave",
        "throughput-performance",
        "virtual-guest",
        "virtual-host",
    }
)
"""Profiles of tuned's that isolate no CPU."""


def _other_role(machine: MachineSpec) -> Iterator[Hit]:
    profile = machine.tuned
    # Of ours without another parent the role decides, which is judged where guest and profile meet.
    if profile is None or not (profile.foreign or profile.include):
        return
    chain = (*ancestors(profile), profile.name)
    fitting = ", ".join(_FITTING[machine.role])
    if _WRONG[machine.role] in chain:
        what = f"{machine.end('tuned')} stands on {_WRONG[machine.role]}; the machine is a {machine.role}"
    elif machine.isolated and _known_ordinary(chain, profile):
        parents = profile.parent or "no other profile"
        what = (
            f"{machine.end('tuned')} stands on {parents}, which isolates nothing; isolated CPUs are {machine.isolated}"
        )
    else:
        return
    yield Hit(where="tuned.include", given=what, allowed=fitting, hint=f"include={fitting.split(',')[0]}")


def _known_ordinary(chain: tuple[str, ...], profile: TunedProfileSpec) -> bool:
    """Whether every parent is known, and none of them is for isolated CPUs."""
    own = {profile.name, *profile.merged}
    known = _ORDINARY | (SHIPPED["2.20"].keys() - REAL_TIME - {"cpu-partitioning"})
    return not profile.unread and all(name in known or name in own for name in chain)


T01: Rule[MachineSpec] = Rule(
    code="T01",
    title="tuned profile is for another kind of machine",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_other_role,
    doc=Doc(
        what="The tuned profile of a machine with isolated CPUs stands on the one for its role: realtime-virtual-host "
        "on a host of real-time guests, realtime-virtual-guest in a guest, realtime on bare metal; cpu-partitioning "
        "where packets are polled. A profile whose parents are not known is not judged.",
        why="The host's profile stops page merging and sets up KVM's modules, the guest's does not. A profile that is "
        "made for servers in general keeps no thread and no interrupt off any CPU.",
        fix="include the profile of the machine's role",
        sources=(source("TUNED"), source("RHEL-V")),
        bad=Example(
            text="# on a host\n[main]\ninclude=realtime-virtual-guest",
            subject=lambda: tuned_machine(theirs("realtime-virtual-guest")),
        ),
        good=Example(
            text="# on a host\n[main]\ninclude=realtime-virtual-host", subject=lambda: tuned_machine(theirs())
        ),
    ),
)


def _no_script(profile: TunedProfileSpec) -> Iterator[Hit]:
    script = profile.sections.get("script", {})
    parents = [name for name in ancestors(profile) if "script" in SHIPPED["2.20"].get(name, _NONE).sections]
    replaced = script.get("replace", "").strip() in ("1", "true", "True")
    off = script.get("enabled", "true").strip() not in ("1", "true", "True")
    if parents and not profile.merged and (replaced or off):
        option = "replace" if replaced else "enabled"
        yield Hit(
            where=f"script.{option}",
            given=f"{option}={script[option]}, so that the script of {', '.join(parents)} is not run",
            allowed="a script that is run after the parents'",
            hint=f"remove {option} from [script], or do in your script what the parents' does",
        )


_NONE = SHIPPED["2.20"]["latency-performance"]

T18: Rule[TunedProfileSpec] = Rule(
    code="T18",
    title="profile drops its parents' script",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=TunedProfileSpec,
    judge=of_profile(_no_script),
    doc=Doc(
        what="A profile on tuned's own does not replace or disable the section [script]. tuned runs the parents' "
        "script and then the child's, unless the child says replace=true.",
        why="The script of realtime-virtual-host sets up KVM's modules: no periodic clock sync, no pause-loop exits, "
        "no splitting of hugepages. Without it these stay on, and nothing reports it.",
        fix="remove replace and enabled from [script]",
        sources=(source("TUNED-CODE", "merging of [script]"), source("SEA")),
        bad=Example(
            text="[main]\ninclude=realtime-virtual-host\n[script]\nreplace=true\nscript=${i:PROFILE_DIR}/ours.sh",
            subject=lambda: theirs(script={"replace": "true", "script": "${i:PROFILE_DIR}/ours.sh"}),
        ),
        good=Example(
            text="[main]\ninclude=realtime-virtual-host\n[script]\nscript=${i:PROFILE_DIR}/ours.sh",
            subject=lambda: theirs(script={"script": "${i:PROFILE_DIR}/ours.sh"}),
        ),
    ),
)
