"""CPU plans, command lines and profiles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietcore.rules.examples import boot, host, plan, profile, smt_host
from quietcore.rules.judge import findings
from quietcore.spec import Cell, CpuPlan, HostSpec, HostTopology
from quietcore.units import CpuSet, Size

ALL = CpuSet(range(8))
SETS = st.frozensets(st.integers(0, 9), max_size=10).map(CpuSet)


def codes(subject: object) -> list[str]:
    return [finding.code for finding in findings(subject)]


def flat(shares: CpuPlan) -> HostSpec:
    cell = Cell(id=0, cpus=ALL, memory=Size.parse("8GiB"))
    return HostSpec(name="hv", topology=HostTopology(cells=(cell,)), cpus=shares)


@given(housekeeping=SETS, isolated=SETS, shared=SETS, offlined=SETS)
def test_a_plan_is_a_partition_of_the_host_or_a_finding(
    housekeeping: CpuSet, isolated: CpuSet, shared: CpuSet, offlined: CpuSet
) -> None:
    sets = [housekeeping, isolated, shared, offlined]
    shares = CpuPlan(housekeeping=housekeeping, isolated=isolated, shared=shared, offlined=offlined)
    partition = CpuSet().union(sets) == ALL and sum(map(len, sets)) == len(ALL)
    sound = partition and bool(housekeeping) and bool(isolated)
    assert sound == (not {"C01", "C02", "C03", "C04"} & set(codes(flat(shares))))


@given(owner=st.lists(st.integers(0, 3), min_size=8, max_size=8))
def test_a_partition_gives_at_most_the_warning_of_the_boot_cpu(owner: list[int]) -> None:
    parts = [CpuSet(cpu for cpu, mine in enumerate(owner) if mine == which) for which in range(4)]
    shares = CpuPlan(housekeeping=parts[0], isolated=parts[1], shared=parts[2], offlined=parts[3])
    empty = {"C01"} if not parts[0] or not parts[1] else set()
    boot_cpu = {"C07"} if 0 in parts[1] else set()
    assert set(codes(flat(shares))) == empty | boot_cpu


@given(owner=st.lists(st.integers(0, 3), min_size=16, max_size=16))
def test_threads_of_a_core_lie_in_one_set_or_are_told(owner: list[int]) -> None:
    parts = [CpuSet(cpu for cpu, mine in enumerate(owner) if mine == which) for which in range(4)]
    shares = CpuPlan(housekeeping=parts[0], isolated=parts[1], shared=parts[2], offlined=parts[3])
    whole = all(owner[cpu] == owner[cpu + 8] or 3 in (owner[cpu], owner[cpu + 8]) for cpu in range(8))
    assert ("C05" in codes(smt_host(shares))) == (not whole)


def test_each_pair_of_sets_is_told_once() -> None:
    found = findings(plan(housekeeping="0-3", isolated="2-7", shared="3"))
    assert [finding.given for finding in found if finding.code == "C02"] == [
        "isolated 2-7, housekeeping 0-3; both contain: 2-3",
        "shared 3, housekeeping 0-3; both contain: 3",
        "shared 3, isolated 2-7; both contain: 3",
    ]


def test_a_host_with_an_offlined_sibling_is_fine() -> None:
    assert codes(smt_host(plan(housekeeping="0,4", isolated="1-3,5-7", offlined="8-15"))) == []


def test_many_split_cores_are_told_in_one_finding() -> None:
    (found,) = findings(smt_host(plan(housekeeping="0-7", isolated="8-15")))
    assert found.given.endswith("core 3,11: housekeeping 3, isolated 11; and 4 more")


def test_warnings_come_after_errors() -> None:
    assert codes(host(plan(housekeeping="", isolated="0-7"))) == ["C01", "C07"]


@pytest.mark.parametrize(
    "cmdline",
    [
        "isolcpus=managed_irq,1,2,3 systemd.cpu_affinity=0",
        "isolcpus=nohz,domain,managed_irq,1-3",
        'isolcpus="managed_irq,domain,1-3"',
    ],
)
def test_a_command_line_may_say_the_same_set_in_any_form(cmdline: str) -> None:
    assert codes(boot(f"{cmdline} nohz_full=1-N rcu_nocbs=1,2,3 irqaffinity=0 quiet")) == []


@pytest.mark.parametrize(
    ("cmdline", "expected"),
    [
        ("", ["C09", "C10", "C10", "C14"]),
        ("isolcpus=managed_irq,domain,1-3 nohz_full=1-3 rcu_nocbs=1-3", ["C14"]),
        ("isolcpus=managed_irq,domain,1-3 nohz_full=2-3 rcu_nocbs=1-3 irqaffinity=0", ["C10"]),
        ("isolcpus=managed_irq,domain,1-3 nohz_full=1-3 rcu_nocbs irqaffinity=0", ["C10"]),
        ("isolcpus=managed_irq,domain,3-1 nohz_full=1-3 rcu_nocbs=1-3 irqaffinity=0", ["C34"]),
        ("isolcpus=managed_irq,domain,1-3 nohz_full=1-3 rcu_nocbs=1-3 irqaffinity=0-3", ["C14"]),
        ("isolcpus=1-3 nohz_full=1-3 rcu_nocbs=1-3 irqaffinity=0", ["C12"]),
        ("isolcpus=1 isolcpus=managed_irq,domain,1-3 nohz_full=1-3 rcu_nocbs=1-3 irqaffinity=0", ["C35"]),
    ],
)
def test_each_parameter_that_disagrees_is_told(cmdline: str, expected: list[str]) -> None:
    assert codes(boot(cmdline)) == expected


def test_a_machine_without_isolated_cpus_needs_no_parameters() -> None:
    assert codes(boot("quiet", isolated="")) == []
    assert codes(boot("isolcpus=managed_irq,1 systemd.cpu_affinity=0", isolated="")) == ["C09"]


def test_a_machine_that_isolates_every_cpu_has_none_for_interrupts() -> None:
    line = "isolcpus=managed_irq,domain,0-3 nohz_full=0-3 rcu_nocbs=0-3 irqaffinity=0"
    assert codes(boot(line, isolated="0-3")) == ["C08", "C14"]


@pytest.mark.parametrize("include", ["realtime", "realtime-virtual-guest, my-own", None])
def test_a_parent_that_switches_throttling_off_is_enough(include: str | None) -> None:
    assert codes(profile(include=include)) == []


@pytest.mark.parametrize("include", ["balanced", "cpu-partitioning", "my-own"])
def test_another_parent_needs_the_setting_itself(include: str) -> None:
    assert codes(profile(include=include)) == ["T06"]
    assert codes(profile(include=include, sysctl={"kernel.sched_rt_runtime_us": "-1"})) == []


def test_a_profile_that_writes_what_is_declared_is_a_second_writer_too() -> None:
    assert codes(boot(tuned=profile(cmdline=("isolcpus=managed_irq,domain,1-3", "nosoftlockup")))) == ["T04", "T04"]
