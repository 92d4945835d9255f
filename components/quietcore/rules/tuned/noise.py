"""Rules on kernel settings and services that make noise on real-time CPUs where a profile sets them otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator

from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.rules.tuned.claims import of_openshift, of_profile, real_time
from quietcore.rules.tuned.examples import theirs, tuned_machine
from quietcore.spec import MachineSpec, Severity, TunedProfileSpec
from quietcore.spec.tuned import NOT_IN_RT

WATCHDOG, HUNG, STAT = "kernel.nmi_watchdog", "kernel.hung_task_timeout_secs", "vm.stat_interval"
MIGRATION = "kernel.timer_migration"
BALANCING = "kernel.numa_balancing"

_NUMBER = re.compile(r"\s*-?[0-9]{1,18}\s*\Z")


def number(text: str) -> int | None:
    """A whole number, or None for anything else."""
    return int(text) if _NUMBER.match(text) else None


def _setting(profile: TunedProfileSpec, name: str, wanted: str) -> Hit:
    value = profile.sysctl[name]
    return Hit(where=f"sysctl.{name}", given=value, allowed=wanted, hint=f"remove {name}, which the parents set")


def _noisy(profile: TunedProfileSpec) -> Iterator[Hit]:
    watchdog = number(profile.sysctl.get(WATCHDOG, "0"))
    if watchdog:
        yield _setting(profile, WATCHDOG, "0")
    hung = number(profile.sysctl.get(HUNG, "600"))
    if hung is not None and 0 < hung < 600:
        yield _setting(profile, HUNG, "600 or more, or 0 for never")
    stat = number(profile.sysctl.get(STAT, "10"))
    if stat is not None and stat < 10:
        yield _setting(profile, STAT, "10 or more")


T08: Rule[TunedProfileSpec] = Rule(
    code="T08",
    title="profile brings watchdog and statistics noise back",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=TunedProfileSpec,
    judge=of_profile(_noisy),
    doc=Doc(
        what="A real-time profile leaves kernel.nmi_watchdog at 0, kernel.hung_task_timeout_secs at 600 or more and "
        "vm.stat_interval at 10 s or more, as its parents have them.",
        why="The watchdog interrupts every CPU by a performance counter, the hung-task check walks all tasks, and the "
        "memory statistics of each CPU are folded in by work that runs on that very CPU.",
        fix="remove the settings from the profile",
        sources=(source("TUNED", "[sysctl]"), source("NTO-A")),
        bad=Example(
            text="[main]\ninclude=realtime-virtual-host\n[sysctl]\nkernel.nmi_watchdog=1",
            subject=lambda: theirs(sysctl={WATCHDOG: "1"}),
        ),
        good=Example(
            text="[main]\ninclude=realtime-virtual-host\n[sysctl]\nkernel.nmi_watchdog=0",
            subject=lambda: theirs(sysctl={WATCHDOG: "0"}),
        ),
    ),
)


def _migrating(profile: TunedProfileSpec) -> Iterator[Hit]:
    if number(profile.sysctl.get(MIGRATION, "0")) != 0 and not of_openshift(profile):
        yield _setting(profile, MIGRATION, "0")


T09: Rule[TunedProfileSpec] = Rule(
    code="T09",
    title="timers migrate between CPUs",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=TunedProfileSpec,
    judge=of_profile(_migrating),
    doc=Doc(
        what="A real-time profile leaves kernel.timer_migration at 0. OpenShift's profiles are not judged: they set 1 "
        "on purpose, to get timers off a CPU when a pod gets it for itself, and say that latency tests suffer.",
        why="With migration on, the timers of idle CPUs are moved to busy ones, so that a real-time CPU serves the "
        "timers of others.",
        fix="remove kernel.timer_migration from the profile",
        sources=(source("TUNED", "[sysctl]"), source("NTO-A")),
        bad=Example(
            text="[main]\ninclude=realtime-virtual-host\n[sysctl]\nkernel.timer_migration=1",
            subject=lambda: theirs(sysctl={MIGRATION: "1"}),
        ),
        good=Example(
            text="[main]\ninclude=realtime-virtual-host\n[sysctl]\nkernel.timer_migration=0",
            subject=lambda: theirs(sysctl={MIGRATION: "0"}),
        ),
    ),
)


def _missing(machine: MachineSpec) -> Iterator[Hit]:
    profile = machine.tuned
    if profile is None or not real_time(profile):
        return
    set_itself = [name for name in NOT_IN_RT if name in profile.sysctl and not _merged_in(profile)]
    for name in set_itself:
        if machine.facts.kernel == "rt":
            yield Hit(
                where=f"tuned.sysctl.{name}",
                given=f"{machine.end('tuned')} sets {name}={profile.sysctl[name]}; the kernel is a real-time one",
                allowed=f"no {name}",
                hint=f"remove {name}, and write drop={','.join(NOT_IN_RT)} in [sysctl]",
            )
        elif name == BALANCING and number(profile.sysctl[name]) != 0:
            yield Hit(
                where=f"tuned.sysctl.{name}",
                given=f"{machine.end('tuned')} sets {name}={profile.sysctl[name]}",
                allowed="0",
                hint=f"remove {name}, which the parents set to 0",
            )


def _merged_in(profile: TunedProfileSpec) -> bool:
    """Whether tuned's own network-latency is merged in, which sets all three for every kernel."""
    return "network-latency" in profile.merged


T10: Rule[MachineSpec] = Rule(
    code="T10",
    title="profile sets what the kernel does not have, or NUMA balancing on",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_missing,
    doc=Doc(
        what="On a real-time kernel a profile does not itself set kernel.numa_balancing, net.core.busy_read or "
        "net.core.busy_poll; on another kernel numa_balancing is 0. What tuned's own parents set is not judged.",
        why="A real-time kernel has none of the three: tuned cannot apply them, and reports a failed profile. NUMA "
        "balancing unmaps pages to see who uses them, and each first touch is then a page fault.",
        fix="drop the three in [sysctl]",
        sources=(source("NTO-A", "openshift-node-performance-rt"), source("TUNED", "network-latency")),
        bad=Example(
            text="# real-time kernel\n[main]\ninclude=realtime-virtual-host\n[sysctl]\nkernel.numa_balancing=0",
            subject=lambda: tuned_machine(theirs(sysctl={BALANCING: "0"}), kernel="rt"),
        ),
        good=Example(
            text="# real-time kernel\n[main]\ninclude=realtime-virtual-host\n[sysctl]\n"
            "drop=kernel.numa_balancing,net.core.busy_read,net.core.busy_poll",
            subject=lambda: tuned_machine(
                theirs().model_copy(update={"sections": {"sysctl": {"drop": ",".join(NOT_IN_RT)}}}), kernel="rt"
            ),
        ),
    ),
)


def _reclaiming(profile: TunedProfileSpec) -> Iterator[Hit]:
    vm = profile.sections.get("vm", {})
    for key in ("transparent_hugepages", "transparent_hugepage"):
        if vm.get(key, "never").strip() != "never":
            yield Hit(where=f"vm.{key}", given=vm[key], allowed="never", hint=f"write {key}=never")
    swappiness = number(profile.sysctl.get("vm.swappiness", "10"))
    if swappiness is not None and swappiness > 10:
        yield _setting(profile, "vm.swappiness", "10 or less")
    merging = profile.sections.get("sysfs", {}).get("/sys/kernel/mm/ksm/run", "2").strip()
    if merging == "1":
        yield Hit(
            where="sysfs./sys/kernel/mm/ksm/run",
            given="1: pages are merged",
            allowed="2 (stop and unmerge), or 0",
            hint="write 2",
        )


T11: Rule[TunedProfileSpec] = Rule(
    code="T11",
    title="memory is merged, compacted or swapped under a real-time load",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=TunedProfileSpec,
    judge=of_profile(_reclaiming),
    doc=Doc(
        what="A real-time profile leaves transparent hugepages at never, vm.swappiness at 10 or less, and page merging "
        "(KSM) stopped.",
        why="Building a transparent hugepage, taking a page back from swap and breaking up a merged page all stall the "
        "thread that touches the page, for as long as the kernel needs.",
        fix="remove the settings from the profile",
        sources=(source("TUNED", "network-latency, latency-performance, realtime-virtual-host"), source("NTO-A")),
        bad=Example(
            text="[main]\ninclude=realtime-virtual-host\n[vm]\ntransparent_hugepages=always",
            subject=lambda: theirs(vm={"transparent_hugepages": "always"}),
        ),
        good=Example(
            text="[main]\ninclude=realtime-virtual-host\n[vm]\ntransparent_hugepages=never",
            subject=lambda: theirs(vm={"transparent_hugepages": "never"}),
        ),
    ),
)
