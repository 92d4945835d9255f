"""Rules on OpenShift's Tuned objects: a patch that is to change a performance profile has to reach it."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.rules.tuned.claims import OPENSHIFT
from quietcore.rules.tuned.examples import patch
from quietcore.spec import Severity, TunedProfileSpec
from quietcore.spec.tuned import TunedResourceSpec

GENERATED = 20
"""The priority of the profile that the operator makes of a PerformanceProfile."""

SHIPPED = frozenset(
    (
        "balanced",
        "cpu-partitioning",
        "latency-performance",
        "network-latency",
        "network-throughput",
        "openshift",
        "openshift-control-plane",
        "openshift-node",
        "realtime",
        "realtime-virtual-host",
        "throughput-performance",
        "virtual-guest",
        "virtual-host",
    )
)
"""tuned's and the operator's own profiles; any other parent may be a patch that stands in another object."""


def _out_of_reach(resource: TunedResourceSpec) -> Iterator[Hit]:
    included = {*resource.included_elsewhere, *(name for profile in resource.profiles for name in profile.parents)}
    for index, profile in enumerate(resource.profiles):
        if profile.name.startswith(OPENSHIFT):
            continue
        where = f"spec.profile[{index}]"
        targets = [name for name in profile.parents if name.startswith(f"{OPENSHIFT}-")]
        if targets:
            yield from _wrong_name(resource, where, targets)
            if profile.name not in included:
                yield from _too_late(resource, profile, where)
        elif (
            "patch" in f"{resource.name} {profile.name}"
            and "${" not in profile.parent
            and SHIPPED.issuperset(profile.parents)
            and _recommended(resource, profile)
        ):
            yield Hit(
                where=f"{where}.include",
                given=f'"{profile.name}" includes {profile.parent or "no profile"}',
                allowed=f"{OPENSHIFT}-<name of the PerformanceProfile>",
                hint=f"write include={_names(resource)[0]}",
            )


def _recommended(resource: TunedResourceSpec, profile: TunedProfileSpec) -> bool:
    return any(advice.profile == profile.name or advice.profile.startswith("$") for advice in resource.recommend)


def _names(resource: TunedResourceSpec) -> list[str]:
    names = resource.performance_profiles or ("<name>",)
    return [f"{OPENSHIFT}-{name}" for name in names]


def _wrong_name(resource: TunedResourceSpec, where: str, targets: list[str]) -> Iterator[Hit]:
    if not resource.performance_profiles:
        return
    known = _names(resource)
    for target in (target for target in targets if target not in known):
        yield Hit(
            where=f"{where}.include",
            given=f"{target}, which no PerformanceProfile here makes",
            allowed=", ".join(known),
            hint=f"write include={known[0]}",
        )


def _too_late(resource: TunedResourceSpec, profile: TunedProfileSpec, where: str) -> Iterator[Hit]:
    if not _recommended(resource, profile):
        yield Hit(
            where=where,
            given=f'"{profile.name}" is recommended to no node',
            allowed=f"an entry of spec.recommend with a priority below {GENERATED}",
            hint=f"add {profile.name} to spec.recommend with priority {GENERATED - 1}",
        )
    for index, advice in enumerate(resource.recommend):
        if advice.profile == profile.name and advice.priority >= GENERATED:
            yield Hit(
                where=f"spec.recommend[{index}].priority",
                given=f"{advice.priority}; the profile that it patches has {GENERATED}, and the lowest number wins",
                allowed=f"less than {GENERATED}",
                hint=f"write priority: {GENERATED - 1}",
            )


T20: Rule[TunedResourceSpec] = Rule(
    code="T20",
    title="patch of a performance profile does not take effect",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=TunedResourceSpec,
    judge=_out_of_reach,
    doc=Doc(
        what="A Tuned object that patches a performance profile includes openshift-node-performance-<name> with the "
        "name of a PerformanceProfile that is there, and is recommended with a lower number than that profile's 20. It "
        "may also include such a patch, or be included by one that is recommended.",
        why="A node gets one profile: the one with the lowest number. A patch with a higher one is never used; one "
        "that does not include the real profile takes its place, and all isolation with it.",
        fix="include the real profile, and give the patch a priority below 20",
        sources=(source("TELCO", "TunedPerformancePatch"), source("NTO-D")),
        bad=Example(
            text="# PerformanceProfile: plant\ninclude=openshift-node-performance-plant\n...\nrecommend:\n"
            "  - profile: performance-patch\n    priority: 21",
            subject=lambda: patch(priority=21),
        ),
        good=Example(
            text="# PerformanceProfile: plant\ninclude=openshift-node-performance-plant\n...\nrecommend:\n"
            "  - profile: performance-patch\n    priority: 19",
            subject=patch,
        ),
    ),
)
