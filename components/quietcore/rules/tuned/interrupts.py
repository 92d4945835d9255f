"""Rules on what a profile lets onto isolated CPUs: interrupts of network queues, unbound work, irqbalance."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.rules.tuned.claims import cpu_list, expanded, on_machine
from quietcore.rules.tuned.examples import theirs, tuned_machine
from quietcore.rules.tuned.isolation import isolated_end
from quietcore.spec import MachineSpec, Severity, TunedProfileSpec


def _queues(machine: MachineSpec, profile: TunedProfileSpec) -> Iterator[Hit]:
    channels = profile.sections.get("net", {}).get("channels", "")
    combined = channels.removeprefix("combined").strip() if channels.startswith("combined") else ""
    count = profile.variables.get("netdev_queue_count") or combined
    room = len(machine.housekeeping)
    if machine.online and machine.isolated and count.strip().isdigit() and int(count) > room:
        name = "netdev_queue_count" if "netdev_queue_count" in profile.variables else "channels"
        yield Hit(
            where=f"tuned.{name}",
            given=f"{machine.end('tuned')} asks for {count.strip()} queues; "
            f"{isolated_end(machine)} leaves {machine.housekeeping.counted('CPU')} for them",
            allowed=f"at most {room}",
            hint=f"write {name}={'' if name != 'channels' else 'combined '}{room}",
        )


T13: Rule[MachineSpec] = Rule(
    code="T13",
    title="more network queues than housekeeping CPUs",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=on_machine(_queues),
    doc=Doc(
        what="netdev_queue_count, or the combined channels of [net], is not above the count of housekeeping CPUs.",
        why="Each queue has an interrupt, and the kernel spreads them over CPUs. Queues that find no housekeeping CPU "
        "of their own interrupt isolated ones.",
        fix="set the queue count to that of the housekeeping CPUs",
        sources=(source("TUNED", "netdev_queue_count"), source("NTO-A", "userLevelNetworking")),
        bad=Example(
            text="# housekeeping CPU: 0\nnetdev_queue_count=4",
            subject=lambda: tuned_machine(theirs(variables={"netdev_queue_count": "4"})),
        ),
        good=Example(
            text="# housekeeping CPU: 0\nnetdev_queue_count=1",
            subject=lambda: tuned_machine(theirs(variables={"netdev_queue_count": "1"})),
        ),
    ),
)


def _workqueues(machine: MachineSpec, profile: TunedProfileSpec) -> Iterator[Hit]:
    for path, text in profile.sections.get("sysfs", {}).items():
        if "workqueue" not in path or not path.endswith("cpumask"):
            continue
        value = expanded(text, machine, profile)
        named = cpu_list(f"0x{value.removeprefix('0x')}") if value else None
        if named is None or named.isdisjoint(machine.isolated):
            continue
        yield Hit(
            where=f"tuned.sysfs.{path}",
            given=f"{machine.end('tuned')} lets unbound work run on {named}; "
            f"{isolated_end(machine)} isolates {machine.isolated}",
            allowed=f"no more than {machine.housekeeping}, as a mask {machine.housekeeping.mask()}",
            hint="write ${not_isolated_cpumask}",
        )


T14: Rule[MachineSpec] = Rule(
    code="T14",
    title="workqueues may run on isolated CPUs",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=on_machine(_workqueues),
    doc=Doc(
        what="Where a profile sets the mask of unbound workqueues, it names no isolated CPU.",
        why="Kernel work that is bound to no CPU, such as writing back dirty pages, runs where the mask lets it. "
        "tuned's profiles set it to the CPUs that are not isolated; an own line replaces theirs.",
        fix="remove the line, or write ${not_isolated_cpumask}",
        sources=(source("TUNED", "[sysfs] of realtime"), source("NTO-A")),
        bad=Example(
            text="# isolated CPUs: 1-3\n[sysfs]\n/sys/devices/virtual/workqueue/cpumask=f",
            subject=lambda: tuned_machine(theirs(sysfs={"/sys/devices/virtual/workqueue/cpumask": "f"})),
        ),
        good=Example(
            text="# isolated CPUs: 1-3\n[sysfs]\n/sys/devices/virtual/workqueue/cpumask=${not_isolated_cpumask}",
            subject=lambda: tuned_machine(
                theirs(sysfs={"/sys/devices/virtual/workqueue/cpumask": "${not_isolated_cpumask}"})
            ),
        ),
    ),
)


def _balanced(machine: MachineSpec, profile: TunedProfileSpec) -> Iterator[Hit]:
    section = profile.sections.get("irqbalance")
    if section is None or section.get("enabled", "true").strip() not in ("1", "true", "True"):
        return
    replaced = section.get("replace", "").strip() in ("1", "true", "True")
    if "banned_cpus" not in section and not replaced:
        return
    banned = cpu_list(expanded(section.get("banned_cpus", ""), machine, profile))
    left = machine.isolated - banned if banned is not None else machine.isolated - machine.isolated
    if left:
        yield Hit(
            where="tuned.irqbalance.banned_cpus",
            given=f"{machine.end('tuned')} bans irqbalance from {banned or 'no CPU'}; "
            f"{isolated_end(machine)} isolates {machine.isolated}: it may use {left}",
            allowed=f"banned_cpus={machine.isolated}, or enabled=false",
            hint="write banned_cpus=${isolated_cores}",
        )


T16: Rule[MachineSpec] = Rule(
    code="T16",
    title="irqbalance may move interrupts to isolated CPUs",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=on_machine(_balanced),
    doc=Doc(
        what="Where a profile sets [irqbalance] itself, it bans every isolated CPU, or leaves irqbalance alone with "
        "enabled=false, as OpenShift's does.",
        why="irqbalance spreads interrupts over all CPUs that it is not banned from, a few seconds after anything "
        "else has moved them away.",
        fix="write banned_cpus=${isolated_cores}",
        sources=(source("TUNED", "[irqbalance] of realtime"), source("RHEL-RT"), source("NTO-A")),
        bad=Example(
            text="# isolated CPUs: 1-3\n[irqbalance]\nbanned_cpus=1-2",
            subject=lambda: tuned_machine(theirs(irqbalance={"banned_cpus": "1-2"})),
        ),
        good=Example(
            text="# isolated CPUs: 1-3\n[irqbalance]\nbanned_cpus=${isolated_cores}",
            subject=lambda: tuned_machine(theirs(irqbalance={"banned_cpus": "${isolated_cores}"})),
        ),
    ),
)
