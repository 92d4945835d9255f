"""Command lines that vendors ship or print in their guides as good: no rule may alarm, each under its own dialect."""

from __future__ import annotations

import pytest

from quietcore.rules.judge import findings
from quietcore.rules.kernel.examples import facts, shares
from quietcore.spec import (
    KernelCmdline,
    MachineFacts,
    MachineSpec,
    PerformanceProfileSpec,
    TunedProfileSpec,
)
from quietcore.spec.performance_profile import WorkloadHints
from quietcore.units import CpuSet

NTO = "nohz=on rcu_nocbs=2-7 tuned.non_isolcpus=00000003 systemd.cpu_affinity=0,1 intel_iommu=on iommu=pt "
NTO_RT = "nohz_full=2-7 tsc=reliable nosoftlockup nmi_watchdog=0 mce=off skew_tick=1 rcutree.kthread_prio=11 "
NTO_POWER = "processor.max_cstate=1 intel_idle.max_cstate=0 "
NTO_PAGES = " default_hugepagesz=1G hugepagesz=2M hugepages=0 intel_pstate=passive"


def codes(machine: MachineSpec) -> list[str]:
    return [finding.code for finding in findings(machine)]


def booted(text: str, online: str, isolated: str, **fields: object) -> MachineSpec:
    cmdline = KernelCmdline.parse(text)
    return MachineSpec(online=CpuSet.parse(online), isolated=CpuSet.parse(isolated), cmdline=cmdline, **fields)


def openshift(**hints: bool) -> PerformanceProfileSpec:
    return PerformanceProfileSpec(
        name="cnf",
        reserved=CpuSet([0, 1]),
        isolated=CpuSet(range(2, 8)),
        hints=WorkloadHints(**hints),
        node_selector={"node-role.kubernetes.io/worker-cnf": ""},
    )


@pytest.mark.parametrize("kernel", [None, "rt"])
def test_canonicals_host_and_guest_are_good(kernel: str | None) -> None:
    host = (
        "BOOT_IMAGE=/vmlinuz-6.14.0-28-generic root=/dev/mapper/ubuntu--vg-ubuntu--lv ro quiet splash clocksource=tsc "
        "tsc=reliable nmi_watchdog=0 nosoftlockup kthread_cpus=0-7 isolcpus=domain,managed_irq,8-15 rcu_nocb_poll "
        "rcu_nocbs=8-15 nohz=on nohz_full=8-15 irqaffinity=0-7 idle=poll"
    )
    guest = (
        "BOOT_IMAGE=/vmlinuz-6.8.1-1015-realtime root=UUID=1 ro console=tty1 console=ttyS0 kthread_cpus=0 "
        "irqaffinity=0 isolcpus=domain,managed_irq,1-7 rcu_nocb_poll rcu_nocbs=1-7 nohz=on nohz_full=1-7"
    )
    assert codes(booted(host, "0-15", "8-15")) == []
    assert codes(booted(guest, "0-7", "1-7", role="guest", facts=MachineFacts(kernel=kernel))) == []


def test_a_line_is_good_where_nobody_says_how_many_cpus_there_are() -> None:
    text = "isolcpus=managed_irq,domain,2-N nohz_full=2-N rcu_nocbs=2-N irqaffinity=0,1"
    assert codes(booted(text, "", "2-7")) == []
    assert codes(booted(text.replace("2-N", "2-7"), "", "2-7")) == []
    assert codes(booted(text.replace("2-N", "all"), "", "2-7")) == ["C34"]


@pytest.mark.parametrize("flags", ["managed_irq,", "domain,managed_irq,"])
@pytest.mark.parametrize("power", ["", NTO_POWER + "idle=poll "])
def test_openshifts_line_is_good_beside_its_profile(flags: str, power: str) -> None:
    text = f"{NTO}isolcpus={flags}2-7 {NTO_RT}{power}{NTO_PAGES}"
    hints = openshift(real_time=True, high_power=bool(power))
    assert codes(booted(text, "0-7", "2-7", profile=hints, facts=facts(kernel="rt", vendor="intel"))) == []


def test_openshifts_line_without_the_hint_at_real_time_is_good() -> None:
    machine = booted(f"{NTO}isolcpus=managed_irq,2-7", "0-7", "2-7", profile=openshift(real_time=False))
    assert codes(machine) == []
    assert codes(machine.model_copy(update={"profile": openshift(real_time=True)})) == ["C10"]


def test_openshifts_line_without_the_hint_is_held_to_the_isolated_set_in_what_it_says() -> None:
    def told(text: str, **fields: object) -> list[str]:
        return codes(booted(text, "0-7", "2-7", **fields))

    unhinted = openshift(real_time=False)
    assert told(f"{NTO}isolcpus=managed_irq,2-7 nohz_full=3-7", profile=unhinted) == ["C10"]
    assert told(f"{NTO.replace('rcu_nocbs=2-7 ', '')}isolcpus=managed_irq,2-7", profile=unhinted) == ["C10"]
    assert told(f"{NTO}isolcpus=managed_irq,2-7", plan=shares("nto")) == []
    assert told("isolcpus=managed_irq,domain,2-7 rcu_nocbs=2-7", plan=shares("nto")) == []
    assert told("isolcpus=managed_irq,domain,2-7 rcu_nocbs=2-7 nohz_full=2-7") == ["C14"]


def test_openshifts_line_is_good_in_the_dialect_of_the_plan_alone() -> None:
    text = f"{NTO}isolcpus=managed_irq,2-7 {NTO_RT}{NTO_POWER}idle=poll"
    assert codes(booted(text, "0-7", "2-7", plan=shares("nto"), facts=facts(kernel="rt"))) == []


def test_openshift_may_isolate_the_boot_cpu() -> None:
    text = (
        "nohz=on rcu_nocbs=0-1 tuned.non_isolcpus=0000000c systemd.cpu_affinity=2,3 isolcpus=managed_irq,0-1 "
        "nohz_full=0-1 nosoftlockup skew_tick=1 rcutree.kthread_prio=11"
    )
    plan = shares("nto", housekeeping="2-3", isolated="0-1")
    assert "C08" not in codes(booted(text, "0-3", "0-1", plan=plan))
    assert "C08" in codes(booted(text, "0-3", "0-1"))


STX = (
    "isolcpus=nohz,domain,managed_irq,1-16,33-48 nohz_full=1-16,33-48 rcu_nocbs=1-31,33-63 kthread_cpus=0,32 "
    "irqaffinity=17-31,49-63 rcutree.kthread_prio=21 softlockup_panic=1 nmi_watchdog=panic,1 audit=0 "
    "hugepagesz=1G hugepages=8 hugepagesz=2M hugepages=0 default_hugepagesz=2M"
)


def starlingx(text: str = STX, **fields: object) -> MachineSpec:
    plan = shares("starlingx", housekeeping="0,32", isolated="1-16,33-48", shared="17-31,49-63")
    return booted(text, "0-63", "1-16,33-48", plan=plan, **fields)


def test_starlingxs_line_is_good_in_its_dialect_and_not_in_plain_words() -> None:
    assert codes(starlingx()) == []
    assert codes(starlingx(facts=facts(kernel="rt"))) == []
    assert codes(starlingx(STX.replace("nohz_full=1-16,33-48", "nohz_full=1-31,33-63"))) == []
    plain = starlingx().model_copy(update={"plan": None})
    assert set(codes(plain)) == {"C10", "C18", "C40"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("nohz_full=1-16,33-48", "nohz_full=0-16,33-48", ["C08", "C10"]),
        ("nohz_full=1-16,33-48", "nohz_full=1-15,33-48", ["C10"]),
        ("rcu_nocbs=1-31,33-63", "rcu_nocbs=1-63", ["C10"]),
        ("nohz_full=1-16,33-48", "", ["C10"]),
        ("kthread_cpus=0,32", "", ["C15"]),
        ("irqaffinity=17-31,49-63", "irqaffinity=16-31", ["C14"]),
        ("irqaffinity=17-31,49-63", "", ["C14"]),
    ],
)
def test_starlingxs_line_is_held_to_its_own_words(old: str, new: str, expected: list[str]) -> None:
    assert codes(starlingx(STX.replace(old, new))) == expected


def test_starlingxs_kernel_threads_matter_on_hosts_that_isolate() -> None:
    assert "C15" in codes(booted("quiet", "0-7", "2-7", plan=shares("starlingx")))
    assert "C15" not in codes(booted("quiet", "0-7", "2-7", plan=shares("starlingx"), role="guest"))
    assert "C15" not in codes(booted("quiet", "0-7", "", plan=shares("starlingx", isolated="")))


def test_a_virtual_starlingx_host_has_its_ticks() -> None:
    ticking = STX.replace("nohz_full=1-16,33-48 ", "")
    assert codes(starlingx(ticking, facts=facts(virtual=True))) == []
    assert codes(starlingx(facts=facts(virtual=True))) == ["C42"]
    assert codes(starlingx(role="guest")) == ["C42"]
    assert codes(starlingx(ticking.replace("rcu_nocbs=1-31,33-63 ", ""), facts=facts(virtual=True))) == ["C10"]
    assert codes(starlingx(ticking, role="guest")) == []
    fewer = STX.replace("nohz_full=1-16,33-48", "nohz_full=1-16")
    assert codes(starlingx(fewer, facts=facts(virtual=True))) == ["C10", "C42"]


def test_starlingxs_line_is_good_where_nobody_says_how_many_cpus_there_are() -> None:
    text = "isolcpus=managed_irq,domain,2-N nohz_full=2-N rcu_nocbs=2-N irqaffinity=0,1 kthread_cpus=0-1"
    assert codes(booted(text, "", "2-7", plan=shares("starlingx"))) == []


def test_tuneds_bare_metal_profile_needs_no_tickless_cpus() -> None:
    text = "skew_tick=1 isolcpus=managed_irq,domain,2-7 intel_pstate=disable nosoftlockup tsc=reliable"
    tuned = TunedProfileSpec(name="site", role="host", include="realtime")
    machine = booted(text, "0-7", "2-7", facts=facts(kernel="rt"))
    assert not [code for code in codes(machine.model_copy(update={"tuned": tuned})) if code.startswith("C")]
    assert codes(machine) == ["C10", "C10", "C14"]
    wrong = booted(f"{text} nohz_full=3-7", "0-7", "2-7", tuned=tuned)
    assert [code for code in codes(wrong) if code.startswith("C")] == ["C10"]


def test_tuneds_partitioning_needs_neither_isolcpus_nor_irqaffinity() -> None:
    text = (
        "skew_tick=1 nohz=on nohz_full=2-7 rcu_nocbs=2-7 tuned.non_isolcpus=00000003 intel_pstate=disable nosoftlockup"
    )
    tuned = TunedProfileSpec(name="site", role="host", include="cpu-partitioning")
    unmarked = booted(text.replace("tuned.non_isolcpus=00000003 ", ""), "0-7", "2-7")
    assert not [code for code in codes(unmarked.model_copy(update={"tuned": tuned})) if code.startswith("C")]
    assert codes(unmarked) == ["C09", "C14"]


def test_a_line_that_tuneds_partitioning_wrote_tells_so_by_itself() -> None:
    text = (
        "skew_tick=1 nohz=on nohz_full=2-7 rcu_nocbs=2-7 tuned.non_isolcpus=00000003 intel_pstate=disable nosoftlockup"
    )
    assert codes(booted(text, "0-7", "2-7")) == []
    assert codes(booted(f"{text} irqaffinity=0-2", "0-7", "2-7")) == ["C14"]
    assert codes(booted(f"{text} isolcpus=managed_irq,domain,2-6", "0-7", "2-7")) == ["C09"]


def test_intels_line_with_fewer_cpus_for_interrupts_is_good_but_for_managed_ones() -> None:
    text = "nmi_watchdog=0 irqaffinity=0 isolcpus=1,3 rcu_nocbs=1,3 nohz_full=1,3"
    assert codes(booted(text, "0-3", "1,3")) == ["C12"]


def test_tuneds_partitioning_confines_daemons_itself_where_isolcpus_has_not_the_flag_domain() -> None:
    text = "isolcpus=managed_irq,2-7 nohz_full=2-7 rcu_nocbs=2-7 irqaffinity=0-1"
    tuned = TunedProfileSpec(name="site", role="host", include="cpu-partitioning")
    assert "C32" in codes(booted(text, "0-7", "2-7"))
    assert "C32" not in codes(booted(text, "0-7", "2-7", tuned=tuned))


def test_an_ordinary_machine_breaks_no_rule() -> None:
    ordinary = "BOOT_IMAGE=/vmlinuz root=/dev/sda1 ro quiet splash crashkernel=256M resume=/dev/sdb hugepages=512"
    assert codes(booted(ordinary, "0-7", "")) == []
    assert findings(KernelCmdline.parse(ordinary)) == []
