"""CPU plans of hosts with a userspace switch, without SMT, and with several cells."""

from __future__ import annotations

import pytest

from quietcore.rules.examples import cpus, host, plan, smt_host
from quietcore.rules.judge import asides, findings
from quietcore.rules.kernel.examples import line, machine, shares
from quietcore.spec import CpuPlan, HostFacts, HostSpec


def codes(subject: object) -> list[str]:
    return [finding.code for finding in findings(subject)]


def without_smt(shares: CpuPlan) -> HostSpec:
    return smt_host(shares).model_copy(update={"facts": HostFacts(smt="off")})


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        ({"housekeeping": "0", "vswitch": "1"}, []),
        ({"housekeeping": "0", "vswitch": ""}, ["C03"]),
        ({"housekeeping": "0-1", "vswitch": "1"}, ["C02"]),
        ({"housekeeping": "0-1", "vswitch": "2"}, ["C02"]),
        ({"housekeeping": "0-1", "vswitch": "8"}, ["C04"]),
        ({"housekeeping": "0-1", "isolated": "2-5", "shared": "6", "vswitch": "7"}, []),
        ({"housekeeping": "0-1", "isolated": "2-5", "shared": "6", "vswitch": "6-7"}, ["C02"]),
    ],
)
def test_the_switchs_cpus_are_a_set_of_their_own(sets: dict[str, str], expected: list[str]) -> None:
    assert codes(host(shares(**sets))) == expected


def test_siblings_are_whole_in_the_switchs_set_too() -> None:
    split = {"housekeeping": "0,4,8,12", "isolated": "2-3,5-7,10-11,13-15"}
    assert codes(smt_host(shares(**split, vswitch="1,9"))) == []
    assert codes(smt_host(shares(**split, vswitch="1", shared="9"))) == ["C05"]


@pytest.mark.parametrize(
    ("sets", "where"),
    [
        ({"housekeeping": "0,4,8", "isolated": "1-3,5-7,9-15"}, "cpus.isolated"),
        ({"housekeeping": "0,4,8", "isolated": "1-3,5-7,9-11,13-15", "shared": "12"}, "cpus.shared"),
        ({"housekeeping": "0,4,8", "isolated": "1-3,5-7,9-11,13-15", "vswitch": "12"}, "cpus.vswitch"),
    ],
)
def test_a_split_core_is_told_at_a_set_that_has_a_thread_of_it(sets: dict[str, str], where: str) -> None:
    told = [found.where for found in findings(smt_host(shares(**sets))) if found.code == "C05"]
    assert told == [f'host "hv2", {where}']


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        ({"housekeeping": "0,4", "isolated": "1-3,5-7"}, []),
        ({"housekeeping": "0,4", "isolated": "1-3,5-7", "offlined": "8-15"}, []),
        ({"housekeeping": "0,4", "isolated": "1-3,5-6"}, ["C03"]),
        ({"housekeeping": "0,4", "isolated": "1-3,5-8"}, ["C04"]),
    ],
)
def test_without_smt_the_second_threads_are_not_there(sets: dict[str, str], expected: list[str]) -> None:
    assert codes(without_smt(plan(**sets))) == expected


def test_with_smt_they_are() -> None:
    assert codes(smt_host(plan(housekeeping="0,4", isolated="1-3,5-7"))) == ["C03"]


def test_each_cell_with_isolated_cpus_has_housekeeping() -> None:
    one_sided = {"housekeeping": "0-1,8-9", "isolated": "2-7,10-15"}
    (found,) = findings(smt_host(plan(**one_sided)))
    assert found.code == "C06"
    assert found.given == "housekeeping 0-1,8-9; cell 1 (4-7,12-15) has none of it"
    assert found.hint == "move CPUs 4,12 of cell 1 to housekeeping"
    assert codes(smt_host(plan(housekeeping="0-1,8-9", isolated="2-3,10-11,5-7,13-15", shared="4,12"))) == []
    assert codes(smt_host(plan(housekeeping="0-1,8-9", isolated="2-3,10-11", shared="4-7,12-15"))) == []


@pytest.mark.parametrize("dialect", ["nto", "starlingx"])
def test_others_keep_housekeeping_on_one_cell_and_are_told_why_nobody_minds(dialect: str) -> None:
    one_sided = smt_host(shares(dialect, housekeeping="0-1,8-9", isolated="2-7,10-15"))
    assert "C06" not in codes(one_sided)
    assert ("C06", 'host "hv2"') in [(code, where) for code, where, _ in asides(one_sided)]


def test_a_plan_without_housekeeping_is_told_once() -> None:
    assert codes(smt_host(plan(housekeeping="", isolated="1-15", shared="0"))) == ["C01", "C05"]


def test_the_switchs_cpus_may_be_isolated_with_the_others() -> None:
    both = shares(isolated="2-5", vswitch="6-7")
    only = line().model_copy(update={"parameters": tuple(word.replace("2-7", "2-5") for word in line().parameters)})
    assert codes(machine(isolated=cpus("2-5"), plan=both)) == []
    assert codes(machine(isolated=cpus("2-5"), plan=both, cmdline=only)) == []
    assert codes(machine(isolated=cpus("2-5"), plan=shares(isolated="2-5", shared="6-7"))) == [
        "C09",
        "C10",
        "C10",
    ]


def test_openshift_may_isolate_the_boot_cpu() -> None:
    reversed_sets = {"housekeeping": "2-7", "isolated": "0-1"}
    assert codes(shares(**reversed_sets)) == ["C07"]
    assert codes(shares("starlingx", **reversed_sets)) == ["C07"]
    assert codes(shares("nto", **reversed_sets)) == []


def test_at_most_four_split_cores_are_told_one_by_one() -> None:
    four = {"housekeeping": "0-3,4-7,12-15", "isolated": "8-11"}
    (found,) = (each for each in findings(smt_host(plan(**four))) if each.code == "C05")
    assert found.given.endswith("core 3,11: housekeeping 3, isolated 11")
    five = {"housekeeping": "0-4,5-7,13-15", "isolated": "8-12"}
    (found,) = (each for each in findings(smt_host(plan(**five))) if each.code == "C05")
    assert found.given.endswith("core 3,11: housekeeping 3, isolated 11; and 1 more")


def test_a_core_with_a_thread_that_is_offlined_is_whole_even_where_no_other_is_planned() -> None:
    assert codes(smt_host(plan(housekeeping="0,4,8,12", isolated="1-3,5-7,9-11,13-14", offlined="15"))) == []
    assert codes(smt_host(plan(housekeeping="0,4,8,12", isolated="1-3,5-7,9-11,13-14"))) == ["C03"]
