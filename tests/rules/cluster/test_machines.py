"""Pools of nodes, StarlingX's shares, and what command lines say of siblings, links and clocks."""

import pytest

from quietcore.rules.cluster.examples import booted, pool, profile, topology, worker
from quietcore.rules.cluster.roles import starlingx
from quietcore.rules.examples import cpus, plan, smt_host
from quietcore.rules.judge import findings
from quietcore.spec import Cell, HostSpec, HostTopology, KernelCmdline, MachineFacts, MachineSpec
from quietcore.units import CpuSet, Size


def codes(subject: object, letter: str = "H") -> list[str]:
    return [finding.code for finding in findings(subject) if finding.code.startswith(letter)]


def pairs(*cores: str, cells: tuple[str, ...] = ("0-7",)) -> HostTopology:
    held = tuple(Cell(id=index, cpus=cpus(each), memory=Size.parse("8GiB")) for index, each in enumerate(cells))
    return HostTopology(cells=held, cores=tuple(cpus(core) for core in cores))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (topology("0-7", arch="aarch64"), "architecture aarch64, w1 has x86_64"),
        (topology("0-3"), "CPUs 0-3, w1 has 0-7"),
        (pairs("0-1", "2-3", "4-5", "6-7"), "threads per core 2 (core of CPU 0: 0-1), w1 has 1 (core of CPU 0: 0)"),
        (pairs(cells=("0-3", "4-7")), "NUMA cells 0:0-3 1:4-7, w1 has 0:0-7"),
    ],
)
def test_a_node_unlike_its_pool_is_told_by_what_differs(other: HostTopology, said: str) -> None:
    (found,) = (each for each in findings(pool(worker("w1"), worker("w2", topology=other))) if each.code == "H09")
    assert found.given == said
    assert found.where == 'w2, profile "cnf"'


def test_a_node_without_a_name_is_told_as_a_machine() -> None:
    other = worker("", topology=topology("0-3"))
    (found,) = (each for each in findings(pool(worker("w1"), other)) if each.code == "H09")
    assert found.where == 'machine, profile "cnf"'


def test_nodes_of_different_profiles_or_of_unknown_topology_are_not_compared() -> None:
    du = profile(name="du", node_selector={"node-role.kubernetes.io/du": ""})
    assert codes(pool(worker("w1"), worker("w2", topology=topology("0-3"), profile=du))) == []
    assert codes(pool(worker("w1"), worker("w2", topology=None), worker("w3"))) == []
    assert codes(pool(worker("w1"), worker("w2", topology=topology("0-3"), profile=None))) == []


def test_one_profile_on_many_nodes_selects_its_nodes_once() -> None:
    assert codes(pool(worker("w1"), worker("w2"), worker("w3"))) == []


def test_profiles_without_a_selector_do_not_clash() -> None:
    bare = [profile(name=name, node_selector=None) for name in ("a", "b")]
    assert "H18" not in codes(pool(*(worker(each.name, profile=each) for each in bare)))


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        ({"housekeeping": "0,8", "isolated": "1-3,9-11"}, []),
        ({"housekeeping": "0,8", "isolated": "1-7,9-15"}, ["H13"]),
        ({"housekeeping": "0,8", "isolated": "1-6,9-14", "offlined": "7,15"}, ["H13"]),
        ({"housekeeping": "0,8", "vswitch": "1-4,9-12", "isolated": "5-6,13-14"}, []),
        ({"housekeeping": "0,8", "vswitch": "1-4,9-12", "isolated": "5-7,13-15"}, ["H13"]),
        ({"housekeeping": "0,8", "shared": "1-2,9-10", "isolated": "3-7,11-15"}, ["H13"]),
        ({"housekeeping": "0,8", "shared": "1-2", "isolated": "3-7,9-15"}, ["H13"]),
        ({"housekeeping": "0,8", "shared": "1,4,9,12", "isolated": "2-3,5-7,10-11,13-15"}, []),
    ],
)
def test_starlingx_limits_its_functions(sets: dict[str, str], expected: list[str]) -> None:
    assert codes(smt_host(starlingx(**sets))) == expected


@pytest.mark.parametrize(("vswitch", "expected"), [("1-8", []), ("1-9", ["H13"])])
def test_the_vswitch_of_starlingx_has_eight_cores_at_most(vswitch: str, expected: list[str]) -> None:
    shares = starlingx(housekeeping="0", vswitch=vswitch, isolated="10")
    host = HostSpec(name="h", topology=topology("0-11"), cpus=shares)
    assert codes(host) == expected
    assert codes(host.model_copy(update={"cpus": shares.model_copy(update={"dialect": "plain"})})) == []


def test_cpus_of_no_set_are_starlingx_applications() -> None:
    shares = starlingx(housekeeping="0", isolated="1-2")
    host = HostSpec(name="h", topology=topology("0-3"), cpus=shares)
    assert findings(host) == []
    plain = shares.model_copy(update={"dialect": "plain"})
    assert codes(host.model_copy(update={"cpus": plain}), "C") == ["C03"]


@pytest.mark.parametrize(
    ("sets", "dialect", "expected"),
    [
        ({"housekeeping": "0,907", "isolated": "1"}, "starlingx", []),
        ({"housekeeping": "0,908", "isolated": "1"}, "starlingx", ["H12"]),
        ({"housekeeping": "0,908", "vswitch": "1", "isolated": ""}, "starlingx", ["H12"]),
        ({"housekeeping": "0,908", "isolated": ""}, "starlingx", []),
        ({"housekeeping": "0,908", "isolated": "1"}, "plain", []),
    ],
)
def test_storage_threads_of_starlingx_have_a_mask_of_limited_length(
    sets: dict[str, str], dialect: str, expected: list[str]
) -> None:
    assert codes(starlingx(**sets).model_copy(update={"dialect": dialect})) == expected


def smt(isolated: str, **changes: object) -> MachineSpec:
    known = pairs("0,4", "1,5", "2,6", "3,7")
    return MachineSpec(online=cpus("0-7"), isolated=cpus(isolated), topology=known).model_copy(update=changes)


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        (smt("2-3,6-7"), []),
        (smt("2,6"), []),
        (smt("2-3"), ["H02"]),
        (smt(""), []),
        (smt("2-3", online=cpus("0-3")), []),
        (smt("2-3", online=CpuSet()), ["H02"]),
        (smt("2-3", cmdline=KernelCmdline.parse("nosmt")), []),
        (smt("2-3", cmdline=KernelCmdline.parse("nosmt=force"), online=CpuSet()), []),
        (smt("2-3", cmdline=KernelCmdline.parse("quiet")), ["H02"]),
        (smt("2-3", topology=None), []),
        (smt("2-3", topology=topology()), []),
        (smt("2-3", plan=plan()), []),
    ],
)
def test_siblings_are_isolated_together(machine: MachineSpec, expected: list[str]) -> None:
    assert codes(machine) == expected


def test_the_split_core_is_named_with_both_ends() -> None:
    (found,) = findings(smt("2-3", files={"cmdline": "grub", "topology": "lscpu.json"}))
    assert found.given == "2-3 of grub; core 2,6 of lscpu.json has CPU 6 outside, and 1 more"
    assert found.hint.startswith("isolate 2-3,6-7")


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("", []),
        ("pcie_aspm=off", []),
        ("pcie_aspm=force", ["H05"]),
        ("pcie_aspm.policy=performance", []),
        ("pcie_aspm.policy=powersave", ["H05"]),
        ("pcie_aspm.policy=powersupersave", ["H05"]),
        ("clocksource=tsc", []),
        ("clocksource=hpet", ["H16"]),
        ("clocksource=kvm-clock", ["H16"]),
        ("notsc", ["H16"]),
        ("tsc=unstable", ["H16"]),
        ("tsc=nowatchdog", []),
    ],
)
def test_links_and_clocks_are_judged_where_they_are_said(extra: str, expected: list[str]) -> None:
    assert codes(booted(extra)) == expected


def test_clocks_are_no_matter_for_others() -> None:
    assert codes(booted("clocksource=kvm-clock", role="guest")) == []
    assert codes(booted("clocksource=arch_sys_counter", facts=MachineFacts(arch="aarch64"))) == []
    ordinary = {"isolated": CpuSet()}
    assert codes(booted("clocksource=hpet pcie_aspm=force", **ordinary)) == []


def test_the_boot_cpus_core_is_never_advised() -> None:
    (found,) = (each for each in findings(smt("4-7")) if each.code == "H02")
    assert found.hint == "isolate 1-3,5-7, or switch the other threads off (nosmt)"
    (found,) = (each for each in findings(smt("4")) if each.code == "H02")
    assert found.hint == "switch SMT off (nosmt)"
