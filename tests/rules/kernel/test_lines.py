"""Each rule on the words of a command line at its edge: what is just allowed and what is just refused."""

from __future__ import annotations

import pytest

from quietcore.rules.judge import findings
from quietcore.rules.kernel.examples import facts, line, machine, shares
from quietcore.spec import KernelCmdline, MachineSpec
from quietcore.units import CpuSet


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
        ("nohz_full=9-N", ["C34"]),
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
        ("irqaffinity=x", ["C34"]),
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
        ("rcutree.kthread_prio=\u0661\u0661", ["C38"]),
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


def test_interrupts_need_a_cpu_that_runs() -> None:
    offlined = shares(isolated="2-7", offlined="8")
    assert codes(swapped("irqaffinity=8").model_copy(update={"plan": offlined})) == ["C14"]
    assert codes(swapped("irqaffinity=0,8").model_copy(update={"plan": offlined})) == []


def test_without_the_flag_domain_systemd_keeps_the_daemons_away() -> None:
    flags = ("isolcpus", "systemd.cpu_affinity")
    assert codes(machine("isolcpus=managed_irq,2-7", without=flags)) == ["C32"]
    assert codes(machine("isolcpus=managed_irq,2-7 systemd.cpu_affinity=0", without=flags)) == []
    assert codes(machine("isolcpus=managed_irq,2-7", without=flags, facts=facts(partitions=True))) == []


def test_without_nohz_full_nobody_needs_nohz() -> None:
    assert codes(KernelCmdline.parse("nohz=off")) == []


def test_each_list_that_cannot_be_read_is_told_beside_an_unknown_flag() -> None:
    both = machine("isolcpus=domian,2-7 nohz_full=y", without=("isolcpus", "nohz_full"))
    assert [found.where for found in findings(both) if found.code == "C34"] == ["cmdline.isolcpus", "cmdline.nohz_full"]


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
    assert hint("irqaffinity") == ["write the CPUs that are not isolated into irqaffinity"]
    assert hint("kthread_cpus=0-2") == ["write the housekeeping CPUs into kthread_cpus"]
    assert hint("systemd.cpu_affinity=0-2") == ["write systemd.cpu_affinity=0-1"]
    assert hint("systemd.cpu_affinity=2") == ["write the housekeeping CPUs into systemd.cpu_affinity"]
    assert hint("nohz_full=2-N") == []
    assert hint("irqaffinity=0-N") == []


def test_both_ends_are_told_of_a_list_that_disagrees() -> None:
    def told(subject: MachineSpec) -> list[tuple[str, str]]:
        return [(finding.given, finding.allowed) for finding in findings(subject)]

    missing = machine(without=("isolcpus",))
    assert told(missing) == [
        ("no isolcpus; isolated CPUs are 2-7 of 0-7", "isolcpus=managed_irq,domain,2-7"),
    ]
    unknown = missing.model_copy(update={"online": CpuSet()})
    assert told(unknown) == [("no isolcpus; isolated CPUs are 2-7", "isolcpus=managed_irq,domain,2-7")]
    nobody = MachineSpec(online=CpuSet(range(8)), cmdline=KernelCmdline.parse("nohz_full=2-7"))
    assert told(nobody) == [("nohz_full=2-7; isolated CPUs are none of 0-7", "no nohz_full")]
    somewhere = swapped("irqaffinity=2").model_copy(update={"online": CpuSet()})
    assert told(somewhere) == [("irqaffinity=2; isolated CPUs are 2-7", "without 2-7")]
    nowhere = machine(without=("irqaffinity",)).model_copy(update={"online": CpuSet()})
    assert told(nowhere) == [("no irqaffinity; isolated CPUs are 2-7", "without 2-7")]
