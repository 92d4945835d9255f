"""The T rules on their edges: profiles alone."""

import pytest

from quietcore.render.tuned_conf import lift
from quietcore.rules.judge import findings
from quietcore.rules.tuned.examples import patch, theirs
from quietcore.spec import TunedProfileSpec
from quietcore.spec.tuned import TunedAdvice, TunedResourceSpec

BALANCED = "balanced"


def codes(subject: object) -> list[str]:
    return [finding.code for finding in findings(subject)]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("kernel.sched_rt_runtime_us", "-1", []),
        ("kernel.sched_rt_runtime_us", "950000", ["T06"]),
        ("kernel.nmi_watchdog", "1", ["T08"]),
        ("kernel.nmi_watchdog", "0", []),
        ("kernel.hung_task_timeout_secs", "599", ["T08"]),
        ("kernel.hung_task_timeout_secs", "600", []),
        ("kernel.hung_task_timeout_secs", "0", []),
        ("vm.stat_interval", "9", ["T08"]),
        ("vm.stat_interval", "10", []),
        ("vm.stat_interval", "${theirs}", []),
        ("kernel.timer_migration", "1", ["T09"]),
        ("kernel.timer_migration", "0", []),
        ("vm.swappiness", "11", ["T11"]),
        ("vm.swappiness", "10", []),
    ],
)
def test_a_setting_is_judged_on_a_real_time_profile_only(name: str, value: str, expected: list[str]) -> None:
    assert codes(theirs(sysctl={name: value})) == expected
    assert codes(theirs(include=BALANCED, sysctl={name: value})) == []


@pytest.mark.parametrize("name", ["kernel.nmi_watchdog", "kernel.timer_migration"])
def test_a_profile_of_ours_is_judged_as_well(name: str) -> None:
    assert codes(TunedProfileSpec(name="plc", role="guest", sysctl={name: "1"})) != []


def test_throttling_that_others_leave_on_without_a_real_time_claim_is_their_affair() -> None:
    assert codes(theirs(include="cpu-partitioning")) == []
    assert codes(theirs(include=BALANCED, sysctl={"kernel.sched_rt_runtime_us": "-1"})) == []
    assert codes(TunedProfileSpec(name="plc", role="guest", include="cpu-partitioning")) == ["T06"]


@pytest.mark.parametrize(
    ("section", "option", "value", "expected"),
    [
        ("service", "service.stalld", "stop,disable", ["T07"]),
        ("service", "service.stalld", "disable", ["T07"]),
        ("service", "service.stalld", "start,enable", []),
        ("service", "service.fwupd-refresh.timer", "enable", ["T17"]),
        ("service", "fwupd", "start", ["T17"]),
        ("service", "service.fwupd-refresh.timer", "stop,disable", []),
        ("vm", "transparent_hugepage", "madvise", ["T11"]),
        ("vm", "transparent_hugepages", "never", []),
        ("sysfs", "/sys/kernel/mm/ksm/run", "1", ["T11"]),
        ("sysfs", "/sys/kernel/mm/ksm/run", "0", []),
        ("cpu", "force_latency", "cstate.id:1|3", []),
        ("cpu", "force_latency", "cstate.id_no_zero:2|3", ["T12"]),
        ("cpu", "force_latency", "cstate.name:C1E", []),
        ("cpu", "force_latency", "cstate.name:C6|170", ["T12"]),
        ("cpu", "force_latency", "10", []),
        ("cpu", "force_latency", "other:3", []),
        ("cpu", "force_latency", "${theirs}", []),
        ("cpu", "force_latency", "11", ["T12"]),
        ("cpu", "governor", "performance|schedutil", []),
        ("cpu", "governor", "schedutil|performance", ["T12"]),
        ("cpu", "energy_perf_bias", "0", []),
        ("cpu", "energy_perf_bias", "powersave|power", ["T12"]),
        ("cpu", "min_perf_pct", "99", ["T12"]),
        ("cpu", "min_perf_pct", "100", []),
        ("script", "replace", "1", ["T18"]),
        ("script", "replace", "0", []),
        ("script", "enabled", "false", ["T18"]),
    ],
)
def test_an_option_is_judged_on_a_real_time_profile_only(
    section: str, option: str, value: str, expected: list[str]
) -> None:
    options = {section: {option: value}}
    assert codes(theirs(**options)) == expected
    assert codes(theirs(include=BALANCED, **options)) == []


def test_where_pods_manage_their_cpus_nothing_is_asked_of_cpu() -> None:
    assert codes(theirs(cpu={"enabled": "false", "governor": "powersave"})) == []


def test_without_unthrottled_threads_stalld_may_rest() -> None:
    assert codes(theirs("openshift-node-performance-plant", service={"service.stalld": "stop,disable"})) == []


@pytest.mark.parametrize(("value", "expected"), [("-1", ["T07"]), ("950000", ["T06"])])
def test_the_guard_may_rest_where_the_profile_itself_leaves_throttling_on(value: str, expected: list[str]) -> None:
    runtime, guard = {"kernel.sched_rt_runtime_us": value}, {"service.stalld": "stop"}
    assert codes(theirs("openshift-node-performance-plant", sysctl=runtime, service=guard)) == expected
    assert codes(theirs(sysctl=runtime, service=guard)) == expected


def test_a_parent_without_a_script_has_none_to_lose() -> None:
    assert codes(theirs("network-latency,openshift-node-performance-x", script={"replace": "1"})) == []


@pytest.mark.parametrize(
    ("variables", "text", "expected"),
    [
        ({"isolated_cores": "1"}, "${isolated_cores}", []),
        ({"isolated_cores": "1"}, "${isolated_core}", ["T21"]),
        ({"isolated_cores": "1"}, "${something}", ["T21"]),
        ({"isolated_cores": "1"}, r"\${something}", []),
        ({"isolated_cores": "1"}, "${non_isolated_cores} ${not_isolated_cpumask} ${i:PROFILE_DIR}", []),
        # Its file of variables is not in view: only what is nearly a known name is told.
        ({}, "${something}", []),
        ({}, "${isolated_core}", ["T21"]),
        ({}, "${isolate_core}", []),
        ({"include": "/etc/tuned/ours.conf", "isolated_cores": "1"}, "${something}", []),
        # Defined, and used by nobody, under nearly the name of what the parents use.
        ({"isolate_core": "1"}, "a", []),
        ({"isolated_core": "1"}, "a", ["T21"]),
        ({"isolate_managed_irqs": "Y"}, "a", ["T21"]),
        ({"not_isolated_cpumasks": "1"}, "a", ["T21"]),
        ({"includes": "/etc/tuned/ours.conf"}, "a", ["T21"]),
        ({"include": "/etc/tuned/ours.conf"}, "a", []),
        ({"spare": "Y"}, "a", []),
    ],
)
def test_a_misspelt_variable_is_told(variables: dict[str, str], text: str, expected: list[str]) -> None:
    assert codes(theirs(variables=variables, plant={"option": text})) == expected


def test_under_parents_that_nobody_knows_a_variable_may_be_theirs() -> None:
    own = theirs("our-base", variables={"a": "${something}"})
    assert codes(own) == []


@pytest.mark.parametrize(
    ("resource", "where"),
    [
        (patch(priority=19), None),
        (patch(priority=20), "spec.recommend[0].priority"),
        (patch("openshift-node-performance-other"), "spec.profile[0].include"),
        (patch("openshift-node"), "spec.profile[0].include"),
        (patch(recommend=False), "spec.profile[0]"),
        (patch("openshift-node", recommend=False), None),
        (patch("openshift-node,${f:exec:x}"), None),
        (patch("du-performance"), None),
        (patch("openshift-node,du-performance"), None),
        (patch("openshift-node,network-latency"), "spec.profile[0].include"),
    ],
)
def test_a_patch_reaches_its_profile_or_is_told(resource: TunedResourceSpec, where: str | None) -> None:
    assert [finding.where for finding in findings(resource)] == ([where] if where else [])


def test_without_performance_profiles_in_view_the_name_is_not_judged() -> None:
    assert codes(patch("openshift-node-performance-other").model_copy(update={"performance_profiles": ()})) == []


def test_ordinary_tuned_objects_of_a_cluster_are_no_patches() -> None:
    ingress = theirs("openshift-node", sysctl={"net.ipv4.tcp_tw_reuse": "1"})
    advice = TunedAdvice(profile="plant", priority=25)
    assert codes(TunedResourceSpec(name="ingress", profiles=(ingress,), recommend=(advice,))) == []


def test_a_profile_that_a_patch_includes_needs_no_advice_of_its_own() -> None:
    base = theirs("openshift-node-performance-plant").model_copy(update={"name": "base"})
    top = theirs("openshift-node-performance-plant,base").model_copy(update={"name": "top"})
    advice = TunedAdvice(profile="top", priority=19)
    assert codes(TunedResourceSpec(name="patch", profiles=(base, top), recommend=(advice,))) == []


def test_a_profile_that_another_object_includes_needs_no_advice_of_its_own() -> None:
    alone = patch(recommend=False)
    assert codes(alone.model_copy(update={"included_elsewhere": ("performance-patch",)})) == []
    assert codes(alone.model_copy(update={"included_elsewhere": ("something-else",)})) == ["T20"]


def test_advice_for_a_profile_whose_name_is_filled_in_later_may_be_for_any() -> None:
    advice = TunedAdvice(profile="$name", priority=18)
    assert codes(patch().model_copy(update={"recommend": (advice,)})) == []


def test_layout_of_the_text_changes_no_finding() -> None:
    one = "[main]\ninclude=realtime\n[vm]\ntransparent_hugepages=always\n[sysctl]\nvm.swappiness=60\n"
    two = (
        "# ours\n[sysctl]\n  vm.swappiness = 60 # much\n[vm]\n\ntransparent_hugepages =always\n"
        "[main]\ninclude=realtime\n"
    )
    assert codes(lift(one, "a/tuned.conf")) == codes(lift(two, "a/tuned.conf")) == ["T11", "T11"]


def test_unthrottled_threads_are_a_real_time_claim_whatever_the_parents() -> None:
    runtime, watchdog = {"kernel.sched_rt_runtime_us": "-1"}, {"kernel.nmi_watchdog": "1"}
    assert codes(theirs(BALANCED, sysctl={**runtime, **watchdog})) == ["T08"]
    ours = TunedProfileSpec(name="plc", role="guest", include="our-base", sysctl=watchdog)
    assert sorted(codes(ours)) == ["T06", "T08"]


def test_what_a_patch_includes_instead_is_told() -> None:
    told = [finding.given for include in ("openshift-node", "") for finding in findings(patch(include))]
    assert told == [
        '"performance-patch" includes openshift-node',
        '"performance-patch" includes no profile',
    ]


def test_a_misspelt_variable_is_told_with_those_that_there_are() -> None:
    (own,) = findings(theirs(variables={"isolated_cores": "1", "spare": "2"}, plant={"x": "${something} ${something}"}))
    assert (own.allowed, own.hint) == ("isolated_cores, spare", "define something in [variables]")
    (closed,) = findings(theirs(variables={"isolated_cores": "1"}, plant={"x": "${isolate_core}"}))
    assert closed.hint == "did you mean ${isolated_cores}?"
    (bare,) = findings(theirs(plant={"x": "${isolated_core}"}))
    assert bare.allowed == "isolate_managed_irq, isolated_cores, netdev_queue_count, no_balance_cores"
    assert bare.hint == "did you mean ${isolated_cores}?"
