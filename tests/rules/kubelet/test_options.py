"""Which options a kubelet takes, by its release and its gates."""

from __future__ import annotations

from typing import Any

import pytest

from quietcore.rules.judge import findings
from quietcore.rules.kubelet.examples import kubelet, options, worker
from quietcore.rules.kubelet.options import CPU_OPTIONS, NEWEST, TOPOLOGY_OPTIONS
from quietcore.spec import KubeletSpec, MachineFacts
from quietcore.units import Duration

FULL, STRICT, UNCORE = "full-pcpus-only", "strict-cpu-reservation", "prefer-align-cpus-by-uncorecache"
CORES, NUMA, SOCKET = "distribute-cpus-across-cores", "distribute-cpus-across-numa", "align-by-socket"
ALPHA = {"CPUManagerPolicyAlphaOptions": True}


def codes(subject: Any) -> list[str]:
    return sorted({finding.code for finding in findings(subject) if finding.code.startswith("K")})


def refused(version: str | None, *chosen: str, gates: dict[str, bool] | None = None, **written: str) -> bool:
    of = kubelet(cpu_manager_options=options(*chosen, **written), feature_gates=gates or {})
    return "K11" in codes(worker(of, version=version))


@pytest.mark.parametrize(
    ("version", "option", "gates", "expected"),
    [
        ("1.22", FULL, {}, True),
        ("1.22", FULL, ALPHA, False),
        ("1.23", FULL, {}, False),
        ("1.23", FULL, {"CPUManagerPolicyBetaOptions": False}, True),
        ("1.33", FULL, {"CPUManagerPolicyBetaOptions": False}, False),
        ("1.33", FULL, {"CPUManagerPolicyOptions": False}, True),
        ("1.31", STRICT, ALPHA, True),
        ("1.32", STRICT, {}, True),
        ("1.32", STRICT, ALPHA, False),
        ("1.33", STRICT, {}, False),
        ("1.34", STRICT, {"AllBeta": False}, True),
        ("1.35", STRICT, {"AllBeta": False}, False),
        ("1.33", UNCORE, {}, True),
        ("1.34", UNCORE, {}, False),
        ("1.35", UNCORE, {"CPUManagerPolicyBetaOptions": False}, True),
        ("1.36", UNCORE, {"CPUManagerPolicyBetaOptions": False}, False),
        ("1.32", NUMA, {}, True),
        ("1.33", NUMA, {}, False),
        ("1.30", CORES, ALPHA, True),
        ("1.31", CORES, ALPHA, False),
        ("1.36", CORES, {}, True),
        ("1.24", SOCKET, ALPHA, True),
        ("1.31", CORES, {"AllAlpha": True}, False),
        (None, UNCORE, {}, False),
        (None, CORES, {}, True),
        ("2.0", CORES, ALPHA, False),
        ("nonsense", UNCORE, {}, False),
    ],
)
def test_an_option_is_taken_as_far_as_its_release_goes(
    version: str | None, option: str, gates: dict[str, bool], expected: bool
) -> None:
    assert refused(version, option, gates=gates) is expected


def test_an_unknown_option_is_refused_with_the_nearest_name() -> None:
    [finding] = findings(worker(kubelet(cpu_manager_options=options("full-cpus-only"))))
    assert (finding.code, finding.hint) == ("K11", "did you mean full-pcpus-only?")


def test_a_release_that_the_tables_do_not_know_may_have_new_options() -> None:
    assert refused(f"1.{NEWEST}", "new-thing")
    assert not refused(f"1.{NEWEST + 1}", "new-thing")


@pytest.mark.parametrize(("value", "expected"), [("yes", True), ("True", False), ("f", False), ("", True)])
def test_an_option_is_true_or_false(value: str, expected: bool) -> None:
    assert refused(None, full_pcpus_only=value) is expected


def test_options_go_with_the_static_policy() -> None:
    chosen = options(FULL)
    assert codes(worker(KubeletSpec(cpu_manager_options=chosen), plan=None, isolated=kubelet().reserved_cpus)) == [
        "K01",
        "K11",
    ]
    assert codes(worker(KubeletSpec(cpu_manager_options=chosen, fragment=True))) == []
    for written, said in ((None, "none"), ("None", "None")):
        of = KubeletSpec(cpu_manager_options=chosen, cpu_manager_policy=written)
        [hit] = [found for found in findings(worker(of)) if found.code == "K11"]
        assert hit.given == f"{FULL}; the policy is {said}"


@pytest.mark.parametrize(
    ("period", "gates", "expected"),
    [
        ("100ms", {}, []),
        ("50ms", {}, ["K11"]),
        ("50ms", {"CustomCPUCFSQuotaPeriod": True}, []),
        ("50ms", {"AllAlpha": True}, []),
        ("1ms", {"CustomCPUCFSQuotaPeriod": True}, []),
        ("999us", {"CustomCPUCFSQuotaPeriod": True}, ["K20"]),
        ("1s", {"CustomCPUCFSQuotaPeriod": True}, []),
        ("1s1us", {"CustomCPUCFSQuotaPeriod": True}, ["K20"]),
        ("2s", {}, ["K20"]),
        ("999us", {}, ["K20"]),
        ("1s", {}, ["K11"]),
        ("1ms", {}, ["K11"]),
    ],
)
def test_the_quota_period_has_a_gate_and_bounds(period: str, gates: dict[str, bool], expected: list[str]) -> None:
    machine = worker(kubelet(cpu_cfs_quota_period=Duration.parse(period), feature_gates=gates))
    assert codes(machine) == expected


@pytest.mark.parametrize(
    ("version", "option", "gates", "expected"),
    [
        ("1.25", "prefer-closest-numa-nodes", {}, ["K11"]),
        ("1.26", "prefer-closest-numa-nodes", {}, ["K11"]),
        ("1.26", "prefer-closest-numa-nodes", {"TopologyManagerPolicyAlphaOptions": True}, []),
        ("1.28", "prefer-closest-numa-nodes", {}, []),
        ("1.31", "max-allowable-numa-nodes", {"TopologyManagerPolicyBetaOptions": False}, ["K11"]),
        ("1.30", "max-allowable-numa-nodes", {}, ["K11"]),
        (None, "max-allowable", {}, ["K11"]),
    ],
)
def test_topology_options_are_judged_alike(
    version: str | None, option: str, gates: dict[str, bool], expected: list[str]
) -> None:
    of = kubelet(topology_manager_options={option: "12"}, cpu_manager_options={}, feature_gates=gates)
    assert codes(worker(of, version=version)) == expected


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ((FULL, CORES), True),
        ((NUMA, CORES), True),
        ((UNCORE, CORES), True),
        ((UNCORE, NUMA), True),
        ((FULL, NUMA), False),
        ((FULL, UNCORE), False),
    ],
)
def test_options_that_exclude_each_other(chosen: tuple[str, str], expected: bool) -> None:
    assert ("K10" in codes(kubelet(cpu_manager_options=options(*chosen)))) is expected
    assert "K10" not in codes(kubelet(cpu_manager_options={chosen[0]: "true", chosen[1]: "false"}))


@pytest.mark.parametrize(
    ("policy", "value", "expected"),
    [("single-numa-node", "true", ["K09"]), ("restricted", "true", []), ("single-numa-node", "false", [])],
)
def test_alignment_by_socket_and_by_node(policy: str, value: str, expected: list[str]) -> None:
    assert codes(kubelet(cpu_manager_options={SOCKET: value}, topology_manager_policy=policy)) == expected


def test_every_option_has_a_first_release_and_a_source() -> None:
    for option in (*CPU_OPTIONS.values(), *TOPOLOGY_OPTIONS.values()):
        assert option.stage(option.since - 1) == "absent"
        assert option.stage(option.since) != "absent"
        assert option.source.startswith("KEP-")


def test_a_kubelet_without_options_is_of_any_release() -> None:
    assert codes(worker(kubelet(cpu_manager_options={}), facts=MachineFacts(kubelet_version="1.20"))) == []
