"""What the node tuning operator makes of profiles, after what its templates and rendered examples look like."""

import pytest

from quietcore.derive.nto import (
    cmdline_of,
    kubelet_of,
    kubelet_reserved,
    machine_of,
    plan_of,
    runtime_class_of,
    runtime_of,
)
from quietcore.spec import KernelCmdline, MachineFacts, MachineSpec, PerformanceProfileSpec
from quietcore.spec.kubelet import MemoryReservation
from quietcore.spec.performance_profile import HardwareTuning, ProfilePages, WorkloadHints
from quietcore.units import CpuSet, Quantity


def profile(**changes: object) -> PerformanceProfileSpec:
    """A single node of four CPUs."""
    sno = PerformanceProfileSpec(name="sno", reserved=CpuSet.parse("0-1"), isolated=CpuSet.parse("2-3"))
    return sno.model_copy(update=changes)


def test_a_small_single_node_boots_with_what_the_template_says() -> None:
    assert str(cmdline_of(profile(), "intel")) == (
        "nohz=on rcu_nocbs=2-3 tuned.non_isolcpus=3 systemd.cpu_affinity=0,1 isolcpus=managed_irq,2-3 "
        "nohz_full=2-3 nosoftlockup skew_tick=1 rcutree.kthread_prio=11 tsc=reliable nmi_watchdog=0 mce=off "
        "intel_iommu=on iommu=pt"
    )


def test_static_isolation_adds_the_domain_flag() -> None:
    assert cmdline_of(profile(balance_isolated=False)).get("isolcpus") == "domain,managed_irq,2-3"
    assert cmdline_of(profile(balance_isolated=True)).get("isolcpus") == "managed_irq,2-3"


@pytest.mark.parametrize(
    ("real_time", "high_power", "polls", "tickless"),
    [(None, None, False, True), (True, True, True, True), (None, True, True, True), (False, True, False, False)],
)
def test_idle_polling_needs_both_hints(
    real_time: bool | None, high_power: bool | None, polls: bool, tickless: bool
) -> None:
    cmdline = cmdline_of(profile(hints=WorkloadHints(real_time=real_time, high_power=high_power)), "intel")
    assert (cmdline.get("idle") == "poll") is polls
    assert (cmdline.get("nohz_full") == "2-3") is tickless
    assert (cmdline.get("intel_idle.max_cstate") == "0") is bool(high_power)


def test_pages_of_a_cell_are_left_to_a_unit() -> None:
    pages = (ProfilePages(size="1G", count=4, node=0), ProfilePages(size="2M", count=128, node=1))
    words = str(cmdline_of(profile(default_page_size="1G", pages=pages)))
    assert "default_hugepagesz=1G hugepagesz=2M hugepages=0" in words
    assert "hugepages=4" not in words
    assert "hugepages=0" not in str(cmdline_of(profile(default_page_size="2M", pages=pages)))
    spread = (*pages, ProfilePages(size="2M", count=64))
    assert "default_hugepagesz=1G hugepagesz=2M hugepages=64" in str(
        cmdline_of(profile(default_page_size="1G", pages=spread))
    )


def test_an_amd_or_arm_node_gets_its_own_parameters() -> None:
    high = profile(hints=WorkloadHints(high_power=True, real_time=True))
    assert str(cmdline_of(high, "amd")).endswith("processor.max_cstate=1 idle=poll iommu=pt amd_pstate=guided")
    assert "tsc=" not in str(cmdline_of(high, "arm"))
    assert "max_cstate" not in str(cmdline_of(high, "arm"))


@pytest.mark.parametrize(
    ("vendor", "changes", "driver"),
    [
        ("intel", {"hints": WorkloadHints(per_pod_power=True)}, "intel_pstate=active"),
        ("intel", {"hardware_tuning": HardwareTuning(isolated=1, reserved=1)}, "intel_pstate=passive"),
        ("amd", {"hints": WorkloadHints(per_pod_power=True)}, "amd_pstate=active"),
        ("amd", {"hardware_tuning": HardwareTuning(isolated=1, reserved=1)}, "amd_pstate=passive"),
    ],
)
def test_the_driver_of_frequencies_follows_hints(vendor: str, changes: dict[str, object], driver: str) -> None:
    assert cmdline_of(profile(**changes), vendor).parameters[-1] == driver  # type: ignore[arg-type]


def test_a_switch_in_user_space_keeps_interrupts_on_the_reserved_cpus() -> None:
    switched = profile(reserved=CpuSet([0]), vswitch=CpuSet([1]))
    assert cmdline_of(switched).get("irqaffinity") == "0"
    assert kubelet_reserved(switched) == CpuSet([0, 1])


def test_shared_cpus_are_reserved_from_pods_where_the_hint_is_on() -> None:
    mixed = profile(reserved=CpuSet([0]), shared=CpuSet([1]), hints=WorkloadHints(mixed_cpus=True))
    assert kubelet_reserved(mixed) == CpuSet([0, 1])
    assert kubelet_reserved(mixed.model_copy(update={"hints": WorkloadHints()})) == CpuSet([0])
    assert plan_of(mixed).shared == CpuSet([1])


def test_masks_of_many_cpus_come_in_groups_of_32_bits() -> None:
    wide = profile(reserved=CpuSet.parse("0-1,32-33"), isolated=CpuSet.parse("2-31,34-63"))
    assert cmdline_of(wide).get("tuned.non_isolcpus") == "3,00000003"
    assert cmdline_of(wide).get("systemd.cpu_affinity") == "0,1,32,33"


def test_own_arguments_come_after_the_operators() -> None:
    assert cmdline_of(profile(kernel_args=("efi=runtime",)), None).parameters[-1] == "efi=runtime"


def test_a_profile_without_cpus_isolates_nothing() -> None:
    assert "isolcpus" not in str(cmdline_of(PerformanceProfileSpec(name="empty")))
    assert "nohz_full" not in str(cmdline_of(PerformanceProfileSpec(name="empty")))


def test_a_machine_keeps_what_it_says_itself() -> None:
    known = MachineSpec(name="w1", role="worker", cmdline=KernelCmdline.parse("quiet"), files={"profile": "p.yaml"})
    machine = machine_of(profile(), known)
    assert str(machine.cmdline) == "quiet"
    assert machine.plan == plan_of(profile())
    assert machine.files == {
        "profile": "p.yaml",
        "plan": "p.yaml (its plan)",
        "kubelet": "p.yaml (its kubelet)",
        "runtime": "p.yaml (its runtime)",
        "runtime_classes": "p.yaml (its runtime_classes)",
    }
    assert machine.kubelet == kubelet_of(profile())
    assert machine.online == CpuSet(range(4))
    assert machine.isolated == CpuSet([2, 3])
    assert machine.runtime_classes == (runtime_class_of(profile()),)


def test_offlined_cpus_are_not_online() -> None:
    assert machine_of(profile(offlined=CpuSet([4, 5]))).online == CpuSet(range(4))
    seen = MachineSpec(online=CpuSet(range(6)))
    assert machine_of(profile(offlined=CpuSet([4, 5])), seen).online == CpuSet(range(4))


def test_facts_follow_from_the_profile_unless_they_are_known() -> None:
    assert machine_of(profile(realtime_kernel=True)).facts.kernel == "rt"
    assert machine_of(profile(realtime_kernel=False)).facts.kernel == "generic"
    assert machine_of(profile()).facts.kernel is None
    measured = MachineSpec(facts=MachineFacts(kernel="generic"))
    assert machine_of(profile(realtime_kernel=True), measured).facts.kernel == "generic"
    assert machine_of(profile(kernel_page_size="64k")).facts == MachineFacts(page_size=64, arch="aarch64", vendor="arm")


@pytest.mark.parametrize(
    ("policy", "said", "memory", "options"),
    [
        (None, "best-effort", None, {}),
        ("none", "none", None, {}),
        ("restricted", "restricted", "Static", {}),
        ("single-numa-node", "single-numa-node", "Static", {"full-pcpus-only": "true"}),
    ],
)
def test_managers_follow_the_topology_policy(
    policy: str | None, said: str, memory: str | None, options: dict[str, str]
) -> None:
    kubelet = kubelet_of(profile(topology_policy=policy))
    assert kubelet.topology_manager_policy == said
    assert kubelet.memory_manager_policy == memory
    assert kubelet.cpu_manager_options == options
    assert kubelet.static_cpus


def test_reserved_memory_is_what_is_set_aside_and_stands_on_the_first_cell() -> None:
    kubelet = kubelet_of(profile(topology_policy="restricted"))
    assert kubelet.reserved_memory == (MemoryReservation(node=0, limits={"memory": Quantity.parse("1100Mi")}),)
    assert kubelet.reserved("memory") == Quantity.parse("1000Mi")
    assert kubelet_of(profile()).reserved_memory == ()


def test_a_snippet_of_ones_own_may_say_anything_of_memory() -> None:
    own = profile(topology_policy="restricted", annotations={"kubeletconfig.experimental": "{}"})
    kubelet = kubelet_of(own)
    assert kubelet.reserved_memory == ()
    assert kubelet.eviction_hard is None
    assert kubelet.kube_reserved == kubelet.system_reserved == {}


def test_pause_containers_stay_on_the_reserved_cpus() -> None:
    mixed = profile(reserved=CpuSet([0]), shared=CpuSet([1]), hints=WorkloadHints(mixed_cpus=True))
    assert runtime_of(mixed).infra_cpus == CpuSet([0])
    assert runtime_of(mixed).shared_cpus == CpuSet([1])
    assert runtime_of(mixed.model_copy(update={"hints": WorkloadHints()})).shared_cpus is None
    assert "irq-load-balancing.crio.io" in runtime_of(mixed).handlers["high-performance"]


def test_a_node_of_another_architecture_gets_its_own_parameters() -> None:
    arm = machine_of(profile(), MachineSpec(facts=MachineFacts(arch="aarch64")))
    assert arm.facts.vendor == "arm"
    assert arm.cmdline == cmdline_of(profile(), "arm")


def test_a_second_entry_for_a_size_is_not_written() -> None:
    twice = (ProfilePages(size="1G", count=2), ProfilePages(size="1G", count=4))
    assert str(cmdline_of(profile(pages=twice))).count("hugepages=") == 1


@pytest.mark.parametrize("missing", ["reserved", "isolated"])
def test_of_a_profile_that_is_refused_nothing_follows_but_its_plan(missing: str) -> None:
    machine = machine_of(profile(**{missing: None}))
    assert machine.plan == plan_of(profile(**{missing: None}))
    assert machine.cmdline is None
    assert machine.kubelet is None
    assert machine.runtime is None
    assert machine.runtime_classes == ()
