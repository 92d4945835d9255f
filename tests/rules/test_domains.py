"""Real-time domains: what the rules say of one, alone or on its host."""

import pytest

from quietcore.rules.examples import (
    cpus,
    declared,
    domain,
    guest,
    host,
    ordinary,
    pages,
    pins,
    placed,
    profile,
    scheds,
    smt_host,
)
from quietcore.rules.judge import findings
from quietcore.spec import DomainSpec, IothreadPin, NodeSpec, NumaTune
from quietcore.units import Size


def codes(subject: object) -> list[str]:
    return [finding.code for finding in findings(subject)]


def told(subject: object, code: str) -> list[str]:
    return [f"{found.where}: {found.given}" for found in findings(subject) if found.code == code]


def test_an_ordinary_domain_breaks_no_rule() -> None:
    assert findings(ordinary()) == []
    assert findings(NodeSpec(host=host(), domain=ordinary())) == []


def test_an_ordinary_domain_may_pin_as_it_likes() -> None:
    floating = ordinary(
        vcpu_pins=pins(v0="0-7", v9="3"), emulator_pin=cpus("0-7"), vcpu_scheds=scheds("0", "batch", None)
    )
    assert findings(NodeSpec(host=host(), domain=floating)) == []


def test_the_example_of_libvirts_own_page_is_refused() -> None:
    """4 vCPUs and vcpusched vcpus='0-4', as docs/kbase/kvm-realtime.rst has it."""
    page = domain(
        memory=Size.parse("16GiB"),
        vcpu_pins=pins(v0="12", v1="13", v2="14", v3="15"),
        emulator_pin=cpus("8-9"),
        iothreads=0,
        iothread_pins=(),
        vcpu_scheds=scheds("0-4"),
        hugepages=pages("1GiB", nodeset="1"),
        guest=None,
    )
    assert "cputune.vcpusched.vcpus: vCPUs 0-4 of 4; missing: 4" in "\n".join(told(page, "D09"))
    assert {"D09", "D25"} <= set(codes(page))


def test_missing_extra_and_double_pins_are_told_apart() -> None:
    found = told(domain(vcpu_pins=pins(v0="1", v2="3") + pins(v2="4", v7="5")), "D02")
    assert found == [
        'domain "plc-a", cputune.vcpupin[1,3]: no pin',
        'domain "plc-a", cputune.vcpupin[2]: 2 pins',
        'domain "plc-a", cputune.vcpupin[7]: vCPU 7 of 4',
    ]


def test_a_declared_node_is_told_by_its_arguments() -> None:
    found = findings(declared(vcpu_pins=pins(v0="1", v1="0", v2="3", v3="4"), emulator_pin=cpus("5")))
    assert [finding.where for finding in found] == ['node "plc-a", pins[1]', 'node "plc-a", emulator']


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"vcpu_scheds": scheds("1-3", priority=99)}, "priority"),
        ({"vcpu_scheds": scheds("1-4")}, "rt_vcpus"),
        ({"vcpu_scheds": scheds("1-3", "fast")}, "scheduler"),
        ({"hugepages": None}, "page_size"),
        ({"hugepages": pages("1GiB", nodeset="1")}, "page_size"),
        ({"numa": None}, "cell"),
        ({"guest": guest(tuned=None)}, "tuned"),
        ({"guest": guest(isolated=cpus("2"), cmdline=None)}, "rt_vcpus"),
        ({"vcpu_scheds": (), "guest": None}, "rt_vcpus"),
        ({"placement": "auto"}, "vcpu.placement"),
    ],
)
def test_each_argument_is_named_as_its_user_wrote_it(changes: dict[str, object], where: str) -> None:
    node = declared().model_copy(update={"domain": domain(**changes)})
    assert f'node "plc-a", {where}' in [finding.where for finding in findings(node)]


def test_a_vcpu_that_another_rule_told_is_not_told_again() -> None:
    node = placed(vcpu_pins=pins(v0="1", v1="0", v2="3") + pins(v2="5", v3="0-1"))
    assert codes(node) == ["D02", "D03", "D06"]
    assert told(node, "D06") == ['domain "plc-a", cputune.vcpupin[1]: CPU 0, which host "hv1" does not isolate']


def test_every_mistake_of_a_domain_is_told_at_once() -> None:
    bad = domain(
        vcpu_pins=pins(v0="1", v1="2", v2="2", v3="4"),
        vcpu_scheds=scheds("1-3", priority=99),
        memory=Size.parse("2500MiB"),
        locked=False,
        memballoon=None,
        pmu=True,
    )
    assert codes(bad) == ["D04", "D11", "D24", "D27", "D31", "D32"]


def test_two_housekeeping_vcpus_may_share_a_cpu() -> None:
    assert codes(domain(vcpu_pins=pins(v0="1", v1="1", v2="3", v3="4"), vcpu_scheds=scheds("2-3"), guest=None)) == []


def test_a_housekeeping_vcpu_on_the_cpu_of_a_real_time_one_is_refused() -> None:
    assert codes(domain(vcpu_pins=pins(v0="2", v1="2", v2="3", v3="4"))) == ["D04"]


@pytest.mark.parametrize("priority", [None, 0, -1, 99, 100])
def test_a_priority_outside_1_to_98_is_refused(priority: int | None) -> None:
    assert codes(domain(vcpu_scheds=scheds("1-3", priority=priority))) == ["D11"]


@pytest.mark.parametrize("priority", [1, 49, 98])
def test_a_priority_from_1_to_98_is_fine(priority: int) -> None:
    assert codes(domain(vcpu_scheds=scheds("1-3", "rr", priority))) == []


def test_a_domain_without_host_is_judged_by_its_own_pins() -> None:
    assert codes(placed(emulator_pin=cpus("2")).model_copy(update={"host": None})) == ["D07"]
    assert codes(placed(emulator_pin=cpus("1")).model_copy(update={"host": None})) == []


def test_iothreads_are_pinned_one_by_one() -> None:
    found = told(
        placed(iothreads=2, iothread_pins=tuple(IothreadPin(iothread=n, cpus=cpus("0")) for n in (1, 3))), "D08"
    )
    assert found == [
        'domain "plc-a", cputune.iothreadpin[2]: no pin',
        'domain "plc-a", cputune.iothreadpin[3]: IOThread 3 of 2',
    ]


def test_memory_of_another_cell_than_the_pins_is_refused() -> None:
    node = placed(
        smt_host(),
        vcpu_pins=pins(v0="4", v1="5", v2="6", v3="13"),
        emulator_pin=cpus("4"),
        iothreads=0,
        iothread_pins=(),
        numa=NumaTune(mode="strict", nodeset=cpus("0")),
    )
    assert told(node, "D22") == [
        'domain "plc-a", numatune.memory.nodeset: nodeset 0; the real-time vCPUs are pinned in cell 1'
    ]


@pytest.mark.parametrize(
    ("inside", "given"),
    [
        (guest(kernel="generic"), '"generic"'),
        (guest(tuned=None), "no tuned profile"),
        (guest(tuned=profile(role="host")), 'profile "plc-guest" of role host'),
    ],
)
def test_a_guest_needs_a_real_time_kernel_and_a_guest_profile(inside: object, given: str) -> None:
    assert told(domain(guest=inside), "D46")[0].endswith(given)


def test_a_guest_known_by_its_command_line_alone_needs_no_declared_kernel() -> None:
    assert codes(domain(guest=guest(kernel=None, tuned=None))) == []


def test_a_guests_own_command_line_is_judged_in_guest_numbers() -> None:
    bad = guest(cmdline=guest().cmdline.model_copy(update={"parameters": ("isolcpus=managed_irq,domain,2-4",)}))
    assert codes(domain(guest=bad)) == ["C10", "C10", "C14", "C34"]


def test_a_profile_in_a_guest_is_told_with_its_node() -> None:
    slow = guest(tuned=profile(sysctl={"kernel.sched_rt_runtime_us": "950000"}))
    assert told(domain(guest=slow), "T06") == [
        'domain "plc-a", tuned profile "plc-guest", sysctl.kernel.sched_rt_runtime_us: "950000"'
    ]


def test_a_domain_is_judged_as_one_without_a_host() -> None:
    bare: DomainSpec = domain(emulator_pin=None)
    assert findings(bare) == findings(NodeSpec(host=None, domain=bare))
