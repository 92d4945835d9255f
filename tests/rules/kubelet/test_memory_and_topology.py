"""Where the rules on NUMA nodes, reserved memory and the runtime begin and end to speak."""

from __future__ import annotations

from typing import Any

import pytest

from quietcore.rules.examples import cpus
from quietcore.rules.judge import findings
from quietcore.rules.kubelet.examples import (
    containerd,
    crio,
    delegating,
    golden,
    hardware,
    kubelet,
    memory,
    operated,
    options,
    pod,
    reserved,
    shares,
    worker,
)
from quietcore.rules.kubelet.upkeep import offlining
from quietcore.spec import KernelCmdline, KubeletSpec, MemoryReservation, PodSpec
from quietcore.spec.performance_profile import WorkloadHints
from quietcore.units import Duration, Quantity


def codes(subject: Any) -> list[str]:
    return sorted({finding.code for finding in findings(subject) if finding.code.startswith("K")})


def told(subject: Any, code: str) -> str:
    [finding] = [finding for finding in findings(subject) if finding.code == code]
    return finding.text()


@pytest.mark.parametrize("policy", ["none", "best-effort", "restricted", "single-numa-node", None])
def test_the_topology_managers_words(policy: str | None) -> None:
    assert codes(kubelet(topology_manager_policy=policy, topology_manager_scope="container")) == []
    assert codes(kubelet(topology_manager_policy=policy, topology_manager_scope="node")) == ["K12"]


@pytest.mark.parametrize(
    ("policy", "changes", "expected"),
    [
        ("best-effort", {}, ["K13"]),
        ("none", {}, ["K13"]),
        (None, {}, ["K13"]),
        ("restricted", {}, []),
        ("best-effort", {"topology": hardware(1)}, []),
        ("best-effort", {"topology": None}, []),
        ("best-effort", {"plan": shares(isolated="2-3", shared="4-7")}, []),
        ("best-effort", {"plan": shares(isolated="3-4", shared="2,5-7")}, ["K13"]),
        ("best-effort", {"plan": shares("nto")}, []),
    ],
)
def test_isolated_cpus_of_several_nodes_need_a_binding_policy(
    policy: str | None, changes: dict[str, Any], expected: list[str]
) -> None:
    machine = worker(kubelet(topology_manager_policy=policy), **{"topology": hardware(2), **changes})
    assert [code for code in codes(machine) if code == "K13"] == expected


def test_the_scope_matters_where_a_pod_has_several_containers_with_cpus() -> None:
    helped = (pod("web", 2000, 1000),)
    of = kubelet(cpu_manager_options=options("strict-cpu-reservation"))
    assert codes(worker(of, topology=hardware(2), pods=helped)) == ["K13"]
    assert codes(
        worker(of.model_copy(update={"topology_manager_scope": "container"}), topology=hardware(2), pods=helped)
    )
    assert (
        codes(worker(of.model_copy(update={"topology_manager_scope": "pod"}), topology=hardware(2), pods=helped)) == []
    )
    assert codes(worker(of, topology=hardware(2), pods=(pod("web", 2000, 500),))) == []
    assert codes(worker(of, topology=hardware(1), pods=helped)) == []


@pytest.mark.parametrize(
    ("nodes", "policy", "most", "expected"),
    [
        (8, "single-numa-node", None, []),
        (9, "single-numa-node", None, ["K14"]),
        (9, "none", None, []),
        (9, None, None, []),
        (9, "restricted", "8", ["K14"]),
        (9, "restricted", "9", []),
        (9, "restricted", "many", ["K14"]),
        (9, "restricted", "\u0669", ["K14"]),
        (9, "restricted", "9" * 5000, ["K14"]),
    ],
)
def test_the_topology_manager_takes_eight_nodes_or_as_many_as_it_is_told(
    nodes: int, policy: str | None, most: str | None, expected: list[str]
) -> None:
    chosen = {} if most is None else {"max-allowable-numa-nodes": most}
    of = kubelet(topology_manager_policy=policy, topology_manager_options=chosen)
    assert [code for code in codes(worker(of, topology=hardware(nodes))) if code == "K14"] == expected


@pytest.mark.parametrize(
    ("nodes", "changes", "expected"),
    [
        (("1100Mi",), {}, []),
        (("1099Mi",), {}, ["K16"]),
        (("1101Mi",), {}, ["K16"]),
        (("600Mi", "500Mi"), {}, []),
        ((), {}, ["K16"]),
        (("1000Mi",), {"eviction_hard": {}}, []),
        (("1100Mi",), {"eviction_hard": {}}, ["K16"]),
        (("1100Mi",), {"eviction_hard": {}, "merge_eviction": True}, []),
        (("1500Mi",), {"eviction_hard": {"memory.available": "500Mi"}}, []),
        (("1Ki",), {"eviction_hard": {"memory.available": "5%"}}, []),
        (("1Ki",), {"memory_manager_policy": "None"}, []),
        (("1Ki",), {"memory_manager_policy": None}, []),
        (("1000Mi",), {"eviction_hard": {}, "fragment": True}, []),
        (("1Ki",), {"fragment": True}, ["K16"]),
        (("1Ki",), {"fragment": True, "kube_reserved": {}}, []),
        (("600Mi",), {"kube_reserved": {}}, []),
        (("1100Mi",), {"kube_reserved": {}}, ["K16"]),
        (("1100Mi",), {"kube_reserved": {}, "fragment": True}, []),
        (("1100Mi",), {"system_reserved": {}, "fragment": True}, []),
    ],
)
def test_reserved_memory_adds_up_to_the_byte(
    nodes: tuple[str, ...], changes: dict[str, Any], expected: list[str]
) -> None:
    assert codes(memory(*nodes).model_copy(update=changes)) == expected


def test_k16_shows_its_sum_and_what_to_write() -> None:
    text = told(memory("1Gi", "512Mi"), "K16")
    assert "memory 1536Mi (node 0: 1Gi, node 1: 512Mi)" in text
    assert "kubeReserved 500Mi + systemReserved 500Mi + evictionHard 100Mi, the default = 1100Mi" in text
    assert "reserve memory 588Mi on NUMA node 0" in text
    assert "memory 1Gi; kubeReserved" in told(memory("1Gi"), "K16")
    assert "reserve memory 1100Mi in all" in told(memory("1Gi", "1100Mi"), "K16")


def test_hugepages_are_summed_apart() -> None:
    pages = {"hugepages-1Gi": Quantity.parse("2Gi")}
    held = (MemoryReservation(node=0, limits={"memory": Quantity.parse("1100Mi"), **pages}),)
    assert codes(memory().model_copy(update={"reserved_memory": held})) == ["K16"]
    kube = {"memory": Quantity.parse("500Mi"), **pages}
    assert codes(memory().model_copy(update={"reserved_memory": held, "kube_reserved": kube})) == []
    share = {"reserved_memory": held, "eviction_hard": {"memory.available": "5%"}}
    assert codes(memory().model_copy(update=share)) == ["K16"]
    assert "remove hugepages-1Gi" in told(memory().model_copy(update={"reserved_memory": held}), "K16")


@pytest.mark.parametrize(
    ("reservations", "expected"),
    [
        (reserved("1Gi"), []),
        (reserved("1Gi", kind="hugepages-2Mi"), []),
        (reserved("0"), ["K17"]),
        (reserved("1Gi", kind="cpu"), ["K17"]),
        (reserved("1Gi") * 2, ["K17"]),
        (reserved("1Gi") + reserved("1Gi", kind="hugepages-2Mi"), []),
        (reserved("1Gi", "1Gi"), []),
    ],
)
def test_each_reservation_is_for_memory_above_zero_and_once(reservations: Any, expected: list[str]) -> None:
    assert codes(worker(kubelet(reserved_memory=reservations), topology=hardware(1))) == expected


def test_a_reservations_node_must_exist_where_memory_is_static() -> None:
    assert codes(worker(memory("600Mi", "500Mi"), topology=hardware(1))) == ["K17"]
    assert codes(worker(memory("600Mi", "500Mi"), topology=hardware(2))) == []
    assert codes(worker(memory("600Mi", "500Mi"))) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"cpu_manager_options": {}}, ["K15"]),
        ({"cpu_manager_options": {}, "topology_manager_policy": "restricted"}, []),
        ({"topology_manager_policy": "best-effort", "memory_manager_policy": None, "reserved_memory": ()}, []),
        ({"topology_manager_policy": "best-effort"}, ["K18"]),
        ({"memory_manager_policy": None}, ["K18"]),
        ({"reserved_memory": reserved("600Mi", "500Mi")}, ["K18"]),
        ({"cpu_manager_reconcile_period": None}, ["K19"]),
        ({"cpu_manager_reconcile_period": Duration.parse("6s")}, ["K19"]),
    ],
)
def test_what_openshifts_operator_writes(changes: dict[str, Any], expected: list[str]) -> None:
    assert codes(operated(golden(**changes))) == expected
    plain = [code for code in codes(worker(golden(**changes))) if code in ("K15", "K18", "K19")]
    assert plain == []


def test_whole_cores_are_no_matter_to_the_operators_file_without_smt() -> None:
    assert codes(operated(golden(cpu_manager_options={}), topology=hardware(threads=1))) == []
    assert codes(operated(golden(cpu_manager_options={}), topology=hardware(threads=2))) == ["K15"]


@pytest.mark.parametrize(
    ("driver", "runtime", "expected"),
    [
        ("systemd", crio(), []),
        ("cgroupfs", crio(), ["K21"]),
        ("cgroupfs", crio(cgroup_manager="cgroupfs"), []),
        ("systemd", containerd(), ["K21"]),
        ("systemd", containerd(config_version=3), []),
        ("cgroupfs", containerd(), []),
        (None, containerd(), []),
        ("systemd", None, []),
    ],
)
def test_one_owner_of_cgroups(driver: str | None, runtime: Any, expected: list[str]) -> None:
    assert codes(worker(kubelet(cgroup_driver=driver), runtime=runtime)) == expected


@pytest.mark.parametrize(
    ("version", "refuses", "cmdline", "expected"),
    [
        ("1.35", None, "systemd.unified_cgroup_hierarchy=0", ["K21"]),
        ("1.34", None, "systemd.unified_cgroup_hierarchy=0", []),
        (None, None, "systemd.unified_cgroup_hierarchy=0", []),
        ("1.35", False, "systemd.unified_cgroup_hierarchy=0", []),
        ("1.31", True, "systemd.unified_cgroup_hierarchy=0", ["K21"]),
        ("1.35", None, "systemd.unified_cgroup_hierarchy=1", []),
        ("1.35", None, "quiet", []),
    ],
)
def test_a_kubelet_that_refuses_cgroup_v1(
    version: str | None, refuses: bool | None, cmdline: str, expected: list[str]
) -> None:
    machine = worker(kubelet(fail_cgroup_v1=refuses), version=version, cmdline=KernelCmdline.parse(cmdline))
    assert [code for code in codes(machine) if code == "K21"] == expected


@pytest.mark.parametrize(
    ("infra", "expected"), [(None, ["K22"]), ("0", []), ("0-1", []), ("0-2", ["K22"]), ("7", ["K22"])]
)
def test_pause_containers_stay_on_housekeeping_cpus(infra: str | None, expected: list[str]) -> None:
    runtime = crio(infra_cpus=None if infra is None else cpus(infra))
    assert codes(worker(runtime=runtime)) == expected
    assert codes(worker(runtime=runtime, plan=None)) == expected
    assert codes(worker(plan=None, isolated=cpus(""), runtime=runtime)) == []


@pytest.mark.parametrize(("shared", "expected"), [("2-3", []), ("2", ["K22"]), (None, []), ("2-4", ["K22"])])
def test_the_runtimes_shared_set_is_the_plans(shared: str | None, expected: list[str]) -> None:
    runtime = crio(shared_cpus=None if shared is None else cpus(shared))
    assert codes(worker(plan=shares(isolated="4-7", shared="2-3"), runtime=runtime)) == expected


def test_a_profile_that_mixes_cpus_needs_a_shared_set() -> None:
    mixing = delegating(annotations={}, shared=cpus("1"), hints=WorkloadHints(mixed_cpus=True))
    assert "K22" in codes(worker(runtime=crio(), profile=mixing))
    assert "K22" not in codes(worker(runtime=crio(infra_cpus=None), profile=delegating(annotations={})))
    assert "K22" in codes(worker(runtime=crio(infra_cpus=cpus("7")), profile=delegating(annotations={})))
    assert "K22" not in codes(worker(runtime=crio(shared_cpus=cpus("1")), profile=mixing))
    assert "K22" not in codes(worker(runtime=crio(), profile=delegating(annotations={}, shared=cpus("1"))))


def test_no_isolated_cpu_is_shared() -> None:
    assert codes(worker(runtime=crio(shared_cpus=cpus("2")))) == ["K22"]
    assert codes(worker(runtime=crio(shared_cpus=cpus("1")))) == []


def test_a_profile_that_takes_cpus_offline_is_no_matter_without_static_cpus() -> None:
    machine = worker(KubeletSpec(), plan=None, isolated=cpus(""), tuned=offlining("0"))
    assert codes(machine) == []


def test_other_switches_in_sysfs_are_no_matter() -> None:
    other = offlining("0").model_copy(update={"sections": {"sysfs": {"/sys/kernel/mm/ksm/run": "0"}}})
    assert codes(worker(tuned=other)) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"cpu_manager_policy": "none", "cpu_manager_options": {}, "topology_manager_policy": "none"}, []),
        ({"topology_manager_policy": "none"}, ["K26"]),
        ({"cpu_manager_policy": "none", "cpu_manager_options": {}}, ["K26"]),
    ],
)
def test_what_is_left_to_drivers_is_not_managed(changes: dict[str, Any], expected: list[str]) -> None:
    machine = worker(kubelet(cpu_manager_reconcile_period=Duration.parse("5s"), **changes), profile=delegating())
    assert [code for code in codes(machine) if code == "K26"] == expected


def test_mixed_cpus_do_not_go_with_delegation() -> None:
    mixing = delegating(hints=WorkloadHints(mixed_cpus=True))
    assert codes(worker(KubeletSpec(), profile=mixing)) == ["K26"]
    assert codes(worker(KubeletSpec(topology_manager_policy="none"), profile=delegating())) == []


def test_the_topology_policy_of_an_unseen_base_is_not_guessed() -> None:
    held = {"topology": hardware(2)}
    assert codes(worker(kubelet(fragment=True, topology_manager_policy=None), **held)) == []
    assert codes(worker(kubelet(fragment=True, topology_manager_policy="none"), **held)) == ["K13"]
    assert codes(operated(golden(topology_manager_policy=None))) == []


def test_numa_nodes_are_no_matter_where_no_pod_has_cpus_of_its_own() -> None:
    none = kubelet(cpu_manager_policy="none", cpu_manager_options={}, topology_manager_policy=None)
    assert codes(worker(none, topology=hardware(2))) == ["K01"]


def test_k18_says_what_the_operator_would_write() -> None:
    less = told(operated(golden(memory_manager_policy=None)), "K18")
    assert "given:   None, the default, with topologyManagerPolicy single-numa-node" in less
    assert "allowed: Static" in less
    more = told(operated(golden(topology_manager_policy="best-effort")), "K18")
    assert "given:   Static, with topologyManagerPolicy best-effort" in more
    assert "allowed: None" in more


def test_k13_says_what_is_written_or_the_default() -> None:
    assert "none, the default; isolated CPUs 2-7" in told(
        worker(kubelet(topology_manager_policy=None), topology=hardware(2)), "K13"
    )
    assert "given:   none; isolated" in told(
        worker(kubelet(topology_manager_policy="none"), topology=hardware(2)), "K13"
    )
    helped = {"topology": hardware(2), "pods": (pod("web", 2000, 1000),)}
    assert "given:   container, the default; pod web" in told(worker(**helped), "K13")
    assert "given:   container; pod web" in told(worker(kubelet(topology_manager_scope="container"), **helped), "K13")


def test_whole_cores_are_no_matter_to_the_operators_file_without_static_cpus() -> None:
    none = golden(cpu_manager_policy="none", cpu_manager_options={})
    assert "K15" not in codes(operated(none))


def test_k21_says_how_to_set_the_driver_of_each_side() -> None:
    wrong = worker(kubelet(cgroup_driver="cgroupfs"), runtime=crio())
    assert "set cgroupDriver to systemd" in told(wrong, "K21")
    old = worker(kubelet(cgroup_driver="systemd"), runtime=crio(cgroup_manager="cgroupfs"))
    assert "set cgroup_manager = systemd for CRI-O" in told(old, "K21")
    bare = worker(kubelet(cgroup_driver="systemd"), runtime=containerd())
    assert "set SystemdCgroup = true in runc's options for containerd" in told(bare, "K21")


def test_pause_containers_are_judged_as_far_as_cpus_are_known() -> None:
    unknown = {"plan": None, "online": cpus("")}
    assert codes(worker(runtime=crio(infra_cpus=None), **unknown)) == []
    assert codes(worker(runtime=crio(infra_cpus=cpus("0-1")), **unknown)) == []
    assert "says 1-2; isolated CPUs are 2-7" in told(worker(runtime=crio(infra_cpus=cpus("1-2")), **unknown), "K22")
    rt = PodSpec(name="plc", runtime_class="performance-cnf")
    assert "K22" not in codes(worker(plan=None, isolated=cpus(""), pods=(rt,), runtime=crio(infra_cpus=None)))
    assert "runtime says nothing, so any CPU; housekeeping" in told(worker(runtime=crio(infra_cpus=None)), "K22")
