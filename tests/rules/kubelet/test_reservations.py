"""What a kubelet reserves, at the edges that files of a whole machine seldom reach."""

from __future__ import annotations

from typing import Any

import pytest

from quietcore.rules.examples import cpus
from quietcore.rules.judge import findings
from quietcore.rules.kubelet.examples import hardware, kubelet, memory, options, pod, shares, worker
from quietcore.rules.kubelet.machines import dialect
from quietcore.spec import (
    ContainerSpec,
    Finding,
    KernelCmdline,
    MemoryReservation,
    PerformanceProfileSpec,
    PodSpec,
)
from quietcore.units import Quantity


def of(subject: Any, code: str) -> list[Finding]:
    return [found for found in findings(subject) if found.code == code]


@pytest.mark.parametrize(
    ("reserved", "guests", "right"),
    [
        ("0-1", "2-4", True),
        ("0-4", "2-4", True),
        ("0-3", "2-4", True),
        ("0-4", "2-3", False),
        ("0,2-4", "2-4", False),
    ],
)
def test_the_cpus_of_guests_may_be_reserved_and_need_not(reserved: str, guests: str, right: bool) -> None:
    machine = worker(kubelet(reserved_cpus=cpus(reserved)), guests=cpus(guests))
    assert (of(machine, "K03") == []) is right


@pytest.mark.parametrize(("reserved", "right"), [("0-1", True), ("0-3", True), ("0-4", False)])
def test_the_cpus_of_guests_may_be_reserved_where_the_number_of_cpus_is_unknown(reserved: str, right: bool) -> None:
    machine = worker(kubelet(reserved_cpus=cpus(reserved)), plan=None, online=cpus(""), guests=cpus("2-3"))
    assert (of(machine, "K03") == []) is right


def test_what_is_left_without_the_isolated_cpus_is_advised() -> None:
    unknown = {"plan": None, "online": cpus("")}
    assert [found.hint for found in of(worker(kubelet(reserved_cpus=cpus("1-2")), **unknown), "K03")] == [
        "set reservedSystemCPUs to 1"
    ]
    assert [found.hint for found in of(worker(kubelet(reserved_cpus=cpus("2")), **unknown), "K03")] == [
        "reserve the CPUs that are not isolated"
    ]


def test_only_the_sets_that_the_plan_has_are_told() -> None:
    (found,) = of(worker(kubelet(reserved_cpus=cpus("0"))), "K03")
    assert found.given == "kubelet reserves 0; plan has housekeeping 0-1, isolated 2-7; not reserved: 1"


def test_nodes_that_reserve_different_kinds_are_summed_kind_by_kind() -> None:
    pages = {"hugepages-1Gi": Quantity.parse("2Gi")}
    held = (
        MemoryReservation(node=0, limits={"memory": Quantity.parse("1100Mi")}),
        MemoryReservation(node=1, limits=pages),
    )
    assert [found.code for found in findings(memory().model_copy(update={"reserved_memory": held}))] == ["K16"]
    kube = {"memory": Quantity.parse("500Mi"), **pages}
    good = memory().model_copy(update={"reserved_memory": held, "kube_reserved": kube})
    assert findings(good) == []


def first_of_all(run: PodSpec) -> PodSpec:
    """The pod, whose first container runs to its end before the others start."""
    first, *rest = run.containers
    return run.model_copy(update={"containers": (first.model_copy(update={"kind": "init"}), *rest)})


def test_a_container_that_runs_before_the_others_needs_no_node_with_them() -> None:
    settings = kubelet(cpu_manager_options=options("strict-cpu-reservation"))
    together = pod("web", 2000, 1000)
    assert isinstance(together.containers[0], ContainerSpec)
    assert len(of(worker(settings, topology=hardware(2), pods=(together,)), "K13")) == 1
    assert of(worker(settings, topology=hardware(2), pods=(first_of_all(together),)), "K13") == []
    three = pod("web", 1000, 2000, 1000)
    assert len(of(worker(settings, topology=hardware(2), pods=(first_of_all(three),)), "K13")) == 1


@pytest.mark.parametrize(("most", "expected"), [("1" * 18, []), ("1" * 19, ["K14"])])
def test_a_number_of_nodes_is_taken_as_far_as_the_kubelet_reads_it(most: str, expected: list[str]) -> None:
    chosen = {"topology_manager_policy": "restricted", "topology_manager_options": {"max-allowable-numa-nodes": most}}
    assert [
        found.code for found in findings(worker(kubelet(**chosen), topology=hardware(9))) if found.code == "K14"
    ] == (expected)


@pytest.mark.parametrize(("policy", "said"), [("none", "none"), (None, "none, the default")])
def test_the_policy_is_told_as_it_is_written_or_as_the_default(policy: str | None, said: str) -> None:
    (found,) = of(worker(kubelet(cpu_manager_policy=policy, cpu_manager_options={})), "K01")
    assert found.given == f"kubelet says {said}; plan isolates CPUs 2-7"


@pytest.mark.parametrize(("name", "said"), [("", "the machine isolates"), ("w1", "w1 isolates")])
def test_who_isolates_is_the_machine_where_no_file_says_it(name: str, said: str) -> None:
    (found,) = of(worker(kubelet(reserved_cpus=cpus("0")), plan=None, name=name), "K03")
    assert said in found.given


def test_a_machine_with_a_performance_profile_is_openshifts_whatever_its_plan_is_called() -> None:
    profile = PerformanceProfileSpec(name="cnf")
    assert dialect(worker(profile=profile)) == "nto"
    assert dialect(worker()) == "plain"
    assert dialect(worker(plan=shares("starlingx"), profile=profile)) == "starlingx"


def test_a_command_line_switches_siblings_off_only_where_it_says_so() -> None:
    settings = kubelet(cpu_manager_options=options("strict-cpu-reservation"))
    siblings = worker(settings, topology=hardware(1, 2), pods=(pod(),))
    assert len(of(siblings, "K06")) == 1
    assert len(of(siblings.model_copy(update={"cmdline": KernelCmdline.parse("quiet")}), "K06")) == 1
    assert of(siblings.model_copy(update={"cmdline": KernelCmdline.parse("quiet nosmt")}), "K06") == []
