"""Several domains on one host, at the edges: who is told of whom, and whose pages are counted where."""

from quietcore.rules.domain.hosted import D05
from quietcore.rules.examples import cpus, domain, ordinary, pages, pins, scheds, smt_host, view
from quietcore.rules.judge import findings
from quietcore.spec import DomainSpec, Finding, HostSpec, HostView, HugePages, NumaTune
from quietcore.spec.unsaid import Unsaid
from quietcore.units import CpuSet, Size


def small(name: str, rt: str, **changes: object) -> DomainSpec:
    """A domain of one real-time vCPU on the host with SMT."""
    plain = {"vcpus": 2, "vcpu_scheds": scheds("1"), "guest": None, "emulator_pin": cpus("0"), "iothreads": 0}
    return domain(name=name, iothread_pins=(), **({"vcpu_pins": pins(v0="0", v1=rt)} | plain | changes))


def of(subject: HostView, code: str) -> list[Finding]:
    return [found for found in findings(subject) if found.code == code]


def test_a_real_time_domains_emulator_on_anothers_cpu_is_told_as_the_emulators_place_alone() -> None:
    both = view(small("a", "1"), small("b", "2", emulator_pin=cpus("1")), on=smt_host())
    assert [found.code for found in findings(both)] == ["D07"]


def test_an_ordinary_domains_emulator_on_a_real_time_cpu_is_told() -> None:
    both = view(domain(), ordinary(emulator_pin=cpus("2")))
    assert [found.given for found in of(both, "D05")] == [
        'CPU 2 for the emulator, held by vCPU 1 of node "plc-a"',
    ]


def test_who_holds_a_cpu_twice_is_shown_what_is_free() -> None:
    (found,) = of(view(domain(), domain(name="plc-b")), "D05")
    assert found.hint == "use free isolated CPUs: 5-7"


def test_where_no_isolated_cpu_is_free_another_host_is_advised() -> None:
    rest = ordinary(vcpus=3, vcpu_pins=pins(v0="5", v1="6", v2="7"))
    found = of(view(domain(), domain(name="plc-b"), rest), "D05")
    assert [each.hint for each in found] == ["use another host: no isolated CPU is free here"]


def test_where_no_file_tells_the_hosts_plan_none_of_its_cpus_is_advised() -> None:
    both = view(domain(), domain(name="plc-b"))
    bare = both.model_copy(update={"host": both.host.model_copy(update={"cpus": Unsaid("the host's plan")})})
    assert [found.hint for found in D05.findings(bare)] == ["pin one of them to other CPUs"]


def test_of_one_domains_threads_on_a_core_the_real_time_one_is_told() -> None:
    found = of(view(small("a", "1", vcpu_pins=pins(v0="9", v1="1")), on=smt_host()), "D20")
    assert [(each.where, each.given) for each in found] == [
        ('node "a", pins[1]', 'CPU 1 for vCPU 1; its sibling 9 is used by vCPU 0 of node "a"')
    ]


def unequal() -> HostSpec:
    """The host with SMT, of whose cells the second has fewer pages."""
    host = smt_host()
    first, second = host.topology.cells
    cells = (first, second.model_copy(update={"pages": {Size.parse("1GiB"): 4}}))
    return host.model_copy(update={"topology": host.topology.model_copy(update={"cells": cells})})


def in_cell(cells: str, gib: int) -> DomainSpec:
    numa = NumaTune(mode="strict", nodeset=cpus(cells))
    return small("a", "5", numa=numa, memory=Size(gib << 30), emulator_pin=cpus("4"), vcpu_pins=pins(v0="4", v1="5"))


def test_pages_are_counted_in_the_cell_that_they_come_from() -> None:
    assert of(view(in_cell("1", 4), on=unequal()), "D26") == []
    (found,) = of(view(in_cell("1", 5), on=unequal()), "D26")
    assert found.where == 'host "hv2", topology.cells[1].pages'
    assert found.allowed == "4 pages of 1GiB, as the topology declares"


def test_pages_of_memory_that_is_bound_to_no_single_cell_of_the_host_are_not_counted() -> None:
    for cells in ("0-1", "7"):
        assert of(view(in_cell(cells, 30), on=unequal()), "D26") == []
    assert of(view(small("a", "1", numa=None, memory=Size.parse("30GiB")), on=unequal()), "D26") == []


def test_pages_of_no_declared_size_are_told_once_and_not_counted() -> None:
    unsized = (HugePages(size=Size(0), nodeset=CpuSet()),)
    assert [found.code for found in findings(view(domain(hugepages=unsized)))] == ["D23"]
    beside = (*unsized, *pages("1GiB"))
    both = view(domain(hugepages=beside, memory=Size.parse("9GiB")))
    assert [found.code for found in findings(both)] == ["D23", "D26"]


def test_an_ordinary_domain_that_was_there_first_is_told_at_the_real_time_one() -> None:
    found = of(view(ordinary(vcpu_pins=pins(v0="2")), domain()), "D05")
    assert [each.where for each in found] == ['node "plc-a", pins[1]']


def test_each_pair_of_domains_on_a_core_is_told_once() -> None:
    both_threads = small("b", "9", vcpu_pins=pins(v0="9", v1="9"))
    assert len(of(view(small("a", "1"), both_threads, on=smt_host()), "D20")) == 1
    for places in (("1", "9", "9"), ("1", "1", "9")):
        three = [small(name, rt) for name, rt in zip("abc", places, strict=True)]
        assert len(of(view(*three, on=smt_host()), "D20")) == 2


def test_a_domains_own_emulator_on_a_sibling_is_told_as_the_emulators_place_alone() -> None:
    assert [found.code for found in findings(view(small("a", "1", emulator_pin=cpus("9")), on=smt_host()))] == ["D07"]


def test_memory_of_one_cell_and_memory_of_none_are_counted_apart() -> None:
    both = view(in_cell("1", 5), small("b", "1", numa=None), on=unequal())
    assert len(of(both, "D26")) == 1


def test_an_ordinary_domain_takes_pages_from_a_real_time_one() -> None:
    web = ordinary(hugepages=pages("1GiB"), memory=Size.parse("7GiB"))
    (found,) = of(view(domain(), web), "D26")
    assert found.given == '9 pages of 1GiB wanted in cell 0: node "plc-a" 2, domain "web" 7'


def test_a_domain_that_uses_one_cpu_twice_is_no_pair_of_domains() -> None:
    twice = small("a", "1", vcpu_pins=pins(v0="1", v1="1"))
    both = view(twice, small("b", "2"), on=smt_host())
    assert [found.code for found in findings(both)] == ["D04"]
