from __future__ import annotations

from quietcore.rules.cross.cpus import X01
from quietcore.rules.cross.examples import both, keeping
from quietcore.rules.cross.memory import X02, X03, X04
from quietcore.rules.examples import GUEST_CMDLINE, cpus, domain, guest, host, ordinary, pages, view
from quietcore.rules.kubelet.cpu_manager import K01
from quietcore.rules.kubelet.examples import kubelet
from quietcore.rules.kubelet.reservation import K03
from quietcore.rules.workload.examples import GIB, amounts, container, pod
from quietcore.spec import HostView, IothreadPin, KernelCmdline
from quietcore.units import Size


def given(view: HostView) -> list[str]:
    return [finding.given for finding in X01.findings(view)]


def test_both_ends_are_named_thread_by_thread() -> None:
    assert given(both(domain(), kubelet=keeping("0-3"))) == [
        "vCPU 3 on 4; kubelet.yaml reserves 0-3, so it may give 4-7 to pods"
    ]


def test_the_emulator_and_iothreads_count_too() -> None:
    io = (IothreadPin(iothread=1, cpus=cpus("6")),)
    (said,) = given(both(domain(emulator_pin=cpus("4-6"), iothread_pins=io)))
    assert said.startswith("the emulator on 5-6; IOThread 1 on 6; ")


def test_without_the_static_policy_no_pod_has_cpus_of_its_own() -> None:
    assert given(both(domain(), kubelet=kubelet(cpu_manager_policy="none", reserved_cpus=cpus("0-1")))) == []


def test_where_nothing_is_said_of_reserved_cpus_nothing_is_guessed() -> None:
    assert given(both(domain(), kubelet=kubelet(reserved_cpus=None))) == []
    assert given(view(domain())) == []


def test_ordinary_domains_and_those_of_kubevirt_are_left_alone() -> None:
    pinned = domain().vcpu_pins
    assert given(both(ordinary(vcpus=4, vcpu_pins=pinned), kubelet=keeping("0-1"))) == []
    launched = both(domain(name="default_plc"), kubelet=keeping("0-1"))
    bare = tuple(node.model_copy(update={"node": None}) for node in launched.nodes)
    assert given(launched.model_copy(update={"nodes": bare})) == []


def test_a_domain_is_kubevirts_only_where_nobody_declares_it_and_its_name_has_a_namespace() -> None:
    declared = both(domain(name="plc_a"), kubelet=keeping("0-3"))
    assert len(given(declared)) == 1
    read = both(domain(), kubelet=keeping("0-3"))
    bare = tuple(node.model_copy(update={"node": None}) for node in read.nodes)
    assert len(given(read.model_copy(update={"nodes": bare}))) == 1


def test_a_kubelet_may_reserve_the_cpus_of_guests_on_its_host() -> None:
    machine = both(domain()).machine
    assert machine is not None
    assert list(K03.findings(machine)) != []
    assert list(K03.findings(machine.model_copy(update={"guests": cpus("2-4")}))) == []
    assert list(K03.findings(machine.model_copy(update={"guests": cpus("2-3")}))) != []


def test_a_kubelet_beside_guests_need_not_give_cpus_to_pods() -> None:
    machine = both(domain(), kubelet=kubelet(cpu_manager_policy="none")).machine
    assert machine is not None
    assert list(K01.findings(machine)) != []
    assert list(K01.findings(machine.model_copy(update={"guests": cpus("2-4")}))) == []
    asking = machine.model_copy(update={"guests": cpus("2-4"), "pods": (pod(),)})
    assert list(K01.findings(asking)) != []


def _pages(guest_gib: int, pod_gib: int) -> list[str]:
    holding = pod(container(limits=amounts(pages=pod_gib * GIB)))
    found = X02.findings(both(domain(memory=Size(guest_gib << 30)), pods=(holding,)))
    return [finding.given for finding in found]


def test_pages_are_counted_over_guests_and_pods() -> None:
    assert _pages(4, 4) == []
    (said,) = _pages(5, 4)
    assert said.startswith('9GiB wanted in pages of 1GiB: node "plc-a" 5GiB, ')


def test_what_one_side_alone_takes_too_much_of_is_told_by_its_own_rule() -> None:
    assert _pages(9, 1) == []
    assert _pages(1, 9) == []
    assert _pages(8, 1) != []
    assert _pages(1, 8) != []


def test_a_pod_without_pages_is_not_listed_among_those_that_take_them() -> None:
    pods = (pod(container(limits=amounts(pages=4 * GIB))), pod(name="plain"))
    (found,) = X02.findings(both(domain(memory=Size(5 << 30)), pods=pods))
    assert found.given == '9GiB wanted in pages of 1GiB: node "plc-a" 5GiB, Deployment "plc" 4GiB'


def test_pages_are_no_matter_of_a_host_without_a_real_time_domain() -> None:
    holding = pod(container(limits=amounts(pages=4 * GIB)))
    web = ordinary(hugepages=pages("1GiB"), memory=Size(5 << 30))
    assert list(X02.findings(both(web, pods=(holding,)))) == []
    (found,) = X02.findings(both(domain(memory=Size(1 << 30)), web, pods=(holding,)))
    assert 'domain "web" 5GiB' in found.given


def _plain(gib: int, *, realtime: bool = True) -> list[str]:
    domains = (domain(),) if realtime else ()
    found = X03.findings(view(*domains, ordinary(memory=Size(gib << 30))))
    return [finding.given for finding in found]


def test_ordinary_memory_fits_into_what_the_pools_leave() -> None:
    assert _plain(8) == []
    assert _plain(9) == ['9GiB without hugepages: domain "web" 9GiB; beside hugepages of 8GiB']
    assert _plain(9, realtime=False) == []


def test_pages_of_more_than_all_memory_leave_nothing_for_ordinary_domains() -> None:
    on = host()
    (cell,) = on.topology.cells
    crowded = cell.model_copy(update={"pages": {Size.parse("1GiB"): 17}})
    full = on.model_copy(update={"topology": on.topology.model_copy(update={"cells": (crowded,)})})
    assert list(X03.findings(view(domain(), on=full))) == []
    (found,) = X03.findings(view(domain(), ordinary(), on=full))
    assert found.allowed.startswith("0")


def _inside(reserved: str, memory: str = "2GiB") -> list[str]:
    line = KernelCmdline.parse(f"{GUEST_CMDLINE} {reserved}")
    found = X04.findings(domain(guest=guest(cmdline=line), memory=Size.parse(memory)))
    return [finding.given for finding in found]


def test_a_guest_keeps_some_memory_for_its_system() -> None:
    assert _inside("hugepagesz=1G hugepages=1") == []
    assert _inside("hugepages=1023") == []
    assert _inside("hugepages=1024") == ["the guest reserves hugepages of 2GiB; the domain has 2GiB"]
    assert _inside("") == []
    assert _inside("", memory="0MiB") == []


def test_an_ordinary_guest_may_reserve_what_it_likes() -> None:
    line = KernelCmdline.parse("hugepages=1024")
    inside = guest(isolated=cpus(""), cmdline=line)
    assert list(X04.findings(domain(vcpu_scheds=(), guest=inside))) == []
