"""Rules on a pod's runtime class and its annotations for CRI-O's low-latency hooks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.rules.workload.examples import annotated, pod
from quietcore.rules.workload.realtime import of_pod
from quietcore.spec import PodSpec, Severity
from quietcore.spec.pod import CRIO, HIGH_PERFORMANCE, PERFORMANCE, SHARED_CPUS

_SWITCHES = {
    "cpu-load-balancing.crio.io": ("disable", "true", "enable"),
    "irq-load-balancing.crio.io": ("disable", "true", "housekeeping", "enable"),
    "cpu-quota.crio.io": ("disable", "true", "enable"),
}
_LOOKS = re.compile(r"(?:cpu|irq)-?[a-z-]+\.crio\.io\Z", re.ASCII)
_GOVERNORS = ("conservative", "ondemand", "performance", "powersave", "schedutil", "userspace")
_LATENCY = re.compile(r"max_latency:\+?0*[1-9][0-9]{0,17}\Z", re.ASCII)


def _wrong_class(given: PodSpec) -> Iterator[Hit]:
    wanted = bool(given.crio) or (given.runtime_class or "").startswith(PERFORMANCE)
    if wanted and given.handler is not None and given.handler != HIGH_PERFORMANCE:
        yield Hit(
            where="runtimeClassName",
            given=f'"{given.runtime_class}", whose handler is "{given.handler}"',
            allowed=f'a runtime class with the handler "{HIGH_PERFORMANCE}"',
        )


W05: Rule[PodSpec] = Rule(
    code="W05",
    title="runtime class has not the high-performance handler",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=PodSpec,
    judge=_wrong_class,
    doc=Doc(
        what="The runtime class of a pod with CRI-O's low-latency annotations, or one that is named performance-..., "
        "has the handler high-performance. (Judged where the class is declared beside the pod.)",
        why="CRI-O runs its low-latency hooks for that handler alone. Under any other the annotations stand there "
        "and nothing happens.",
        fix="use the class performance-<profile> that the node tuning operator makes",
        sources=(source("NTO-D"), source("NTO-A"), source("CRIO")),
        bad=Example(
            text="runtimeClassName: performance-plc\n---\nkind: RuntimeClass\nmetadata: {name: performance-plc}\n"
            "handler: runc",
            subject=lambda: pod(handler="runc"),
        ),
        good=Example(
            text="runtimeClassName: performance-plc\n---\nkind: RuntimeClass\nmetadata: {name: performance-plc}\n"
            "handler: high-performance",
            subject=lambda: pod(handler=HIGH_PERFORMANCE),
        ),
    ),
)


@of_pod
def _ignored(given: PodSpec) -> Iterator[Hit]:
    for key, value in sorted(given.annotations.items()):
        where, (name, _, container) = f"annotations[{key}]", key.partition("/")
        if _LOOKS.match(name) and name not in CRIO:
            near = get_close_matches(name, CRIO, n=1, cutoff=0.5)
            yield Hit(where=where, given=key, allowed=", ".join(CRIO), hint=f"write {near[0]}" if near else "")
        elif name == SHARED_CPUS:
            yield from _shared(given, where, container, value)
        elif name in CRIO and container:
            yield Hit(where=where, given=key, allowed=name, hint=f"write {name}: it is for the whole pod")
        elif value not in _SWITCHES.get(name, (value,)):
            allowed = ", ".join(f'"{word}"' for word in _SWITCHES[name] if word not in ("true", "enable"))
            yield Hit(where=where, given=f'"{value}"', allowed=allowed)


def _shared(given: PodSpec, where: str, container: str, value: str) -> Iterator[Hit]:
    if value != "enable" or not container:
        yield Hit(where=where, given=f'"{value}"', allowed=f'{SHARED_CPUS}/<container>: "enable"')
    elif not _has(given, container):
        names = ", ".join(f'"{each.name}"' for each in given.containers)
        yield Hit(where=where, given=f'container "{container}"', allowed=names)


def _has(given: PodSpec, container: str) -> bool:
    return "containers" in given.undecided or any(each.name == container for each in given.containers)


W06: Rule[PodSpec] = Rule(
    code="W06",
    title="CRI-O ignores the annotation",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=PodSpec,
    judge=_ignored,
    doc=Doc(
        what='cpu-load-balancing, irq-load-balancing and cpu-quota.crio.io have the value "disable" (irq also '
        '"housekeeping"); "true" is the old form of it, and "enable" asks for nothing. cpu-shared.crio.io/<container> '
        'has the value "enable" and names a container of the pod; the others name none. Each is spelled as CRI-O '
        "spells it.",
        why="CRI-O ignores every other name and value without a word. The pod runs, and its CPUs keep load balancing, "
        "interrupts and quota.",
        fix='write "disable"',
        sources=(source("CRIO"), source("NTO-D")),
        bad=Example(text='cpu-load-balancing.crio.io: "false"', subject=lambda: annotated(cpu_load_balancing="false")),
        good=Example(text='cpu-load-balancing.crio.io: "disable"', subject=pod),
    ),
)


@of_pod
def _without_class(given: PodSpec) -> Iterator[Hit]:
    if given.crio and given.runtime_class is None and "runtimeClassName" not in given.undecided:
        yield Hit(
            where="runtimeClassName",
            given=f"none, with {', '.join(sorted(given.crio))}",
            allowed="a runtime class with the handler high-performance",
        )


W07: Rule[PodSpec] = Rule(
    code="W07",
    title="CRI-O annotations without a runtime class",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=PodSpec,
    judge=_without_class,
    doc=Doc(
        what="A pod with CRI-O's low-latency annotations names a runtime class. (That it is Guaranteed and asks for "
        "whole CPUs, W01 and W02 say.)",
        why="The hooks that read these annotations run for one handler only, and a pod gets to that handler by its "
        "runtime class.",
        fix="write runtimeClassName: performance-<profile>",
        sources=(source("CRIO"), source("NTO-D")),
        bad=Example(
            text='annotations: {cpu-quota.crio.io: "disable"}\n# no runtimeClassName',
            subject=lambda: pod(runtime_class=None),
        ),
        good=Example(
            text='annotations: {cpu-quota.crio.io: "disable"}\nruntimeClassName: performance-plc', subject=pod
        ),
    ),
)


@of_pod
def _power(given: PodSpec) -> Iterator[Hit]:
    for key, value in sorted(given.crio.items()):
        where = f"annotations[{key}]"
        if key == "cpu-c-states.crio.io" and value not in ("enable", "disable") and not _LATENCY.match(value):
            allowed = '"enable", "disable", or "max_latency:<microseconds>" from 1'
            yield Hit(where=where, given=f'"{value}"', allowed=allowed)
        elif key == "cpu-freq-governor.crio.io" and value not in _GOVERNORS:
            yield Hit(where=where, given=f'"{value}"', allowed=", ".join(_GOVERNORS), hint="name a cpufreq governor")


W08: Rule[PodSpec] = Rule(
    code="W08",
    title="CRI-O annotation asks for a power state that is none",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=PodSpec,
    judge=_power,
    doc=Doc(
        what='cpu-c-states.crio.io is "enable", "disable" or "max_latency:N" with N microseconds from 1; '
        "cpu-freq-governor.crio.io names a governor of cpufreq.",
        why="CRI-O cannot make anything of another value, and the container does not start. Both annotations need "
        "perPodPowerManagement in the performance profile.",
        fix='write "disable", or "max_latency:<microseconds>"',
        sources=(source("CRIO"), source("NTO-V")),
        bad=Example(
            text='cpu-c-states.crio.io: "max_latency:0"', subject=lambda: annotated(cpu_c_states="max_latency:0")
        ),
        good=Example(
            text='cpu-c-states.crio.io: "max_latency:10"', subject=lambda: annotated(cpu_c_states="max_latency:10")
        ),
    ),
)
