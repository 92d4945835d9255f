"""Conditions of two halves: where one half holds and the other does not, a real-time domain is left alone, or told."""

import pytest

from quietcore.rules.domain.cpu_model import D19
from quietcore.rules.examples import GUEST_CMDLINE, cpus, domain, guest, host, ordinary, pages, pins, placed, scheds
from quietcore.rules.examples import smt_host as smt
from quietcore.rules.judge import asides, findings
from quietcore.spec import CpuTopology, KernelCmdline, NodeSpec
from quietcore.spec.unsaid import Unsaid


def codes(subject: object) -> list[str]:
    return [finding.code for finding in findings(subject)]


def told(subject: object, code: str) -> list[str]:
    return [f"{found.where}: {found.given}" for found in findings(subject) if found.code == code]


def reasons(subject: object, code: str) -> list[str]:
    return [reason for told, _, reason in asides(subject) if told == code]


def test_that_a_host_limits_locking_is_a_reason_for_real_time_domains_alone() -> None:
    limited = host(memlock="limited")
    assert len(reasons(placed(limited), "D27")) == 1
    assert reasons(NodeSpec(host=limited, domain=ordinary()), "D27") == []


def test_that_nobody_says_what_runs_inside_is_a_reason_for_real_time_domains_alone() -> None:
    assert reasons(domain(guest=None), "D46") == ['nothing is declared of what runs inside domain "plc-a"']
    assert reasons(ordinary(), "D46") == []
    assert reasons(domain(), "D46") == []


def test_a_guest_without_siblings_needs_no_word_of_the_hosts_cores() -> None:
    node = placed(cpu_topology=CpuTopology(cores=4))
    assert node.host is not None
    bare = node.model_copy(update={"host": node.host.model_copy(update={"topology": Unsaid("the topology")})})
    assert list(D19.findings(bare)) == []


def test_siblings_of_which_none_is_pinned_are_told_as_unpinned() -> None:
    on = {
        "emulator_pin": cpus("0"),
        "iothreads": 0,
        "iothread_pins": (),
        "cpu_topology": CpuTopology(cores=2, threads=2),
    }
    assert codes(placed(smt(), vcpu_pins=pins(v0="1", v1="9"), **on)) == ["D02"]


def test_a_guest_that_isolates_nothing_has_no_host_numbers() -> None:
    nothing = domain(vcpu_pins=(), guest=guest(isolated=cpus(""), cmdline=None))
    assert told(nothing, "D46") == ['domain "plc-a", guest.isolated: the guest isolates no CPU; real-time: vCPUs 1-3']


POLLING = guest(cmdline=KernelCmdline.parse(f"{GUEST_CMDLINE} idle=poll"))


@pytest.mark.parametrize("emulator", ["5", "6"])
def test_a_guest_that_polls_needs_a_cpu_that_the_emulator_has_not(emulator: str) -> None:
    alone = {"iothreads": 0, "iothread_pins": (), "vcpu_pins": pins(v0="5", v1="2", v2="3", v3="4")}
    node = placed(emulator_pin=cpus(emulator), guest=POLLING, **alone).model_copy(update={"host": None})
    assert ("D47" in codes(node)) is (emulator == "5")


def test_hugepages_of_which_some_name_no_guest_cell_leave_none_out() -> None:
    assert "D25" not in codes(domain(hugepages=pages("1GiB", nodeset="1") + pages("2MiB")))
    assert "D25" in codes(domain(hugepages=pages("1GiB", nodeset="1") + pages("2MiB", nodeset="2")))


def test_a_real_time_vcpu_is_told_to_share_whichever_of_the_two_it_is() -> None:
    first = {"vcpu_scheds": scheds("0"), "guest": None}
    assert codes(domain(**first, vcpu_pins=pins(v0="2", v1="2", v2="3", v3="4"))) == ["D04"]
    last = {"vcpu_scheds": scheds("1"), "guest": None}
    assert codes(domain(**last, vcpu_pins=pins(v0="2", v1="2", v2="3", v3="4"))) == ["D04"]


def test_a_vcpu_that_is_pinned_twice_to_one_cpu_is_told_as_pinned_twice() -> None:
    assert codes(domain(vcpu_pins=(*domain().vcpu_pins, *pins(v1="2")))) == ["D02"]


def test_a_vcpu_that_floats_beyond_the_isolated_cpus_is_told_as_floating() -> None:
    assert codes(placed(vcpu_pins=pins(v0="1", v1="0-2", v2="3", v3="4"))) == ["D03"]


@pytest.mark.parametrize(
    ("vcpus", "policy", "priority", "expected"),
    [("1-3", "rr", None, False), ("1-3", "rr", 1, False), ("1-3", "rr", 2, True), ("0", "batch", 5, False)],
)
def test_a_shared_cpu_is_held_by_a_real_time_policy_alone(
    vcpus: str, policy: str, priority: int | None, expected: bool
) -> None:
    ranks = scheds(vcpus, policy, priority) + (() if policy == "rr" else scheds("1-3", "rr", 1))
    assert ("D51" in codes(placed(host(cpus="shared"), vcpu_scheds=ranks))) is expected


def test_a_domain_of_one_vcpu_has_none_for_its_os() -> None:
    one = {"vcpus": 1, "vcpu_pins": pins(v0="2"), "vcpu_scheds": scheds("0"), "guest": None}
    assert told(domain(**one), "D01") == ['domain "plc-a", vcpu: 1 vCPU']
    two = {"vcpus": 2, "vcpu_pins": pins(v0="1", v1="2"), "vcpu_scheds": scheds("1"), "guest": None}
    assert codes(domain(**two)) == []


ALL = pins(v0="5", v1="2", v2="3", v3="4")


def test_a_rank_that_nobody_wrote_is_below_all_others() -> None:
    ranks = scheds("0", priority=None) + scheds("1-3", priority=5)
    assert codes(domain(vcpu_scheds=ranks, vcpu_pins=ALL)) == ["D11"]


def test_a_vcpu_without_a_real_time_policy_has_no_rank() -> None:
    assert "D12" not in codes(domain(vcpu_scheds=scheds("0", "batch", 50) + scheds("1-3")))


def test_ranks_of_the_guests_os_alone_have_no_load_to_be_above() -> None:
    ranks = scheds("1", priority=1) + scheds("2", priority=5)
    assert codes(domain(vcpu_scheds=ranks, guest=guest(isolated=cpus("3"), cmdline=None))) == ["D46"]


def test_of_a_guest_that_isolates_nothing_vcpu_0_is_the_os() -> None:
    ranks = scheds("0", priority=6) + scheds("1-3", priority=5)
    inside = guest(isolated=cpus(""), cmdline=None)
    assert sorted(codes(domain(vcpu_scheds=ranks, vcpu_pins=ALL, guest=inside))) == ["D12", "D46"]
