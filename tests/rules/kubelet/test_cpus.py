"""Where the rules on a kubelet's CPUs begin and end to speak."""

from __future__ import annotations

from typing import Any

import pytest

from quietcore.rules.examples import cpus
from quietcore.rules.judge import asides, findings
from quietcore.rules.kubelet.examples import (
    containerd,
    crio,
    delegating,
    hardware,
    kubelet,
    operated,
    options,
    pod,
    shares,
    worker,
)
from quietcore.spec import ContainerSpec, KernelCmdline, KubeletSpec, MachineFacts, PodSpec
from quietcore.spec.pod import Amounts
from quietcore.units import Quantity

FULL, STRICT = "full-pcpus-only", "strict-cpu-reservation"


def codes(subject: Any) -> list[str]:
    return sorted({finding.code for finding in findings(subject) if finding.code.startswith("K")})


def told(subject: Any, code: str) -> str:
    [finding] = [finding for finding in findings(subject) if finding.code == code]
    return finding.text()


def test_a_machine_without_isolated_cpus_may_share_its_cpus() -> None:
    assert codes(worker(KubeletSpec(), plan=None, isolated=cpus(""))) == []
    assert codes(worker(KubeletSpec(), plan=None, isolated=cpus("7"))) == ["K01"]


def test_a_pod_that_asks_for_real_time_makes_a_node_real_time() -> None:
    rt = PodSpec(name="plc", runtime_class="performance-cnf")
    assert "K01" in codes(worker(KubeletSpec(), plan=None, isolated=cpus(""), pods=(rt,)))
    assert "K01" not in codes(worker(KubeletSpec(), plan=None, isolated=cpus(""), pods=(PodSpec(name="web"),)))


def test_a_file_laid_over_another_says_nothing_by_leaving_the_policy_out() -> None:
    assert codes(worker(KubeletSpec(fragment=True))) == []
    assert codes(worker(KubeletSpec(fragment=True, cpu_manager_policy="none"))) == ["K01"]
    assert codes(operated(KubeletSpec(fragment=True), "starlingx")) == []


def test_k01_names_both_files() -> None:
    files = {"kubelet": "kubelet.yaml", "cmdline": "cmdline.txt"}
    machine = worker(KubeletSpec(), plan=None, files=files, cmdline=KernelCmdline.parse("isolcpus=2-7"))
    assert "kubelet.yaml says none, the default; cmdline.txt isolates CPUs 2-7" in told(machine, "K01")


def test_starlingx_and_delegation_stand_aside_with_a_reason() -> None:
    assert codes(operated(KubeletSpec(), "starlingx")) == ["K25"]
    assert codes(worker(KubeletSpec(), profile=delegating())) == []
    assert any(code == "K01" and "drivers" in why for code, _, why in asides(worker(profile=delegating())))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"reserved_cpus": None}, ["K02"]),
        ({"reserved_cpus": cpus("")}, ["K02"]),
        ({"reserved_cpus": None, "kube_reserved": {"cpu": Quantity(1)}}, []),
        ({"reserved_cpus": None, "system_reserved": {"cpu": Quantity(0)}}, ["K02"]),
        ({"reserved_cpus": None, "system_reserved": {"memory": Quantity.of(1)}}, ["K02"]),
        ({"reserved_cpus": None, "fragment": True}, []),
        ({"reserved_cpus": None, "cpu_manager_policy": "none"}, []),
        ({"kube_reserved_cgroup": "/kube"}, ["K04"]),
        ({"kube_reserved_cgroup": "/kube", "reserved_cpus": None, "kube_reserved": {"cpu": Quantity.of(1)}}, []),
    ],
)
def test_what_a_kubelet_alone_reserves(changes: dict[str, Any], expected: list[str]) -> None:
    assert codes(kubelet(**changes)) == expected


@pytest.mark.parametrize(
    ("dialect", "sets", "reserved", "right"),
    [
        ("plain", {}, "0-1", True),
        ("plain", {}, "0", False),
        ("plain", {}, "0-2", False),
        ("plain", {"isolated": "4-7", "shared": "2-3"}, "0-1", True),
        ("plain", {"isolated": "4-7", "shared": "2-3"}, "0-3", True),
        ("plain", {"isolated": "4-7", "vswitch": "2-3"}, "0-1", False),
        ("plain", {"isolated": "4-7", "vswitch": "2-3"}, "0-3", True),
        ("plain", {"isolated": "2-6", "offlined": "7"}, "0-1,7", False),
        ("nto", {"isolated": "4-7", "shared": "2-3"}, "0-3", True),
        ("nto", {"isolated": "4-7", "shared": "2-3"}, "0-1", False),
        ("nto", {}, "0-7", False),
        ("starlingx", {}, "0-7", True),
        ("starlingx", {}, "0-1", False),
        ("starlingx", {"isolated": "4-5"}, "0-1,4-5", True),
    ],
)
def test_the_reserved_set_follows_the_dialect(dialect: str, sets: dict[str, str], reserved: str, right: bool) -> None:
    machine = worker(kubelet(reserved_cpus=cpus(reserved)), plan=shares(dialect, **sets))
    assert ("K03" not in codes(machine)) is right


def test_k03_names_both_ends_and_what_differs() -> None:
    machine = worker(kubelet(reserved_cpus=cpus("1-2")), files={"kubelet": "k.yaml", "plan": "site.py"})
    text = told(machine, "K03")
    assert "k.yaml reserves 1-2; site.py has housekeeping 0-1, isolated 2-7" in text
    assert "not reserved: 0; reserved, but not for the system: 2" in text
    assert "set reservedSystemCPUs to 0-1" in text


def test_without_a_plan_what_is_not_isolated_is_to_be_reserved() -> None:
    assert codes(worker(plan=None)) == []
    assert codes(worker(kubelet(reserved_cpus=cpus("0-2")), plan=None)) == ["K03"]


def test_without_a_plan_and_a_number_of_cpus_no_isolated_one_is_to_be_reserved() -> None:
    unknown = cpus("")
    assert codes(worker(kubelet(reserved_cpus=cpus("0-1")), plan=None, online=unknown)) == []
    assert codes(worker(kubelet(reserved_cpus=cpus("0")), plan=None, online=unknown)) == []
    machine = worker(kubelet(reserved_cpus=cpus("1-2")), plan=None, online=unknown)
    assert "kubelet reserves 1-2; the machine isolates 2-7" in told(machine, "K03")
    assert "set reservedSystemCPUs to 1" in told(machine, "K03")


def test_an_amount_is_not_counted_where_there_is_nothing_to_count() -> None:
    amount = {"reserved_cpus": None, "system_reserved": {"cpu": Quantity.of(1)}}
    assert codes(worker(kubelet(**amount), plan=None, online=cpus(""))) == []
    assert codes(worker(kubelet(**amount, fragment=True))) == []
    assert codes(worker(kubelet(reserved_cpus=None))) == ["K02"]


def test_without_isolated_cpus_a_real_time_pods_node_may_reserve_any() -> None:
    rt = PodSpec(name="plc", runtime_class="performance-cnf")
    machine = worker(plan=None, isolated=cpus(""), pods=(rt,))
    assert "K03" not in codes(machine)


@pytest.mark.parametrize(("amount", "right"), [("2", True), ("1500m", True), ("1", False), ("2001m", False)])
def test_cpus_reserved_by_amount_are_counted(amount: str, right: bool) -> None:
    machine = worker(kubelet(reserved_cpus=None, system_reserved={"cpu": Quantity.parse(amount)}))
    assert codes(machine) == ([] if right else ["K03"])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"topology": hardware(threads=2)}, ["K06"]),
        ({"topology": hardware(threads=1)}, []),
        ({}, []),
        ({"topology": hardware(threads=2), "facts": MachineFacts(smt=False)}, []),
        ({"topology": hardware(threads=2), "plan": shares(isolated="2,4,6", offlined="3,5,7")}, ["K06"]),
        (
            {
                "topology": hardware(threads=2),
                "plan": shares("plain", housekeeping="0", isolated="2,4,6", offlined="1,3,5,7"),
            },
            [],
        ),
        ({"topology": hardware(threads=2), "facts": MachineFacts(kubelet_version="1.22.3")}, []),
        ({"topology": hardware(threads=2), "facts": MachineFacts(kubelet_version="v1.23.1")}, ["K06"]),
    ],
)
def test_whole_cores_matter_where_threads_are_siblings(changes: dict[str, Any], expected: list[str]) -> None:
    housekeeping = changes["plan"].housekeeping if "plan" in changes else cpus("0-1")
    of = kubelet(cpu_manager_options={}, reserved_cpus=housekeeping)
    assert codes(worker(of, **changes)) == expected


def test_whole_cores_are_no_matter_where_no_pod_has_cpus_of_its_own() -> None:
    shared = kubelet(cpu_manager_policy="none", cpu_manager_options={})
    assert codes(worker(shared, topology=hardware(threads=2))) == ["K01"]


def test_nosmt_makes_threads_no_matter() -> None:
    machine = worker(kubelet(cpu_manager_options={}), topology=hardware(threads=2))
    assert codes(machine.model_copy(update={"cmdline": KernelCmdline.parse("nosmt")})) == []


@pytest.mark.parametrize("value", ["true", "1", "T"])
def test_an_option_is_on_in_each_of_gos_spellings(value: str) -> None:
    machine = worker(kubelet(cpu_manager_options={FULL: value}), topology=hardware(threads=2))
    assert codes(machine) == []


def test_half_a_core_is_refused_only_with_whole_cores() -> None:
    half = (pod("web", 2000, 3000),)
    assert codes(worker(topology=hardware(threads=2), pods=half)) == ["K07"]
    assert codes(worker(topology=hardware(), pods=half)) == []
    assert "K07" not in codes(worker(kubelet(cpu_manager_options={}), topology=hardware(threads=2), pods=half))
    off = kubelet(cpu_manager_policy="none")
    assert "K07" not in codes(worker(off, topology=hardware(threads=2), pods=half))
    assert "ask for 4 CPUs" in told(worker(topology=hardware(threads=2), pods=half), "K07")


def test_a_pod_without_cpus_of_its_own_may_ask_for_any_amount() -> None:
    loose = ContainerSpec(name="c", requests=Amounts(cpu=3000, memory=1), limits=Amounts(cpu=4000, memory=1))
    assert codes(worker(topology=hardware(threads=2), pods=(PodSpec(name="p", containers=(loose,)),))) == []
    assert codes(worker(topology=hardware(threads=2), pods=(pod("web", 500),))) == []


@pytest.mark.parametrize(
    ("version", "expected"), [(None, []), ("1.32", []), ("1.33", ["K08"]), ("1.35", ["K08"]), ("1.40", ["K08"])]
)
def test_strict_reservation_is_advised_where_it_is_within_reach(version: str | None, expected: list[str]) -> None:
    assert codes(worker(kubelet(cpu_manager_options=options(FULL)), version=version)) == expected


def test_strict_reservation_is_no_matter_without_a_reserved_set() -> None:
    none = kubelet(cpu_manager_policy="none", cpu_manager_options={})
    assert codes(worker(none, version="1.35")) == ["K01"]
    amount = kubelet(reserved_cpus=None, system_reserved={"cpu": Quantity.of(2)}, cpu_manager_options=options(FULL))
    assert codes(worker(amount, version="1.35")) == []


def test_strict_reservation_is_the_operators_choice() -> None:
    facts = MachineFacts(kubelet_version="1.35")
    of = kubelet(cpu_manager_options=options(FULL), reserved_cpus=cpus("0-7"))
    assert codes(operated(of, "starlingx", facts=facts)) == []
    assert "K08" not in codes(operated(kubelet(cpu_manager_options=options(FULL)), "nto", facts=facts))


@pytest.mark.parametrize(
    ("dialect", "runtime", "strict", "expected"),
    [
        ("plain", None, False, ["K24"]),
        ("plain", containerd(), False, ["K24"]),
        ("plain", None, True, []),
        ("nto", None, False, []),
        ("nto", crio(), False, ["K24"]),
        ("nto", crio(workloads=("management",)), False, []),
        ("nto", crio(workloads=("other",)), False, ["K24"]),
    ],
)
def test_a_polling_switch_needs_its_cpus_alone(dialect: str, runtime: Any, strict: bool, expected: list[str]) -> None:
    of = kubelet(reserved_cpus=cpus("0-3"), cpu_manager_options=options(FULL, STRICT) if strict else options(FULL))
    machine = worker(of, plan=shares(dialect, isolated="4-7", vswitch="2-3"), runtime=runtime)
    assert [code for code in codes(machine) if code not in ("K18", "K19")] == expected


@pytest.mark.parametrize(
    ("changes", "count", "expected"),
    [
        ({"namespace": "kube-system"}, 2000, ["K27"]),
        ({"namespace": "openshift-etcd"}, 2000, ["K27"]),
        ({"namespace": "shop"}, 2000, []),
        ({"namespace": "shop", "labels": {"tier": "control-plane"}}, 2000, ["K27"]),
        ({"namespace": "kube-system"}, 1500, []),
    ],
)
def test_control_planes_take_no_cpus_of_their_own(changes: dict[str, Any], count: int, expected: list[str]) -> None:
    assert codes(worker(pods=(pod("etcd-cp1", count, **changes),))) == expected


def test_control_planes_may_have_cpus_where_none_is_isolated() -> None:
    machine = worker(plan=None, isolated=cpus(""), pods=(pod("etcd-a", 2000, namespace="kube-system"),))
    assert codes(machine) == []


def test_control_planes_are_no_matter_without_cpus_of_their_own_or_isolated_ones() -> None:
    etcd = pod("etcd-a", 2000, namespace="kube-system")
    none = kubelet(cpu_manager_policy="none", cpu_manager_options={})
    assert codes(worker(none, pods=(etcd,))) == ["K01"]
    rt = PodSpec(name="plc", runtime_class="performance-cnf")
    assert "K27" not in codes(worker(plan=None, isolated=cpus(""), pods=(etcd, rt)))
    assert codes(worker(pods=(pod("coredns-1", 2000, namespace="kube-system"),))) == []


def test_a_polling_switch_is_no_matter_to_a_kubelet_without_static_cpus() -> None:
    none = kubelet(cpu_manager_policy="none", cpu_manager_options={}, reserved_cpus=cpus("0-3"))
    assert codes(worker(none, plan=shares(isolated="4-7", vswitch="2-3"))) == ["K01"]
