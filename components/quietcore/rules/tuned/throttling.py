"""Rules on tuned profiles of real-time machines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from quietcore.rules.examples import boot, profile
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import MachineSpec, Severity, TunedProfileSpec

RUNTIME = "kernel.sched_rt_runtime_us"
UNTHROTTLED = frozenset({"realtime", "realtime-virtual-host", "realtime-virtual-guest"})
"""tuned's own profiles that switch throttling off (profiles/realtime/tuned.conf, in 2.20 as in 2.28)."""


def _two_writers(plan: MachineSpec) -> Iterator[Hit]:
    if plan.tuned is None or plan.cmdline is None:
        return
    for parameter in plan.tuned.cmdline:
        name = parameter.partition("=")[0]
        value = plan.cmdline.get(name)
        ours = "has none" if value is None else f"says {name}={value}" if value else f"says {name}"
        yield Hit(
            where=f"tuned.cmdline.{name}",
            given=f'profile "{plan.tuned.name}" writes {parameter}; the declared command line {ours}',
            allowed="one writer of the kernel command line",
            hint=f"move {parameter} from the profile to the node's cmdline",
        )


T04: Rule[MachineSpec] = Rule(
    code="T04",
    title="tuned profile writes the kernel command line as well",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_two_writers,
    doc=Doc(
        what="A machine's kernel command line has one writer: what is declared. Its tuned profile writes no "
        "parameters to the boot loader.",
        why="The same profile name gives another command line in the next tuned version, and with two writers the "
        "last one at boot wins. OpenShift's operator rebooted nodes again and again from exactly this.",
        fix="move the parameters from the profile to the declared command line",
        sources=(source("TUNED", "[bootloader] sections"), source("NTO-A", "Red Hat bug 2078969")),
        bad=Example(
            text='TunedProfile("plc-guest", role="guest", cmdline=["isolcpus=2-3"])\n# declared: isolcpus=1-3',
            subject=lambda: boot(tuned=profile(cmdline=("isolcpus=2-3",))),
        ),
        good=Example(
            text='TunedProfile("plc-guest", role="guest")\n# declared: isolcpus=1-3',
            subject=lambda: boot(tuned=profile()),
        ),
    ),
)


def _throttled(profile: TunedProfileSpec) -> Iterator[Hit]:
    parents = set(filter(None, re.split(r"[,;\s]+", profile.parent)))
    value = profile.sysctl.get(RUNTIME)
    if value is not None and value.strip() != "-1":
        yield Hit(
            where=f"sysctl.{RUNTIME}", given=f'"{value}"', allowed='"-1"', hint=f'remove {RUNTIME}, or set it to "-1"'
        )
    elif value is None and not parents & UNTHROTTLED:
        yield Hit(
            where="include",
            given=f'parent profile "{profile.parent}", which leaves throttling on',
            allowed=", ".join(sorted(UNTHROTTLED)),
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
