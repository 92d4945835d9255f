"""Each rule on command lines at its edge: what is just allowed and what is just refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietcore.rules.examples import profile
from quietcore.rules.judge import asides, findings
from quietcore.rules.kernel.examples import facts, hardware, line, machine, shares
from quietcore.rules.kernel.pages import pages_of, size_of
from quietcore.spec import KernelCmdline, KubeletSpec, MachineSpec, PerformanceProfileSpec, PodSpec
from quietcore.spec.performance_profile import WorkloadHints
from quietcore.spec.pod import Amounts, ContainerSpec
from quietcore.units import CpuSet, Size


def codes(subject: object) -> list[str]:
    return [finding.code for finding in findings(subject)]


def swapped(parameter: str) -> MachineSpec:
    """The good machine with another value of one parameter."""
    return machine(parameter, without=(parameter.partition("=")[0],))


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ("nohz_full=2-7", []),
        ("nohz_full=2-N", []),
        ("nohz_full=2-7:1/1", []),
        ("nohz-full=2-7", []),
        ("nohz_full=1-7", ["C10"]),
        ("nohz_full=0,2-7", ["C08", "C10"]),
        ("nohz_full=0-7", ["C08", "C10"]),
        ("nohz_full=all", ["C08", "C10"]),
        ("nohz_full=2-8", ["C34"]),
        ("nohz_full=2-7,", ["C34"]),
        ("nohz_full=domain,2-7", ["C34"]),
        ("nohz=off", ["C11"]),
        ("nohz=y", []),
        ("isolcpus=managed_irq,domain,2-7,nohz", ["C34"]),
        ("isolcpus=managed_irq,domian,2-7", ["C34"]),
        ("isolcpus=managed-irq,domain,2-7", ["C34"]),
        ("isolcpus=all", ["C34"]),
        ("isolcpus=2-7", ["C12"]),
        ("isolcpus=nohz,domain,2-7", ["C12"]),
        ("isolcpus=managed_irq,domain,2-6", ["C09"]),
        ("irqaffinity=0", []),
        ("irqaffinity=1-2", ["C14"]),
        ("irqaffinity=8", ["C34"]),
        ("irqaffinity", ["C14"]),
        ("kthread_cpus=0", []),
        ("kthread_cpus=1-2", ["C15"]),
        ("kthread_cpus=", ["C15"]),
        ("kthread_cpus=x", ["C34"]),
        ("systemd.cpu_affinity=0,1", []),
        ('systemd.cpu_affinity="0 1"', []),
        ("systemd.cpu_affinity=numa", []),
        ("systemd.cpu_affinity=0-2", ["C32"]),
        ("systemd.cpu_affinity=0-1:1/2", ["C34"]),
        ("systemd.cpu_affinity=zero", ["C34"]),
        ("tuned.non_isolcpus=3", []),
        ("tuned.non_isolcpus=00000003", []),
        ("tuned.non_isolcpus=00000000,00000003", []),
        ("tuned.non_isolcpus=00000007", ["C32"]),
        ("tuned.non_isolcpus=00000000", ["C32"]),
        ("tuned.non_isolcpus=00000001", ["C32"]),
        ("tuned.non_isolcpus=0x3", ["C33"]),
        ("tuned.non_isolcpus=000000003", ["C33"]),
        ("tuned.non_isolcpus=0-1", ["C33"]),
        ("skew_tick=0", ["C17"]),
        ("rcutree.kthread_prio=1", []),
        ("rcutree.kthread_prio=98", []),
        ("rcutree.kthread_prio=99", ["C38"]),
        ("rcutree.kthread_prio=0", ["C38"]),
        ("rcutree.kthread_prio=high", ["C38"]),
        ("rcutree.kthread_prio=" + "1" * 5000, ["C36", "C38"]),
        ("audit=0", []),
        ("audit=1", ["C40"]),
        ("softlockup_panic=1", ["C40"]),
        ("amd_pstate=passive", ["C44"]),
        ("amd_pstate=active", []),
        ("mce=off", []),
        ("mce=ignore_ce", []),
        ("idle=poll", []),
        ("idle=halt processor.max_cstate=1", []),
        ("idle=poll processor.max_cstate=1", ["C21"]),
        ("idle=poll intel_idle.max_cstate=0", ["C21"]),
        ("intel_pstate=disable amd_pstate=disable", ["C23"]),
    ],
)
def test_one_parameter_that_differs(parameter: str, expected: list[str]) -> None:
    assert sorted(codes(swapped(parameter))) == expected


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("isolcpus", ["C09"]),
        ("nohz", []),
        ("nohz_full", ["C10"]),
        ("rcu_nocbs", ["C10"]),
        ("irqaffinity", ["C14"]),
        ("systemd.cpu_affinity", []),
        ("skew_tick", []),
        ("nosoftlockup", []),
    ],
)
def test_one_parameter_that_is_missing(missing: str, expected: list[str]) -> None:
    assert codes(machine(without=(missing,))) == expected


def test_without_the_flag_domain_systemd_keeps_the_daemons_away() -> None:
    flags = ("isolcpus", "systemd.cpu_affinity")
    assert codes(machine("isolcpus=managed_irq,2-7", without=flags)) == ["C32"]
    assert codes(machine("isolcpus=managed_irq,2-7 systemd.cpu_affinity=0", without=flags)) == []
    assert codes(machine("isolcpus=managed_irq,2-7", without=flags, facts=facts(partitions=True))) == []


def test_what_stands_after_two_dashes_is_not_for_the_kernel() -> None:
    assert codes(machine("-- nohz=off audit=1")) == []


def test_rcu_polls_where_callbacks_are_handed_over() -> None:
    assert codes(line("rcu_nocb_poll", without=("rcu_nocbs",))) == []
    assert codes(line("rcu_nocb_poll", without=("nohz_full",))) == []
    assert codes(line("rcu_nocb_poll", without=("rcu_nocbs", "nohz_full"))) == ["C16"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("console=tty0 console=ttyS0", []),
        ("rd.lvm.lv=a/root rd.lvm.lv=a/swap crashkernel=1G,high crashkernel=256M,low", []),
        ("quiet quiet audit=0 audit=0", []),
        ("audit=0 audit=1", ["C35"]),
        ("nosmt nosmt=force", ["C35"]),
        ("intel_iommu=on intel_iommu=sm_on", []),
    ],
)
def test_a_parameter_may_repeat_itself_or_add_up(text: str, expected: list[str]) -> None:
    assert codes(KernelCmdline.parse(text)) == expected


@pytest.mark.parametrize(("size", "expected"), [(2047, []), (2048, ["C36"])])
def test_the_kernel_reads_2047_bytes(size: int, expected: list[str]) -> None:
    text = "a=" + "x" * (size - 2)
    assert codes(KernelCmdline(parameters=(text,))) == expected
    umlaut = "a=" + "x" * (size - 4) + "ü"
    assert codes(KernelCmdline(parameters=(umlaut,))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("default_hugepagesz=1G hugepagesz=1G hugepages=4", []),
        ("hugepagesz=1G hugepages=4 hugepagesz=2M hugepages=512 default_hugepagesz=1G", []),
        ("default_hugepagesz=1G hugepages=4", []),
        ("default_hugepagesz=1G hugepagesz=1G", []),
        ("default_hugepagesz=1G quiet hugepagesz=1G quiet hugepages=4", []),
        ("hugepages=512", []),
        ("hugepages=512 default_hugepagesz=2M", []),
        ("hugepagesz=2M hugepages=0:256,1:256", []),
        ("hugepagesz=1G hugepages=4", ["C25"]),
        ("default_hugepagesz=1G hugepages=4 hugepagesz=1G", []),
        ("hugepages=4 hugepagesz=1G default_hugepagesz=1G", ["C25"]),
        ("default_hugepagesz=1G hugepagesz=1G hugepages=4 hugepages=512", ["C25"]),
        ("default_hugepagesz=1G hugepagesz=1G hugepages=4 hugepagesz=1G hugepages=4", ["C25"]),
        ("default_hugepagesz=big hugepages=4", ["C28"]),
        ("default_hugepagesz=1G hugepagesz= hugepages=4", ["C28"]),
        ("default_hugepagesz=4M hugepages=4", ["C28"]),
        ("default_hugepagesz=2MB hugepages=4", []),
    ],
)
def test_hugepages_are_read_in_order(text: str, expected: list[str]) -> None:
    assert codes(machine(text)) == expected


def test_sizes_without_a_default_are_no_matter_where_no_cpu_is_isolated() -> None:
    assert codes(KernelCmdline.parse("hugepagesz=1G hugepages=4")) == []


@pytest.mark.parametrize(
    ("size", "known", "expected"),
    [
        ("2M", {"arch": "x86_64"}, []),
        ("64K", {"arch": "x86_64"}, ["C28"]),
        ("64K", {"arch": "aarch64"}, []),
        ("16G", {"arch": "aarch64"}, []),
        ("16G", {"arch": "aarch64", "page_size": 4}, ["C28"]),
        ("32M", {"arch": "aarch64", "page_size": 64}, ["C28"]),
        ("512M", {"arch": "aarch64", "page_size": 64}, []),
        ("64K", {"arch": "aarch64", "page_size": 16}, ["C28"]),
        ("16M", {"arch": "ppc64le"}, []),
        ("512M", {}, []),
        ("16M", {}, ["C28"]),
    ],
)
def test_page_sizes_go_by_the_architecture(size: str, known: dict[str, object], expected: list[str]) -> None:
    text = f"default_hugepagesz={size} hugepagesz={size} hugepages=4"
    assert sorted(set(codes(machine(text, facts=facts(**known))))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("default_hugepagesz=1G hugepagesz=1G hugepages=31", []),
        ("default_hugepagesz=1G hugepagesz=1G hugepages=32", ["C30"]),
        ("default_hugepagesz=1G hugepagesz=1G hugepages=0:15,1:15", []),
        ("default_hugepagesz=1G hugepagesz=1G hugepages=1:16", ["C30"]),
        ("default_hugepagesz=1G hugepagesz=1G hugepages=0:16,1:16", ["C30"]),
        ("default_hugepagesz=1G hugepagesz=1G hugepages=0:15 hugepagesz=2M hugepages=0:512", ["C30"]),
        ("hugepages=16384", ["C30"]),
    ],
)
def test_pages_fit_into_the_memory_of_their_cell(text: str, expected: list[str]) -> None:
    assert codes(machine(text, topology=hardware())) == expected


def test_pages_of_the_topology_are_held_to_its_memory_where_the_line_reserves_none() -> None:
    assert codes(machine(topology=hardware(p1GiB=15))) == []
    (found, _) = findings(machine(topology=hardware(p1GiB=16)))
    assert (found.code, found.where, found.given) == (
        "C30",
        "cells[0].pages",
        "16GiB of hugepages; cell 0 has 16GiB",
    )
    unknown = hardware(p1GiB=16).cells[0].model_copy(update={"memory": Size(0)})
    assert codes(machine(topology=hardware().model_copy(update={"cells": (unknown,)}))) == []


def test_small_pages_after_boot_need_their_pool() -> None:
    text, held = "default_hugepagesz=1G hugepagesz=1G hugepages=2", hardware(p1GiB=1, p2MiB=256)
    assert codes(machine(text, topology=held)) == ["C27"]
    assert codes(machine(text, topology=held, facts=facts(kernel_version="5.7"))) == ["C27"]
    assert codes(machine(text, topology=held, facts=facts(kernel_version="5.8"))) == []
    assert codes(machine(f"{text} hugepagesz=2M hugepages=0", topology=held)) == []
    assert codes(machine(text.replace("1G", "2M"), topology=held)) == []
    assert codes(machine(text, topology=hardware(p1GiB=1))) == []


@given(
    st.lists(
        st.sampled_from(["hugepagesz", "hugepages", "default_hugepagesz"]).flatmap(
            lambda name: st.sampled_from(["1G", "2M", "4", "0:2,1:2", "", "x", "9" * 5000, "0x10", "1:x"]).map(
                lambda value: f"{name}={value}"
            )
        ),
        max_size=8,
    )
)
def test_any_hugepage_parameters_are_read(words: list[str]) -> None:
    pages = pages_of(KernelCmdline(parameters=tuple(words)))
    assert pages.total() >= 0
    assert codes(machine(" ".join(words), topology=hardware())) is not None


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2M", "2MiB"),
        ("1g", "1GiB"),
        ("2048k", "2MiB"),
        ("0x200000", "2MiB"),
        ("2MiB", "2MiB"),
        ("0", None),
        ("M", None),
    ],
)
def test_sizes_are_read_as_the_kernel_reads_them(text: str, size: str | None) -> None:
    assert size_of(text) == (Size.parse(size) if size else None)


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
    assert "C37" in codes(machine(topology=split, facts=facts(smt=False)))
    assert "C37" not in codes(machine(topology=split, facts=facts(smt=True)))
    assert "C37" not in codes(machine(topology=split))


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [
        ("", {"kernel": "rt", "efi_variables": True}, ["C39"]),
        ("efi=noruntime", {"kernel": "rt", "efi_variables": True}, ["C39"]),
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


def test_a_line_that_makes_every_cpu_tickless_is_told_so() -> None:
    told = [finding for finding in findings(swapped("nohz_full=0-7")) if finding.code == "C08"]
    assert [finding.given for finding in told] == ["nohz_full=0-7, which is every CPU of 0-7"]
    (some,) = [finding for finding in findings(swapped("nohz_full=0,2-7")) if finding.code == "C08"]
    assert (some.given, some.hint) == ("nohz_full=0,2-7", "write nohz_full=2-7")
    (alone,) = [finding for finding in findings(swapped("nohz_full=0")) if finding.code == "C08"]
    assert alone.hint == "remove nohz_full"


def test_hints_are_what_would_mend_the_line() -> None:
    def hint(parameter: str) -> list[str]:
        return [finding.hint for finding in findings(swapped(parameter))]

    assert hint("isolcpus=2-7") == ["write isolcpus=managed_irq,domain,2-7"]
    assert hint("isolcpus=nohz,domain,2-7") == ["write isolcpus=managed_irq,nohz,domain,2-7"]
    assert hint("isolcpus=managed_irq,domian,2-7") == ["did you mean domain?"]
    assert hint("isolcpus=managed_irq,x,2-7") == ["remove x"]
    assert hint("nohz_full=2-9") == ["take 8-9 out of nohz_full"]
    assert hint("tuned.non_isolcpus=300000003") == ["write tuned.non_isolcpus=3,00000003"]
    assert hint("tuned.non_isolcpus=lots") == ["write the mask that tuned computes for the CPUs"]
    assert hint("systemd.cpu_affinity=0-2") == ["write systemd.cpu_affinity=0-1"]
    assert hint("tuned.non_isolcpus=7") == ["write tuned.non_isolcpus=3"]
    assert hint("kthread_cpus=0-2") == ["write kthread_cpus=0-1"]
    assert hint("irqaffinity=0-2") == ["write irqaffinity=0-1"]


def test_a_line_of_an_unknown_number_of_cpus_is_mended_in_words() -> None:
    def hint(parameter: str) -> list[str]:
        return [finding.hint for finding in findings(swapped(parameter).model_copy(update={"online": CpuSet()}))]

    assert hint("irqaffinity=0-2") == ["write the CPUs that are not isolated into irqaffinity"]
    assert hint("kthread_cpus=0-2") == ["write the housekeeping CPUs into kthread_cpus"]
    assert hint("systemd.cpu_affinity=0-2") == ["write systemd.cpu_affinity=0-1"]
    assert hint("systemd.cpu_affinity=2") == ["write the housekeeping CPUs into systemd.cpu_affinity"]
    assert hint("nohz_full=2-N") == []
    assert hint("irqaffinity=0-N") == []


KNOWN = {"kernel": "rt", "invariant_tsc": True, "passthrough": True, "efi_variables": True, "partitions": True}


@pytest.mark.parametrize("role", ["host", "guest", "worker"])
@pytest.mark.parametrize("dialect", ["plain", "starlingx"])
def test_a_machine_of_which_nobody_knows_the_line_breaks_no_rule_on_it(role: str, dialect: str) -> None:
    broadwell = hardware(threads=2, model="Broadwell", vendor="Intel", p1GiB=1, p2MiB=4)
    unknown = machine(
        cmdline=None, role=role, facts=facts(smt=False, **KNOWN), topology=broadwell, plan=shares(dialect)
    )
    assert [code for code in codes(unknown) if code.startswith("C")] == []


def test_a_machine_without_isolated_cpus_may_say_what_it_likes() -> None:
    text = "skew_tick=0 nmi_watchdog=1 audit=1 softlockup_panic=1 intel_pstate=passive kthread_cpus=7 irqaffinity=7"
    plain = MachineSpec(
        online=CpuSet(range(8)),
        cmdline=KernelCmdline.parse(f"{text} systemd.cpu_affinity=0-7 tuned.non_isolcpus=000000ff"),
        facts=facts(kernel="rt", invariant_tsc=True),
    )
    assert codes(plain) == []
