"""Rules on real-time throttling: off on real-time machines, and what then guards the rest."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.derive.tuned import ancestors
from quietcore.derive.tuned_shipped import REAL_TIME
from quietcore.rules.examples import profile
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.rules.tuned.claims import RUNTIME, of_profile, real_time
from quietcore.rules.tuned.examples import theirs
from quietcore.spec import Severity, TunedProfileSpec


def _unthrottled(profile: TunedProfileSpec) -> bool:
    """Whether the profile or a parent switches throttling off (profiles/realtime, in 2.20 as in 2.28)."""
    value = profile.sysctl.get(RUNTIME)
    return not REAL_TIME.isdisjoint(ancestors(profile)) if value is None else value.strip() == "-1"


def _throttled(profile: TunedProfileSpec) -> Iterator[Hit]:
    value = profile.sysctl.get(RUNTIME)
    if value is not None and value.strip() != "-1":
        if real_time(profile):
            yield Hit(
                where=f"sysctl.{RUNTIME}",
                given=f'"{value}"',
                allowed='"-1"',
                hint=f'remove {RUNTIME}, or set it to "-1"',
            )
    elif not profile.foreign and not _unthrottled(profile):
        yield Hit(
            where="include",
            given=f'parent profile "{profile.parent}", which leaves throttling on',
            allowed=", ".join(sorted(REAL_TIME)),
            hint=f'leave include out, or add sysctl {{"{RUNTIME}": "-1"}}',
        )


T06: Rule[TunedProfileSpec] = Rule(
    code="T06",
    title="real-time throttling stays on",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=TunedProfileSpec,
    judge=_throttled,
    doc=Doc(
        what="The tuned profile of a real-time machine sets kernel.sched_rt_runtime_us to -1, itself or through its "
        "parent. A guest's kernel is its own: this holds in guests on hosts that share CPUs too.",
        why="By default the kernel takes a CPU away from FIFO tasks for 50 ms of each second. A load that needs all "
        "of its CPU is stopped for that long, however well it is pinned.",
        fix="leave kernel.sched_rt_runtime_us at -1",
        sources=(source("TUNED", "[sysctl] of realtime"), source("NTO-A"), source("KV"), source("K-RT-THROTTLE")),
        bad=Example(
            text='TunedProfile("plc-guest", role="guest", sysctl={"kernel.sched_rt_runtime_us": "950000"})',
            subject=lambda: profile(sysctl={RUNTIME: "950000"}),
        ),
        good=Example(text='TunedProfile("plc-guest", role="guest")', subject=profile),
    ),
)


def _unguarded(profile: TunedProfileSpec) -> Iterator[Hit]:
    guard = profile.sections.get("service", {}).get("service.stalld", "")
    asked = {word.strip() for word in guard.split(",")}
    if asked & {"stop", "disable"} and _unthrottled(profile):
        yield Hit(
            where="service.service.stalld",
            given=f"service.stalld={guard}, and {RUNTIME} is -1",
            allowed="start,enable",
            hint="write service.stalld=start,enable",
        )


T07: Rule[TunedProfileSpec] = Rule(
    code="T07",
    title="throttling and the starvation guard are both off",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=TunedProfileSpec,
    judge=of_profile(_unguarded),
    doc=Doc(
        what="A profile under which real-time throttling is off does not stop stalld.",
        why="Without throttling a FIFO thread that never sleeps keeps its CPU for ever. If that is a housekeeping "
        "CPU, kernel threads starve there and the machine hangs. stalld boosts a starving thread for a moment.",
        fix="start stalld",
        sources=(source("NTO-A", "stalld runs with the real-time hint"), source("K-RT-THROTTLE")),
        bad=Example(
            text="[main]\ninclude=realtime-virtual-host\n[service]\nservice.stalld=stop,disable",
            subject=lambda: theirs(service={"service.stalld": "stop,disable"}),
        ),
        good=Example(
            text="[main]\ninclude=realtime-virtual-host\n[service]\nservice.stalld=start,enable",
            subject=lambda: theirs(service={"service.stalld": "start,enable"}),
        ),
    ),
)
