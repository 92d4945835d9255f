"""What is not known yet, or makes no difference, is not held against a pod, its machine or KubeVirt's machine."""

from __future__ import annotations

from typing import Any

import pytest

from quietcore.rules.workload.examples import (
    GIB,
    QUIET,
    amounts,
    container,
    kubelet,
    pod,
    topology,
    virtual_machine,
    worker,
)
from quietcore.rules.workload.machine import W14, W19, W22
from quietcore.rules.workload.placement import W18
from quietcore.rules.workload.quality import W01, W02, W10, W20, W21
from quietcore.rules.workload.room import W11
from quietcore.rules.workload.runtime_class import W06, W07
from quietcore.rules.workload.virtual_machine import D44
from quietcore.spec import KernelCmdline, MachineFacts, TunedProfileSpec
from quietcore.spec.pod import POLLS, PRIORITY, Amounts, MemoryVolume
from quietcore.units import Size

HALVES = topology("0-3", "4-7")
UNKNOWN = {"undecided": ("resources",)}


def told(rule: Any, subject: object) -> list[str]:
    return [hit.given for hit in rule.findings(subject)]


@pytest.mark.parametrize("group", ["0:f:4", "0:f:100:*:rcuc.*", "0:r:4:*:rcuc.*"])
def test_a_group_of_the_profile_that_is_none_sets_no_priority(group: str) -> None:
    sections = {"scheduler": {"group.rcuc": group}}
    tuned = TunedProfileSpec(name="t", role="host", foreign=True, sections=sections)
    assert told(W14, worker(pod(annotations={POLLS: "true", PRIORITY: "40"}), tuned=tuned)) == []


def test_a_priority_that_is_no_number_is_not_compared() -> None:
    spins = pod(annotations={POLLS: "true", PRIORITY: "high"})
    assert told(W14, worker(spins, cmdline=KernelCmdline.parse("rcutree.kthread_prio=11"))) == []


def test_a_command_that_sets_a_priority_counts_like_the_right_to_set_one() -> None:
    facts = MachineFacts(rt_group_sched=True)
    plain = container(capabilities=(), command=("chrt", "-f", "40", "./plc"))
    assert told(W19, worker(pod(plain), facts=facts)) == ['true; Deployment "plc" sets real-time priorities']
    declared = pod(container(capabilities=()), annotations={PRIORITY: "40"})
    assert len(told(W19, worker(declared, facts=facts))) == 1
    empty = pod().model_copy(update={"containers": ()})
    assert told(W19, worker(empty, facts=facts)) == []


def test_a_fragment_that_says_a_policy_is_judged_by_it() -> None:
    part = kubelet(topology_manager_policy="none", fragment=True)
    machine = worker(pod(container(limits=amounts(nic=1))), topology=HALVES, kubelet=part)
    assert len(told(W22, machine)) == 1


def test_a_device_beside_shared_cpus_has_no_cell_to_be_in() -> None:
    shared = pod(container(limits=amounts(cpu=1500, nic=1)))
    loose = kubelet(topology_manager_policy="none")
    assert told(W22, worker(shared, topology=HALVES, kubelet=loose)) == []


def test_one_cell_is_a_reason_only_where_there_are_pods() -> None:
    machine = worker(topology=topology())
    assert W22.aside(machine) == "the machine has one NUMA cell"
    assert W22.aside(machine.model_copy(update={"pods": ()})) == ""


@pytest.mark.parametrize("part", ["affinity", "topologySpreadConstraints"])
def test_replicas_are_not_told_to_land_together_while_that_is_not_known(part: str) -> None:
    assert len(told(W18, pod(replicas=2))) == 1
    assert told(W18, pod(replicas=2, undecided=(part,))) == []
    assert told(W18, pod(replicas=1)) == told(W18, pod(replicas=None)) == []


def test_resources_that_are_not_known_are_not_judged() -> None:
    bare = pod(container(limits=Amounts()))
    assert told(W01, bare) == ["limits cpu nothing, memory nothing; requests cpu nothing, memory nothing"]
    assert told(W01, pod(container(limits=Amounts()), **UNKNOWN)) == []


def test_an_amount_of_cpu_is_told_as_kubernetes_writes_it() -> None:
    assert told(W02, pod(container(limits=amounts(cpu=1500)))) == ["1500m"]


def test_volumes_are_not_judged_while_one_of_several_containers_is_not_known() -> None:
    some = (container(name="known"), container(**UNKNOWN))
    pages = MemoryVolume(name="pages", medium="HugePages")
    memory = MemoryVolume(name="shm", medium="Memory")
    assert told(W10, pod(*some, volumes=(pages,))) == []
    assert told(W21, pod(*some, volumes=(memory,))) == []


def test_a_volume_in_memory_is_not_compared_where_a_container_has_no_limit() -> None:
    memory = MemoryVolume(name="shm", medium="Memory", size=Size(GIB))
    assert told(W21, pod(container(), container(name="open", limits=amounts(memory=None)), volumes=(memory,))) == []


def test_a_latency_test_on_a_fraction_of_a_cpu_is_told_as_the_fraction_alone() -> None:
    command = ("cyclictest", "-m", "-p", "95")
    assert len(told(W20, pod(container(command=command, limits=amounts(cpu=1000))))) == 1
    assert told(W20, pod(container(command=command, limits=amounts(cpu=1500)))) == []
    assert told(W20, pod(container(command=command, limits=Amounts(), **UNKNOWN))) == []


def test_pages_of_a_cell_that_cannot_be_counted_leave_the_whole_uncounted() -> None:
    boot = KernelCmdline.parse("hugepagesz=1G hugepages=0:2,1:many")
    assert told(W11, worker(pod(container(limits=amounts(pages=4 * GIB))), cmdline=boot)) == []


SHARED = "cpu-shared.crio.io"


def test_shared_cpus_are_asked_for_by_a_container_of_the_pod() -> None:
    two = (container(name="rt"), container(name="helper"))
    assert told(W06, pod(*two, annotations={f"{SHARED}/helper": "enable"})) == []
    assert told(W06, pod(*two, annotations={f"{SHARED}/other": "enable"})) == ['container "other"']
    assert told(W06, pod(*two, annotations={SHARED: "enable"})) == ['"enable"']
    assert told(W06, pod(annotations={f"{SHARED}/other": "enable"}, undecided=("containers",))) == []


def test_a_runtime_class_that_is_not_known_yet_is_not_missed() -> None:
    assert len(told(W07, pod(annotations=QUIET, runtime_class=None))) == 1
    assert told(W07, pod(annotations=QUIET, runtime_class=None, undecided=("runtimeClassName",))) == []


def test_kubevirts_dedicated_cpus_are_not_missed_while_they_are_not_known() -> None:
    alone = virtual_machine(dedicated=False)
    assert told(D44, alone) == ["true"]
    assert told(D44, alone.model_copy(update={"undecided": ("cpu.dedicatedCpuPlacement",)})) == []


@pytest.mark.parametrize(
    ("changes", "given"),
    [
        ({"requests": Amounts(cpu=3000)}, ["3, with 4 vCPUs"]),
        ({"requests": Amounts(cpu=3000), "undecided": ("cpu.cores",)}, []),
        ({"requests": Amounts(cpu=3000), "vcpus": None}, []),
        ({"requests": Amounts(memory=GIB)}, []),
        ({"limits": Amounts(memory=GIB)}, []),
        ({"requests": Amounts(memory=GIB), "limits": Amounts(memory=GIB)}, []),
        ({"requests": Amounts(cpu=3500), "vcpus": None}, ["3500m"]),
        ({"limits": Amounts(cpu=3500), "vcpus": None}, ["3500m"]),
    ],
)
def test_what_a_machine_of_kubevirt_leaves_out_is_not_compared(changes: dict[str, Any], given: list[str]) -> None:
    assert told(D44, virtual_machine(**changes)) == given
