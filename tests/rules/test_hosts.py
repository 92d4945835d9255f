"""A host with several domains: CPUs, cores and pages that two of them want."""

from quietcore.rules.examples import cpus, domain, host, ordinary, pages, pins, plan, scheds, smt_host, view
from quietcore.rules.judge import alone, findings, newest
from quietcore.spec import DomainSpec, HostView, NumaTune
from quietcore.units import Size


def small(name: str, rt: str, **changes: object) -> DomainSpec:
    """A domain of one real-time vCPU on the host with SMT."""
    plain = {"vcpus": 2, "vcpu_scheds": scheds("1"), "guest": None, "emulator_pin": cpus("0"), "iothreads": 0}
    return domain(name=name, iothread_pins=(), **({"vcpu_pins": pins(v0="0", v1=rt)} | plain | changes))


def told(subject: HostView, code: str) -> list[str]:
    return [f"{found.where}: {found.given}" for found in findings(subject) if found.code == code]


def test_a_pair_of_domains_is_told_once_and_names_both_ends() -> None:
    both = view(domain(), domain(name="plc-b"))
    assert told(both, "D05") == [
        'node "plc-b", pins[1]: CPU 2 for vCPU 1, held by vCPU 1 of node "plc-a"; '
        'CPU 3 for vCPU 2, held by vCPU 2 of node "plc-a"; CPU 4 for vCPU 3, held by vCPU 3 of node "plc-a"'
    ]


def test_three_domains_on_one_cpu_are_three_pairs() -> None:
    one, two, three = (small(name, "1") for name in ("a", "b", "c"))
    assert len(told(view(one, two, three, on=smt_host()), "D05")) == 3


def test_housekeeping_vcpus_of_two_domains_may_share_a_cpu() -> None:
    assert findings(view(small("a", "1"), small("b", "2"), on=smt_host())) == []


def test_a_housekeeping_vcpu_on_another_domains_real_time_cpu_is_refused() -> None:
    intruder = small("b", "2", vcpu_pins=pins(v0="1", v1="2"))
    assert told(view(small("a", "1"), intruder, on=smt_host()), "D05") == [
        'node "b", pins[0]: CPU 1 for vCPU 0, held by vCPU 1 of node "a"'
    ]


def test_an_ordinary_domain_that_is_pinned_to_a_real_time_cpu_is_named() -> None:
    web = ordinary(vcpu_pins=pins(v0="0-3"))
    assert told(view(domain(), web), "D05") == [
        'domain "web", cputune.vcpupin[0]: CPU 2 for vCPU 0, held by vCPU 1 of node "plc-a"; '
        'CPU 3 for vCPU 0, held by vCPU 2 of node "plc-a"'
    ]


def test_ordinary_domains_among_themselves_break_no_rule() -> None:
    crowd = [ordinary(name=name, vcpu_pins=pins(v0="2", v1="2"), hugepages=pages("1GiB")) for name in "abcdefghijkl"]
    assert findings(view(*crowd)) == []


def test_siblings_of_two_domains_are_a_shared_core() -> None:
    assert told(view(small("a", "1"), small("b", "9"), on=smt_host()), "D20") == [
        'node "b", pins[1]: CPU 9 for vCPU 1; its sibling 1 is used by vCPU 1 of node "a"'
    ]


def test_a_domains_own_housekeeping_vcpu_on_the_sibling_is_a_shared_core() -> None:
    assert len(told(view(small("a", "1", vcpu_pins=pins(v0="9", v1="1")), on=smt_host()), "D20")) == 1


def test_one_domain_may_have_both_threads_of_a_core() -> None:
    whole = domain(
        vcpus=3, vcpu_scheds=scheds("1-2"), vcpu_pins=pins(v0="0", v1="1", v2="9"), guest=None, emulator_pin=cpus("0")
    ).model_copy(update={"iothreads": 0, "iothread_pins": ()})
    assert findings(view(whole, on=smt_host())) == []


def test_an_idle_sibling_is_fine() -> None:
    assert findings(view(small("a", "1"), on=smt_host())) == []


def test_a_core_that_the_plan_splits_is_told_once_as_the_plans_fault() -> None:
    shares = plan(housekeeping="0,4,8,9,12", isolated="1-3,5-7,10-11,13-15")
    crossed = view(small("a", "1", vcpu_pins=pins(v0="9", v1="1")), on=smt_host(shares))
    assert [found.code for found in findings(crossed)] == ["C05"]


def test_pages_are_summed_over_the_domains_of_a_cell() -> None:
    three = Size.parse("3GiB")
    nodes = [small(name, rt, memory=three) for name, rt in (("a", "1"), ("b", "2"), ("c", "3"))]
    assert findings(view(*nodes, on=smt_host())) == []
    six = [node.model_copy(update={"memory": Size.parse("6GiB")}) for node in nodes]
    assert told(view(*six, on=smt_host()), "D26") == [
        'host "hv2", topology.cells[0].pages: 18 pages of 1GiB wanted in cell 0: node "a" 6, node "b" 6, node "c" 6'
    ]


def test_cells_are_counted_apart() -> None:
    far = {"numa": NumaTune(mode="strict", nodeset=cpus("1")), "emulator_pin": cpus("4")}
    one = small("a", "1", memory=Size.parse("16GiB"))
    other = small("b", "5", memory=Size.parse("16GiB"), **far)
    assert findings(view(one, other, on=smt_host())) == []


def test_a_page_size_that_the_host_has_not_is_none() -> None:
    found = findings(view(domain(hugepages=pages("2MiB"))))
    assert [(f.code, f.allowed) for f in found] == [("D26", "0 pages of 2MiB, as the topology declares")]


def test_the_newest_node_is_judged_with_its_neighbours_but_not_they_again() -> None:
    old_fault = domain(pmu=True)
    both = view(old_fault, domain(name="plc-b", memballoon=None))
    assert [found.code for found in newest(both)] == ["D05", "D31"]
    assert [found.code for found in alone(both)] == ["D05"]
    assert [found.code for found in findings(both)] == ["D05", "D31", "D32"]


def test_a_shared_host_refuses_fifo_and_higher_priorities() -> None:
    shared = host(cpus="shared")
    assert [f.code for f in findings(view(domain(vcpu_scheds=scheds("1-3", "fifo", 1)), on=shared))] == ["D51"]
    assert [f.code for f in findings(view(domain(vcpu_scheds=scheds("1-3", "rr", 2)), on=shared))] == ["D51"]
    assert findings(view(domain(vcpu_scheds=scheds("1-3", "rr", 1)), on=shared)) == []
