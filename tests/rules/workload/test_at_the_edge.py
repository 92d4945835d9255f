"""Pods, machines and KubeVirt's machines where one more step breaks a rule, and what the reader is told there."""

from __future__ import annotations

from typing import Any

import pytest

from quietcore.rules.judge import findings
from quietcore.rules.workload.examples import (
    GIB,
    amounts,
    annotated,
    container,
    kubelet,
    pod,
    topology,
    virtual_machine,
    worker,
)
from quietcore.rules.workload.machine import W14, W16, W22
from quietcore.rules.workload.quality import W10, W21
from quietcore.rules.workload.room import W03, W11
from quietcore.rules.workload.room import _fits as fits
from quietcore.rules.workload.runtime_class import W06
from quietcore.rules.workload.virtual_machine import D43, D44
from quietcore.spec import ContainerSpec, KernelCmdline, MachineFacts, TunedProfileSpec
from quietcore.spec.pod import POLLS, PRIORITY, Amounts, MemoryVolume
from quietcore.units import Size


def told(rule: Any, subject: object) -> list[str]:
    return [hit.given for hit in rule.findings(subject)]


def whole(count: int, **changes: object) -> ContainerSpec:
    return container(limits=amounts(cpu=count * 1000), **changes)


APART = kubelet(topology_manager_scope="container")
HALVES = topology("0-3", "4-7")


def test_a_pod_that_takes_no_cpus_of_its_own_is_not_listed_among_those_that_do() -> None:
    shared = pod(container(limits=amounts(cpu=500)), name="shared")
    assert told(W03, worker(pod(whole(7)), shared)) == ['7 CPUs: Deployment "plc" 7; w1, plan isolates 2-7']


def test_whole_cpus_in_a_pod_that_is_not_guaranteed_are_nobodys_own() -> None:
    burstable = pod(whole(3), ContainerSpec(name="helper"), name="burstable")
    assert told(W03, worker(pod(whole(4)), burstable, topology=HALVES, kubelet=APART)) == []


def test_each_container_with_cpus_of_its_own_is_listed_and_no_other() -> None:
    helper = container(name="helper", capabilities=(), limits=amounts(cpu=500))
    machine = worker(pod(whole(3), whole(3), helper), topology=HALVES, kubelet=APART)
    assert told(W03, machine) == [
        'Deployment "plc" 3, Deployment "plc" 3; CPUs for pods: cell 0 2, cell 1 4; w1, kubelet wants each in one cell'
    ]


def test_a_machine_without_cells_has_room_for_pods_that_need_no_cpus() -> None:
    nothing = topology().model_copy(update={"cells": ()})
    shared = pod(container(limits=amounts(cpu=500)))
    assert told(W03, worker(shared, topology=nothing, kubelet=APART)) == []


def test_pods_are_packed_exactly_up_to_four_hundred_and_not_judged_above() -> None:
    assert fits([3] * 400, [2] * 400)
    assert not fits([3] * 400, [2] * 401)
    assert fits([3] * 401, [2] * 402)


@pytest.mark.parametrize(("count", "found"), [("9" * 9, 1), ("9" * 10, 0)])
def test_a_number_of_pages_is_counted_as_far_as_a_machine_may_have_them(count: str, found: int) -> None:
    small = amounts().model_copy(update={"hugepages": {Size.parse("2MiB"): 2 << 20}})
    boot = KernelCmdline.parse(f"hugepagesz=1G hugepages={count}")
    assert len(told(W11, worker(pod(container(limits=small)), cmdline=boot))) == found


def test_a_pod_without_pages_is_not_listed_among_those_that_take_them() -> None:
    machine = worker(pod(container(limits=amounts(pages=5 * GIB))), pod(name="plain"), topology=topology())
    assert told(W11, machine) == ['5GiB in pages of 1GiB: Deployment "plc" 5GiB; w1, topology has 4GiB']


def volume(medium: str = "Memory", size: str | None = "1GiB") -> MemoryVolume:
    return MemoryVolume(name="shm", medium=medium, size=size and Size.parse(size))


def test_a_volume_of_pages_is_told_beside_the_pages_that_containers_ask_for() -> None:
    bare = volume("HugePages")
    assert told(W10, pod(volumes=(bare,))) == ["HugePages, while containers ask for pages of: none"]
    both = {Size.parse("1GiB"): GIB, Size.parse("2MiB"): 2 << 20}
    several = container(limits=amounts().model_copy(update={"hugepages": both}))
    assert told(W10, pod(several, volumes=(bare,))) == ["HugePages, while containers ask for pages of: 2MiB, 1GiB"]


@pytest.mark.parametrize("undecided", [{"undecided": ("containers",)}, {"containers": ("resources",)}])
def test_a_volume_of_pages_is_not_judged_while_the_containers_are_not_known(undecided: dict[str, Any]) -> None:
    inside = container(undecided=undecided.get("containers", ()))
    asking = pod(inside, volumes=(volume("HugePages"),), undecided=undecided.get("undecided", ()))
    assert told(W10, asking) == []


def in_memory(*containers: ContainerSpec, size: str | None = "1GiB", undecided: tuple[str, ...] = ()) -> list[str]:
    return told(W21, pod(*containers, volumes=(volume(size=size),), undecided=undecided))


def test_what_runs_before_the_program_adds_nothing_to_its_memory() -> None:
    first = container(name="first", kind="init")
    assert len(in_memory(first, container())) == 1
    assert in_memory(container(name="helper"), container()) == []


def test_a_volume_in_memory_is_not_judged_while_something_that_counts_is_not_known() -> None:
    assert len(in_memory(size=None)) == 1
    assert in_memory(container(undecided=("resources",)), size=None) == []
    for part in ("resources", "volumes", "containers"):
        assert in_memory(size=None, undecided=(part,)) == []


def test_a_memory_limit_of_nothing_is_none() -> None:
    assert in_memory(container(limits=amounts(memory=0))) == []


@pytest.mark.parametrize(("cpu", "said"), [("maybe", '"disable"'), ("disable", "")])
def test_the_words_that_are_advised_for_an_annotation_are_those_that_switch_something_off(cpu: str, said: str) -> None:
    assert [hit.allowed for hit in W06.findings(annotated(cpu_quota=cpu))] == [said][: bool(said)]


def test_of_interrupts_the_housekeeping_ones_may_be_kept() -> None:
    assert [hit.allowed for hit in W06.findings(annotated(irq_load_balancing="maybe"))] == ['"disable", "housekeeping"']


@pytest.mark.parametrize(("version", "who"), [("1.32", "kubelet 1.32"), (None, "w1, kubelet")])
def test_who_sets_a_quota_is_told_by_its_version_or_by_its_file(version: str | None, who: str) -> None:
    gates = {"DisableCPUQuotaWithExclusiveCPUs": False}
    facts = MachineFacts(kubelet_version=version)
    machine = worker(pod(annotations={}), facts=facts, kubelet=kubelet(feature_gates=gates))
    assert told(W16, machine) == [
        f'Deployment "plc" without cpu-quota.crio.io; {who} sets a quota on CPUs of its own too'
    ]


@pytest.mark.parametrize("version", ["1.next", "1.\u0663\u0663", "0.9"])
def test_a_version_that_is_none_is_not_guessed(version: str) -> None:
    assert told(W16, worker(pod(annotations={}), facts=MachineFacts(kubelet_version=version))) == []


@pytest.mark.parametrize(("priority", "found"), [("99", 1), ("100", 0), ("1\u0660", 0)])
def test_a_priority_of_the_kernels_threads_has_two_digits(priority: str, found: int) -> None:
    spins = pod(annotations={POLLS: "true", PRIORITY: "100"})
    boot = KernelCmdline.parse(f"rcutree.kthread_prio={priority}")
    assert len(told(W14, worker(spins, cmdline=boot))) == found
    group = {"scheduler": {"group.rcuc": f"0:f:{priority}:*:rcuc.*"}}
    tuned = TunedProfileSpec(name="t", role="host", foreign=True, sections=group)
    assert len(told(W14, worker(spins, tuned=tuned))) == found


@pytest.mark.parametrize(("policy", "said"), [("best-effort", "best-effort"), (None, "none (the default)")])
def test_the_policy_is_told_as_it_is_written_or_as_the_default(policy: str | None, said: str) -> None:
    nic = pod(container(limits=amounts(nic=1)))
    machine = worker(nic, topology=HALVES, kubelet=kubelet(topology_manager_policy=policy))
    assert told(W22, machine) == [f'Deployment "plc" takes vendor.io/nic; w1, kubelet has the policy {said}']


def test_what_kubevirt_needs_is_told_with_what_asks_for_it() -> None:
    assert told(D43, virtual_machine(hugepages=None)) == ["none, with realtime"]
    mapped = virtual_machine(realtime=False, hugepages=None)
    assert told(D43, mapped) == ["none, with guestMappingPassthrough"]


UNEQUAL = {"requests": Amounts(cpu=1000), "limits": Amounts(cpu=2500)}


def test_an_ordinary_machine_of_kubevirt_may_have_any_resources() -> None:
    ordinary = {"realtime": False, "dedicated": False, "isolated_emulator": False, "guest_mapping": False}
    assert findings(virtual_machine(**ordinary, **UNEQUAL)) == []
    assert told(D44, virtual_machine(**UNEQUAL)) != []
    assert told(D44, virtual_machine(**UNEQUAL, undecided=("resources",))) == []
