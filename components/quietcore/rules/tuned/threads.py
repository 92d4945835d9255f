"""Rules on the priorities that a profile's [scheduler] gives to the kernel's threads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from quietcore.derive.tuned import merged
from quietcore.derive.tuned_shipped import DIFFERENT
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.rules.tuned.claims import on_machine, real_time
from quietcore.rules.tuned.examples import theirs, tuned_machine
from quietcore.rules.tuned.noise import number
from quietcore.spec import MachineSpec, Severity, TunedProfileSpec

_OWN = ("group.ksoftirqd", "group.ktimers", "group.rcuc", "group.rcub")
_BOOST = "rcutree.kthread_prio"


def _fields(text: str) -> tuple[str, int | None]:
    """Policy letter and priority of ``order:policy:priority:affinity:regex``."""
    parts = text.split(":", 4)
    return (parts[1].strip(), number(parts[2])) if len(parts) == 5 else ("", None)


def _priorities(machine: MachineSpec, profile: TunedProfileSpec) -> Iterator[Hit]:
    if not real_time(profile):
        return
    own = profile.sections.get("scheduler", {})
    malformed = list(_malformed(machine, own))
    yield from malformed
    if malformed:
        return
    whole = merged(profile, machine.facts.tuned_version or DIFFERENT[0]) or merged(profile, DIFFERENT[0])
    groups = (whole.sections if whole else {}).get("scheduler", own)
    yield from _inverted(machine, groups)
    yield from _boosted(machine, groups)


def _malformed(machine: MachineSpec, own: Mapping[str, str]) -> Iterator[Hit]:
    for option in (name for name in _OWN if name in own):
        policy, priority = _fields(own[option])
        if policy not in ("f", "r") or priority is None or not 1 <= priority <= 99:
            yield Hit(
                where=f"tuned.scheduler.{option}",
                given=f"{machine.end('tuned')} says {option}={own[option]}",
                allowed="order:f:priority:affinity:regex with a priority of 1 to 99",
                hint=f"write {option}=0:f:2:*:...",
            )


def _inverted(machine: MachineSpec, groups: Mapping[str, str]) -> Iterator[Hit]:
    callbacks, softirqs = groups.get("group.rcuc"), groups.get("group.ksoftirqd")
    if callbacks is None or softirqs is None:
        return
    low, high = _fields(callbacks)[1], _fields(softirqs)[1]
    if low is not None and high is not None and low < high:
        yield Hit(
            where="tuned.scheduler.group.rcuc",
            given=f"{machine.end('tuned')} gives rcuc {low} and ksoftirqd {high}",
            allowed=f"{high} or more for rcuc",
            hint=f"raise group.rcuc to {high}, or lower group.ksoftirqd to {low}",
        )


def _boosted(machine: MachineSpec, groups: Mapping[str, str]) -> Iterator[Hit]:
    if machine.cmdline is None or "group.rcuc" not in groups:
        return
    booted, raised = number(machine.cmdline.get(_BOOST) or ""), _fields(groups["group.rcuc"])[1]
    if booted is not None and raised is not None and booted != raised:
        yield Hit(
            where=f"cmdline.{_BOOST}",
            given=f"{machine.end('cmdline')} says {_BOOST}={booted}; {machine.end('tuned')} gives rcuc {raised}",
            allowed="one priority for RCU's threads",
            hint=f"write {_BOOST}={raised}, or group.rcuc=0:f:{booted}:*:^\\[rcuc",
        )


T15: Rule[MachineSpec] = Rule(
    code="T15",
    title="kernel threads get priorities that work against each other",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=on_machine(_priorities),
    doc=Doc(
        what="The groups of [scheduler] for ksoftirqd, ktimers, rcuc and rcub are FIFO with a priority of 1 to 99; "
        "rcuc is not below ksoftirqd; and the boot parameter rcutree.kthread_prio says the same as the group rcuc.",
        why="Under a busy ksoftirqd of higher priority the RCU callback thread of a CPU does not run, and memory that "
        "waits for it is not freed. Threads that start later keep the priority of the boot parameter, those that run "
        "have tuned's: two priorities for one kind of thread. tuned gives 2, 2 and 4, OpenShift 11 to all.",
        fix="give rcuc at least the priority of ksoftirqd, and the boot parameter the same",
        sources=(source("TUNED", "[scheduler]"), source("NTO-A"), source("K-PARAM", "rcutree.kthread_prio=")),
        bad=Example(
            text="[main]\ninclude=realtime-virtual-host\n[scheduler]\ngroup.rcuc=0:f:1:*:^\\[rcuc",
            subject=lambda: tuned_machine(theirs(scheduler={"group.rcuc": "0:f:1:*:^\\[rcuc"})),
        ),
        good=Example(
            text="[main]\ninclude=realtime-virtual-host\n[scheduler]\ngroup.rcuc=0:f:4:*:^\\[rcuc",
            subject=lambda: tuned_machine(theirs(scheduler={"group.rcuc": "0:f:4:*:^\\[rcuc"})),
        ),
    ),
)
