"""A machine with its pods: what they take, and what its kernel and kubelet give."""

from __future__ import annotations

import pytest

from quietcore.rules.judge import findings
from quietcore.rules.workload.examples import GIB, amounts, container, kubelet, pod, topology, virtual_machine, worker
from quietcore.rules.workload.machine import W14, W16, W19, W22
from quietcore.rules.workload.room import W03, W11
from quietcore.spec import (
    ContainerSpec,
    CpuPlan,
    KernelCmdline,
    KubeletSpec,
    MachineFacts,
    MachineSpec,
    PerformanceProfileSpec,
    PodSpec,
    TunedProfileSpec,
)
from quietcore.spec.performance_profile import WorkloadHints
from quietcore.spec.pod import POLLS, PRIORITY
from quietcore.units import CpuSet, Size


def told(rule: object, machine: MachineSpec) -> list[str]:
    return [hit.given for hit in rule.findings(machine)]  # type: ignore[attr-defined]


def taking(*cpus: int) -> list[PodSpec]:
    return [pod(container(limits=amounts(cpu=count * 1000)), name=f"p{number}") for number, count in enumerate(cpus, 1)]


class TestRoomForCpus:
    def test_pods_may_take_every_isolated_cpu(self) -> None:
        assert told(W03, worker(*taking(4, 2))) == []

    def test_one_cpu_more_is_refused_and_both_ends_are_named(self) -> None:
        assert told(W03, worker(*taking(4, 3))) == [
            '7 CPUs: Deployment "p1" 4, Deployment "p2" 3; w1, plan isolates 2-7'
        ]

    def test_pods_without_cpus_of_their_own_take_none(self) -> None:
        shared = pod(container(limits=amounts(cpu=9500)), name="shared")
        assert told(W03, worker(*taking(6), shared)) == []

    def test_the_kubelets_reserved_set_says_how_many_are_left(self) -> None:
        machine = worker(*taking(4, 2), kubelet=kubelet(reserved_cpus=CpuSet.parse("0-2")))
        assert told(W03, machine) == [
            '6 CPUs: Deployment "p1" 4, Deployment "p2" 2; w1, kubelet leaves 3-7 of 0-7',
        ]

    @pytest.mark.parametrize(
        "silent", [{"kubelet": kubelet(reserved_cpus=None)}, {"kubelet": kubelet(), "online": CpuSet()}]
    )
    def test_where_the_kubelet_does_not_say_it_the_plan_does(self, silent: dict[str, object]) -> None:
        assert told(W03, worker(*taking(7), **silent)) == ['7 CPUs: Deployment "p1" 7; w1, plan isolates 2-7']

    def test_a_fragment_without_a_policy_is_laid_over_one_that_may_be_static(self) -> None:
        part = kubelet(cpu_manager_policy=None, reserved_cpus=None, fragment=True)
        assert W03.aside(worker(kubelet=part)) == ""
        assert W03.aside(worker(kubelet=part.model_copy(update={"fragment": False}))) != ""

    def test_cells_that_nobody_knows_are_not_packed(self) -> None:
        assert told(W03, worker(*taking(6), kubelet=kubelet())) == []

    def test_without_a_plan_the_isolated_set_says_it(self) -> None:
        assert told(W03, worker(*taking(7), plan=None)) == ['7 CPUs: Deployment "p1" 7; w1, isolated is 2-7']
        assert told(W03, worker(*taking(7), plan=None, isolated=CpuSet())) == []

    def test_ordinary_pods_take_cpus_too(self) -> None:
        ordinary = PodSpec(name="web", containers=(ContainerSpec(limits=amounts(cpu=5000)),))
        assert not ordinary.realtime
        assert len(told(W03, worker(*taking(2), ordinary))) == 1
        assert told(W03, worker(ordinary, ordinary)) == []

    def test_without_a_static_policy_nobody_has_cpus_of_his_own(self) -> None:
        machine = worker(*taking(4, 4), kubelet=KubeletSpec(cpu_manager_policy="none"))
        assert told(W03, machine) == []
        assert "gives no pod CPUs" in W03.aside(machine)

    def test_under_starlingx_a_device_plugin_counts_the_cpus(self) -> None:
        plan = CpuPlan(housekeeping=CpuSet.parse("0-1"), isolated=CpuSet.parse("2-7"), dialect="starlingx")
        assert told(W03, worker(*taking(4, 4), plan=plan)) == []

    @pytest.mark.parametrize(
        ("cpus", "fits"), [((3, 3), True), ((2, 2, 1, 1), True), ((4,), False), ((2, 2, 2), False)]
    )
    def test_each_pod_fits_into_one_cell_of_three(self, cpus: tuple[int, ...], fits: bool) -> None:
        cells = topology("0,2-4", "1,5-7")
        machine = worker(*taking(*cpus), topology=cells, kubelet=kubelet())
        assert (told(W03, machine) == []) is fits
        loose = worker(*taking(*cpus), topology=cells, kubelet=kubelet(topology_manager_policy="best-effort"))
        assert told(W03, loose) == []

    def test_with_container_scope_the_containers_of_a_pod_may_be_apart(self) -> None:
        halves = pod(container(), container(name="rt2"))
        cells = topology("0,2-4", "1,5-7")
        apart = kubelet(topology_manager_scope="container")
        assert told(W03, worker(halves, topology=cells, kubelet=apart)) == []
        assert len(told(W03, worker(halves, topology=cells, kubelet=kubelet()))) == 1

    def test_an_init_container_needs_no_cpus_beside_those_of_its_pod(self) -> None:
        three = amounts(cpu=3000)
        first = pod(container(kind="init", limits=three), container(limits=three))
        second = pod(container(limits=three), name="second")
        apart = kubelet(topology_manager_scope="container")
        assert told(W03, worker(first, second, topology=topology("0,2-4", "1,5-7"), kubelet=apart)) == []

    def test_many_pods_are_judged_exactly_while_that_is_cheap(self) -> None:
        cells = topology(*(f"{cell * 16}-{cell * 16 + 15}" for cell in range(8)))
        everything = CpuSet.parse("2-127")
        plan = CpuPlan(housekeeping=CpuSet.parse("0-1"), isolated=everything)
        machine = worker(
            *taking(*([3] * 41)), topology=cells, kubelet=kubelet(), plan=plan, online=CpuSet.parse("0-127")
        )
        assert len(told(W03, machine)) == 1


class TestRoomForPages:
    def test_pods_may_take_every_page(self) -> None:
        assert told(W11, worker(pod(container(limits=amounts(pages=4 * GIB))), topology=topology())) == []

    def test_one_page_more_is_refused(self) -> None:
        pods = [pod(container(limits=amounts(pages=count * GIB)), name=name) for name, count in (("a", 4), ("b", 1))]
        assert told(W11, worker(*pods, topology=topology())) == [
            '5GiB in pages of 1GiB: Deployment "a" 4GiB, Deployment "b" 1GiB; w1, topology has 4GiB'
        ]

    def test_pages_of_another_size_do_not_count(self) -> None:
        small = amounts().model_copy(update={"hugepages": {Size.parse("2MiB"): 2 << 20}})
        assert len(told(W11, worker(pod(container(limits=small)), topology=topology()))) == 1

    @pytest.mark.parametrize(
        ("boot", "fits"),
        [
            ("hugepagesz=1G hugepages=4", True),
            ("hugepagesz=1G hugepages=3", False),
            ("default_hugepagesz=1G hugepages=4", True),
            ("hugepagesz=1G hugepages=0:2,1:2", True),
            ("hugepagesz=1G hugepages=0:2,1:1", False),
            ("hugepages=2048", False),
            ("hugepagesz=2M hugepages=64 hugepagesz=1G hugepages=4", True),
            ("hugepagesz=1G hugepages=many", True),
            ("hugepagesz=huge hugepages=4", True),
            ("quiet", True),
        ],
    )
    def test_the_command_line_says_what_is_reserved(self, boot: str, fits: bool) -> None:
        machine = worker(pod(container(limits=amounts(pages=4 * GIB))), cmdline=KernelCmdline.parse(boot))
        assert (told(W11, machine) == []) is fits

    def test_the_command_line_comes_before_the_topology(self) -> None:
        boot = KernelCmdline.parse("hugepagesz=1G hugepages=8")
        taking_all = pod(container(limits=amounts(pages=8 * GIB)))
        assert told(W11, worker(taking_all, cmdline=boot, topology=topology())) == []

    def test_ordinary_pods_alone_are_no_business_of_this_rule(self) -> None:
        ordinary = PodSpec(name="web", containers=(ContainerSpec(limits=amounts(cpu=500, pages=9 * GIB)),))
        assert told(W11, worker(ordinary, topology=topology())) == []

    def test_nothing_is_said_where_nobody_knows_the_pool(self) -> None:
        assert told(W11, worker(pod(container(limits=amounts(pages=4 * GIB))))) == []


class TestSharedCpus:
    ASKS = pod(annotations={"cpu-shared.crio.io/rt": "enable"})

    def codes(self, **changes: object) -> set[str]:
        return {found.code for found in findings(worker(self.ASKS, **changes)) if found.code == "W09"}

    def test_a_profile_needs_both_the_hint_and_the_set(self) -> None:
        shared, mixed = CpuSet.parse("6-7"), WorkloadHints(mixed_cpus=True)
        assert self.codes(profile=PerformanceProfileSpec(name="p")) == {"W09"}
        assert self.codes(profile=PerformanceProfileSpec(name="p", shared=shared)) == {"W09"}
        assert self.codes(profile=PerformanceProfileSpec(name="p", hints=mixed)) == {"W09"}
        assert self.codes(profile=PerformanceProfileSpec(name="p", shared=shared, hints=mixed)) == set()

    def test_where_neither_plan_nor_profile_is_known_nothing_is_said(self) -> None:
        assert self.codes(plan=None) == set()


class TestPrioritiesAndRcu:
    @pytest.mark.parametrize(("priority", "count"), [("10", 0), ("11", 1), ("12", 1)])
    def test_a_spinning_thread_stays_below_rcus(self, priority: str, count: int) -> None:
        spins = pod(annotations={POLLS: "true", PRIORITY: priority})
        boot = KernelCmdline.parse("rcutree.kthread_prio=11")
        assert len(told(W14, worker(spins, cmdline=boot))) == count

    def test_a_thread_that_sleeps_may_be_above(self) -> None:
        boot = KernelCmdline.parse("rcutree.kthread_prio=11")
        assert told(W14, worker(pod(annotations={PRIORITY: "80"}), cmdline=boot)) == []

    def test_the_tuned_profile_says_it_too(self) -> None:
        tuned = TunedProfileSpec(
            name="t", role="host", foreign=True, sections={"scheduler": {"group.rcuc": "0:f:4:*:rcuc.*"}}
        )
        spins = pod(annotations={POLLS: "true", PRIORITY: "4"})
        assert told(W14, worker(spins, tuned=tuned)) == [
            'Deployment "plc", container "rt" spins at fifo 4; w1, tuned has group.rcuc=0:f:4:*:rcuc.*'
        ]

    @pytest.mark.parametrize("group", ["0:o:0:*:rcuc.*", "0:f:x:*:rcuc.*", "0:f", ""])
    def test_a_group_that_sets_no_priority_says_nothing(self, group: str) -> None:
        tuned = TunedProfileSpec(name="t", role="host", foreign=True, sections={"scheduler": {"group.rcuc": group}})
        spins = pod(annotations={POLLS: "true", PRIORITY: "40"})
        assert told(W14, worker(spins, tuned=tuned)) == []
        assert told(W14, worker(spins, cmdline=KernelCmdline.parse("rcutree.kthread_prio=high"))) == []


class TestQuota:
    BUSY = pod(annotations={})

    @pytest.mark.parametrize(
        ("version", "count"), [("1.32", 1), ("v1.32.9", 1), ("1.33", 0), ("2.0", 0), (None, 0), ("devel", 0), ("1", 0)]
    )
    def test_a_kubelet_from_1_33_sets_no_quota_on_exclusive_cpus(self, version: str | None, count: int) -> None:
        assert len(told(W16, worker(self.BUSY, facts=MachineFacts(kubelet_version=version)))) == count

    def test_the_kubelet_may_set_none_at_all(self) -> None:
        old = MachineFacts(kubelet_version="1.30")
        assert told(W16, worker(self.BUSY, facts=old, kubelet=kubelet(cpu_cfs_quota=False))) == []
        assert len(told(W16, worker(self.BUSY, facts=old, kubelet=kubelet(cpu_cfs_quota=True)))) == 1

    def test_the_feature_may_be_off(self) -> None:
        gates = {"DisableCPUQuotaWithExclusiveCPUs": False}
        assert len(told(W16, worker(self.BUSY, kubelet=kubelet(feature_gates=gates)))) == 1

    def test_a_pod_without_cpus_of_its_own_is_judged_elsewhere(self) -> None:
        shared = pod(container(limits=amounts(cpu=1500)), annotations={})
        assert told(W16, worker(shared, facts=MachineFacts(kubelet_version="1.30"))) == []

    def test_the_annotation_lifts_it(self) -> None:
        old = MachineFacts(kubelet_version="1.30")
        assert told(W16, worker(pod(annotations={"cpu-quota.crio.io": "true"}), facts=old)) == []
        assert len(told(W16, worker(pod(annotations={"cpu-quota.crio.io": "enable"}), facts=old))) == 1


class TestGroupScheduling:
    FACTS = MachineFacts(rt_group_sched=True)

    def test_only_pods_that_set_priorities_mind(self) -> None:
        quiet = pod(container(capabilities=()))
        assert told(W19, worker(quiet, facts=self.FACTS)) == []
        assert told(W19, worker(facts=self.FACTS)) == ['true; Deployment "plc" sets real-time priorities']

    def test_it_may_be_off_at_boot(self) -> None:
        off = KernelCmdline.parse("rt_group_sched=0")
        assert told(W19, worker(facts=self.FACTS, cmdline=off)) == []
        assert len(told(W19, worker(facts=self.FACTS, cmdline=KernelCmdline.parse("rt_group_sched=1")))) == 1

    def test_what_nobody_knows_is_not_held_against_anyone(self) -> None:
        assert told(W19, worker(facts=MachineFacts())) == []


class TestDevices:
    NIC = pod(container(limits=amounts(nic=1)))
    CELLS = topology("0-3", "4-7")

    @pytest.mark.parametrize(
        ("policy", "count"), [("none", 1), (None, 1), ("best-effort", 1), ("restricted", 0), ("single-numa-node", 0)]
    )
    def test_the_policy_keeps_devices_and_cpus_together(self, policy: str | None, count: int) -> None:
        machine = worker(self.NIC, topology=self.CELLS, kubelet=kubelet(topology_manager_policy=policy))
        assert len(told(W22, machine)) == count

    def test_a_pod_without_devices_does_not_mind(self) -> None:
        loose = kubelet(topology_manager_policy="none")
        assert told(W22, worker(topology=self.CELLS, kubelet=loose)) == []

    def test_one_cell_is_always_the_same(self) -> None:
        loose = kubelet(topology_manager_policy="none")
        assert told(W22, worker(self.NIC, topology=topology(), kubelet=loose)) == []

    def test_a_fragment_that_does_not_say_is_not_judged(self) -> None:
        part = kubelet(topology_manager_policy=None, fragment=True)
        assert told(W22, worker(self.NIC, topology=self.CELLS, kubelet=part)) == []


def test_an_unrelated_pod_adds_no_finding() -> None:
    web = PodSpec(name="web", containers=(ContainerSpec(name="nginx", privileged=True),))
    assert findings(worker(pod(), web)) == findings(worker(pod()))


def test_kubevirts_machines_on_a_worker_are_judged_with_it() -> None:
    machine = worker(virtual_machines=(virtual_machine(guest_mapping=False),))
    assert [found.code for found in findings(machine)] == ["D43"]
