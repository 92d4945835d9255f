"""The rules that compare a command line with what is known of its machine, at their edge."""

from __future__ import annotations

import pytest

from quietcore.rules.examples import profile
from quietcore.rules.judge import asides, findings
from quietcore.rules.kernel.examples import facts, hardware, machine, shares
from quietcore.rules.kernel.reading import dialect
from quietcore.spec import KernelCmdline, KubeletSpec, MachineSpec, PerformanceProfileSpec, PodSpec
from quietcore.spec.performance_profile import WorkloadHints
from quietcore.spec.pod import Amounts, ContainerSpec
from quietcore.units import CpuSet


def codes(subject: object) -> list[str]:
    return [finding.code for finding in findings(subject)]


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"kernel": "rt"}, ["C17", "C18"]),
        ({"kernel": "generic"}, []),
        ({}, []),
    ],
)
def test_a_real_time_host_owes_staggered_ticks_and_no_watchdogs(known: dict[str, object], expected: list[str]) -> None:
    bare = ("skew_tick", "nosoftlockup", "nowatchdog")
    assert codes(machine(without=bare, facts=facts(**known))) == expected
    assert codes(machine(without=bare, facts=facts(**known), role="guest")) == []


@pytest.mark.parametrize("off", ["nosoftlockup", "nowatchdog", "nmi_watchdog=0"])
def test_any_way_to_switch_watchdogs_off_is_enough(off: str) -> None:
    bare = ("nosoftlockup", "nowatchdog")
    assert codes(machine(off, without=bare, facts=facts(kernel="rt"))) == []
    assert codes(machine(f"{off} nmi_watchdog=1".replace("=0 nmi_watchdog=1", "=1"), without=bare)) == (
        [] if off == "nowatchdog" else ["C18"]
    )


def test_tuned_may_switch_the_watchdog_off_instead() -> None:
    bare, tuned = ("nosoftlockup", "nowatchdog"), profile(name="hv", role="host")
    quiet = tuned.model_copy(update={"sysctl": {"kernel.nmi_watchdog": "0"}})
    assert "C18" in codes(machine(without=bare, facts=facts(kernel="rt"), tuned=tuned))
    assert "C18" not in codes(machine(without=bare, facts=facts(kernel="rt"), tuned=quiet))


@pytest.mark.parametrize(
    ("text", "invariant", "expected"),
    [
        ("tsc=reliable", True, []),
        ("tsc=nowatchdog", True, []),
        ("clocksource=tsc", True, []),
        ("", True, ["C19"]),
        ("", False, []),
        ("clocksource=tsc", False, ["C19"]),
        ("tsc=nowatchdog", False, ["C19"]),
        ("tsc=reliable", None, []),
        ("", None, []),
    ],
)
def test_the_tsc_is_trusted_where_it_is_invariant(text: str, invariant: bool | None, expected: list[str]) -> None:
    assert codes(machine(text, facts=facts(invariant_tsc=invariant))) == expected


def test_other_architectures_have_no_tsc_to_trust() -> None:
    assert codes(machine(facts=facts(invariant_tsc=True, arch="aarch64"))) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"role": "guest"}, ["C20"]),
        ({"facts": facts(virtual=True)}, ["C20"]),
        ({"facts": facts(arch="aarch64")}, ["C20"]),
        ({"role": "worker"}, []),
    ],
)
def test_machine_checks_are_for_hardware(changes: dict[str, object], expected: list[str]) -> None:
    assert codes(machine("mce=off", **changes)) == expected


def test_intels_own_idle_driver_needs_its_own_limit() -> None:
    intel, amd = facts(vendor="intel"), facts(vendor="amd")
    assert codes(machine("processor.max_cstate=1", facts=intel)) == ["C21"]
    assert codes(machine("processor.max_cstate=1 intel_idle.max_cstate=0", facts=intel)) == []
    assert codes(machine("processor.max_cstate=1", facts=amd)) == []
    assert codes(machine("intel_idle.max_cstate=0", facts=intel)) == []


@pytest.mark.parametrize(
    ("text", "vendor", "expected"),
    [
        ("intel_pstate=disable", "intel", []),
        ("amd_pstate=active", "intel", ["C23"]),
        ("intel_pstate=disable amd_pstate=active", "amd", ["C23"]),
        ("intel_pstate=disable", "arm", []),
        ("intel_pstate=disable", None, []),
    ],
)
def test_a_frequency_driver_is_the_vendors(text: str, vendor: str | None, expected: list[str]) -> None:
    assert codes(machine(text, facts=facts(vendor=vendor))) == expected


def test_the_vendor_is_the_topologys_where_no_fact_says_it() -> None:
    assert codes(machine("amd_pstate=active", topology=hardware(vendor="GenuineIntel"))) == ["C23"]
    assert codes(machine("amd_pstate=active", topology=hardware(vendor="AuthenticAMD"))) == []
    both = machine("amd_pstate=active", topology=hardware(vendor="GenuineIntel"), facts=facts(vendor="amd"))
    assert codes(both) == []


def test_a_profile_makes_the_machine_openshifts_unless_its_plan_says_otherwise() -> None:
    openshift = PerformanceProfileSpec(reserved=CpuSet([0, 1]), isolated=CpuSet(range(2, 8)))
    assert dialect(machine(plan=shares(), profile=openshift)) == "nto"
    assert dialect(machine(plan=shares("starlingx"), profile=openshift)) == "starlingx"
    assert dialect(machine(plan=shares())) == "plain"


@pytest.mark.parametrize(
    ("real_time", "high_power", "expected"),
    [(True, True, []), (True, False, ["C22"]), (False, True, ["C22"]), (None, True, []), (None, None, ["C22"])],
)
def test_idle_polling_needs_both_hints(real_time: bool | None, high_power: bool | None, expected: list[str]) -> None:
    openshift = PerformanceProfileSpec(
        reserved=CpuSet([0, 1]),
        isolated=CpuSet(range(2, 8)),
        hints=WorkloadHints(real_time=real_time, high_power=high_power),
        node_selector={"node-role.kubernetes.io/worker-cnf": ""},
    )
    assert codes(machine("idle=poll", profile=openshift)) == expected
    assert codes(machine("idle=halt", profile=openshift)) == []
    written = openshift.model_copy(update={"kernel_args": ("idle=poll",)})
    assert codes(MachineSpec(profile=written)) == expected


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [
        ("intel_iommu=on,sm_on iommu=pt", {"vendor": "intel"}, []),
        ("intel_iommu=on iommu=soft iommu=pt", {"vendor": "intel"}, []),
        ("intel_iommu=off iommu=pt", {"vendor": "intel"}, ["C24"]),
        ("iommu=pt", {"vendor": "amd"}, []),
        ("iommu", {"vendor": "amd"}, ["C24"]),
        ("", {"vendor": "amd"}, ["C24"]),
        ("iommu=pt", {}, []),
        ("", {}, ["C24"]),
        ("", {"vendor": "arm"}, []),
        ("", {"arch": "aarch64"}, []),
    ],
)
def test_devices_are_given_away_through_the_iommu(text: str, known: dict[str, object], expected: list[str]) -> None:
    assert codes(machine(text, facts=facts(passthrough=True, **known))) == expected
    assert codes(machine(text, facts=facts(**known))) == []
    assert codes(machine(text, facts=facts(passthrough=True, **known), role="guest")) == []


def test_nosmt_goes_with_a_plan_of_first_threads() -> None:
    split = hardware(threads=2)
    kept = shares(isolated="2-3", offlined="4-7")
    assert "C37" not in codes(machine("nosmt", topology=split, plan=kept))
    assert "C37" in codes(machine("nosmt", topology=split))
    assert "C37" in codes(machine("mitigations=auto,nosmt", topology=split, plan=shares()))
    assert codes(machine("nosmt", topology=hardware(), plan=shares())) == []
    assert codes(machine(topology=hardware(), facts=facts(smt=False))) == []
    assert "C37" in codes(machine(topology=split, facts=facts(smt=False)))
    assert "C37" not in codes(machine(topology=split, facts=facts(smt=True)))
    assert "C37" not in codes(machine(topology=split))


def test_who_counts_on_the_second_threads_is_told() -> None:
    split, files = hardware(threads=2), {"plan": "plan.yaml", "cmdline": "cmdline.txt"}
    (found,) = findings(machine("nosmt", topology=split, files=files))
    assert found.given == "nosmt leaves off 4-7; cmdline.txt counts on 4-7"
    (found,) = (each for each in findings(machine("nosmt", topology=split, files=files, plan=shares())))
    assert found.given == "nosmt leaves off 4-7; plan.yaml counts on 4-7"


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [
        ("", {"kernel": "rt", "efi_variables": True}, ["C39"]),
        ("efi=noruntime", {"kernel": "rt", "efi_variables": True}, ["C39"]),
        ("efi", {"kernel": "rt", "efi_variables": True}, ["C39"]),
        ("other=runtime", {"kernel": "rt", "efi_variables": True}, ["C39"]),
        ("efi=debug,runtime", {"kernel": "rt", "efi_variables": True}, []),
        ("", {"kernel": "rt", "efi_variables": False}, []),
        ("", {"kernel": "rt"}, []),
        ("", {"kernel": "generic", "efi_variables": True}, []),
    ],
)
def test_efi_variables_need_the_runtime(text: str, known: dict[str, object], expected: list[str]) -> None:
    assert codes(machine(text, facts=facts(**known))) == expected


@pytest.mark.parametrize(
    ("model", "quirk"),
    [
        ("Intel(R) Xeon(R) CPU E5-2650 v4 @ 2.20GHz", True),
        ("Intel(R) Xeon(R) CPU D-1548 @ 2.00GHz", True),
        ("Broadwell-IBRS", True),
        ("Intel(R) Xeon(R) CPU E5-2650 v3", False),
        ("Cascadelake-Server", False),
    ],
)
def test_broadwell_has_a_quirk_under_starlingx_only(model: str, quirk: bool) -> None:
    known = hardware(model=model)
    expected = ["C41"] if quirk else []
    assert codes(machine("kthread_cpus=0-1", topology=known, plan=shares("starlingx"))) == expected
    assert codes(machine("kthread_cpus=0-1 kvm_intel.eptad=0", topology=known, plan=shares("starlingx"))) == []
    assert codes(machine(topology=known, plan=shares())) == []
    assert "C41" not in codes(machine("kthread_cpus=0-1", topology=known, plan=shares("starlingx"), role="guest"))


def test_only_machines_that_claim_real_time_need_its_kernel() -> None:
    hypervisor = profile(name="hv", role="host")
    ordinary = facts(kernel="generic")
    assert "C45" in codes(machine(facts=ordinary, tuned=hypervisor))
    assert "C45" not in codes(machine(facts=facts(), tuned=hypervisor))
    assert "C45" not in codes(machine(facts=ordinary, tuned=profile(), role="guest"))
    assert "C45" not in codes(machine(facts=ordinary, tuned=hypervisor.model_copy(update={"include": "balanced"})))
    assert codes(machine(facts=ordinary)) == []
    pod = PodSpec(name="rt", runtime_class="performance-cnf")
    assert "C45" in codes(machine(facts=ordinary, pods=(pod,)))
    assert "C45" not in codes(machine(facts=ordinary, pods=(PodSpec(name="web"),)))
    asking = PerformanceProfileSpec(reserved=CpuSet([0, 1]), isolated=CpuSet(range(2, 8)), realtime_kernel=True)
    assert "C45" in codes(machine(facts=ordinary, profile=asking))
    content = asking.model_copy(update={"realtime_kernel": False})
    assert "C45" not in codes(machine(facts=ordinary, profile=content, pods=(pod,)))


def test_large_pages_and_real_time_exclude_each_other_on_arm_only() -> None:
    assert codes(machine(facts=facts(arch="aarch64", kernel="rt", page_size=64))) == ["C29"]
    assert codes(machine(facts=facts(arch="aarch64", kernel="generic", page_size=64))) == []
    assert codes(machine(facts=facts(arch="x86_64", kernel="rt", page_size=64))) == []


def test_an_ordinary_machine_may_swap() -> None:
    assert codes(MachineSpec(facts=facts(swap=True))) == []


def _worker(text: str = "", *, reserved: str = "0-1", policy: str = "static", **fields: object) -> MachineSpec:
    kubelet = KubeletSpec(cpu_manager_policy=policy, reserved_cpus=CpuSet.parse(reserved))
    return machine(text, role="worker", kubelet=kubelet, **fields)


def test_pods_without_cpus_of_their_own_need_balanced_ones() -> None:
    web = PodSpec(name="web")
    whole = Amounts(cpu=2000, memory=1 << 30)
    own = PodSpec(name="plc", containers=(ContainerSpec(name="plc", requests=whole, limits=whole),))
    open_question = PodSpec(name="later", containers=(ContainerSpec(name="c", undecided=("resources",)),))
    assert "C13" in codes(_worker(pods=(web,)))
    assert "C13" not in codes(_worker(pods=(own,)))
    assert "C13" not in codes(_worker(pods=(open_question,)))
    assert "C13" not in codes(_worker(pods=(PodSpec(name="later", undecided=("containers",)),)))
    nobody = machine(role="worker", kubelet=KubeletSpec(cpu_manager_policy="static"), pods=(web,))
    assert "C13" in codes(nobody)
    assert "C13" not in codes(_worker(pods=(web,), policy="none"))
    assert "C13" not in codes(_worker(pods=(web,), reserved="0"))
    assert "C13" not in codes(_worker("kthread_cpus=0-1", pods=(web,), plan=shares("starlingx")))
    assert "C13" not in codes(machine(role="worker", pods=(web,)))


def test_a_rule_that_stands_aside_says_why() -> None:
    held = hardware(p1GiB=1, p2MiB=256)
    told = asides(
        machine(
            "default_hugepagesz=1G hugepagesz=1G hugepages=2",
            topology=held,
            plan=shares("nto"),
            facts=facts(kernel_version="6.1"),
        )
    )
    assert {code for code, _, _ in told} >= {"C08", "C21", "C27", "C44"}
    assert all(reason for _, _, reason in told)


KNOWN = {"kernel": "rt", "invariant_tsc": True, "passthrough": True, "efi_variables": True, "partitions": True}


@pytest.mark.parametrize("role", ["host", "guest", "worker"])
@pytest.mark.parametrize("words", ["plain", "starlingx"])
def test_a_machine_of_which_nobody_knows_the_line_breaks_no_rule_on_it(role: str, words: str) -> None:
    broadwell = hardware(threads=2, model="Broadwell", vendor="Intel", p1GiB=1, p2MiB=4)
    unknown = machine(cmdline=None, role=role, facts=facts(smt=False, **KNOWN), topology=broadwell, plan=shares(words))
    assert [code for code in codes(unknown) if code.startswith("C")] == []


def test_a_machine_without_isolated_cpus_may_say_what_it_likes() -> None:
    text = "skew_tick=0 nmi_watchdog=1 audit=1 softlockup_panic=1 intel_pstate=passive kthread_cpus=7 irqaffinity=7"
    plain = MachineSpec(
        online=CpuSet(range(8)),
        cmdline=KernelCmdline.parse(f"{text} systemd.cpu_affinity=0-7 tuned.non_isolcpus=000000ff"),
        facts=facts(kernel="rt", invariant_tsc=True),
    )
    assert codes(plain) == []
    flags = KernelCmdline.parse("isolcpus=managed_irq,2-7 tuned.non_isolcpus=00000000")
    assert codes(plain.model_copy(update={"cmdline": flags})) == ["C09"]


def test_machine_checks_are_told_with_their_reason() -> None:
    def given(**changes: object) -> list[str]:
        return [finding.given for finding in findings(machine("mce=off", **changes))]

    assert given(role="guest") == ["mce=off in a virtual machine"]
    assert given(facts=facts(arch="aarch64")) == ["mce=off on aarch64"]


def test_drivers_and_profiles_are_told_by_name() -> None:
    def told(subject: MachineSpec) -> list[tuple[str, str]]:
        return [(finding.given, finding.allowed) for finding in findings(subject)]

    both = "intel_pstate=disable amd_pstate=active"
    assert told(machine(both)) == [(both, "one of them")]
    assert [found.where for found in findings(machine(both))] == ["cmdline.amd_pstate"]
    assert told(machine(both, facts=facts(vendor="amd"))) == [
        ("intel_pstate=disable on amd CPUs", "amd_pstate only"),
    ]
    hints = WorkloadHints(real_time=False)
    openshift = PerformanceProfileSpec(
        reserved=CpuSet([0, 1]),
        isolated=CpuSet(range(2, 8)),
        hints=hints,
        node_selector={"node-role.kubernetes.io/worker-cnf": ""},
        kernel_args=("idle=poll",),
    )
    (found,) = findings(MachineSpec(profile=openshift))
    assert found.where == "profile.kernel_args"
    assert found.given == "idle=poll in profile, which hints at no real time, and not at high power consumption"


def test_a_profile_that_polls_by_hand_is_named_once() -> None:
    profile = PerformanceProfileSpec(name="cell", kernel_args=("idle=poll",))
    given = next(each.given for each in findings(MachineSpec(profile=profile)) if each.code == "C22")
    assert given == (
        "idle=poll in profile, which hints at real time by saying nothing, and not at high power consumption"
    )
