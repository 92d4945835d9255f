"""Where the threads and the memory of a real-time domain lie: edges, and what the words say."""

import pytest

from quietcore.rules.examples import cpus, domain, guest, host, pins, placed, plan, scheds, smt_host
from quietcore.rules.judge import findings
from quietcore.spec import Finding, IothreadPin, NodeSpec
from quietcore.units import Size


def codes(subject: object) -> list[str]:
    return [finding.code for finding in findings(subject)]


def of(subject: object, code: str) -> list[Finding]:
    return [found for found in findings(subject) if found.code == code]


def on_smt(**on: str) -> NodeSpec:
    return placed(smt_host(), iothreads=0, iothread_pins=(), emulator_pin=cpus("0"), vcpu_pins=pins(**on))


def test_vcpus_that_are_spread_are_advised_to_the_cell_of_most_of_them() -> None:
    (found,) = of(on_smt(v0="0", v1="1", v2="5", v3="6"), "D21")
    assert found.given == "CPU 1 in cell 0; CPUs 5-6 in cell 1"
    assert found.hint == "pin all real-time vCPUs within cell 1: 5-7,13-15"
    (even,) = of(placed(smt_host(), vcpu_scheds=scheds("2-3"), vcpu_pins=pins(v0="0", v1="0", v2="1", v3="5")), "D21")
    assert even.hint == "pin all real-time vCPUs within cell 0: 1-3,9-11"


def test_memory_is_bound_to_the_cell_of_the_pins_where_they_have_one() -> None:
    (found,) = of(placed(numa=None), "D22")
    assert found.allowed == "mode strict, nodeset 0"
    assert found.hint == "write <memory mode='strict' nodeset='0'/>"
    spread = on_smt(v0="0", v1="1", v2="2", v3="5")
    (wide,) = of(spread.model_copy(update={"domain": spread.domain.model_copy(update={"numa": None})}), "D22")
    assert wide.allowed == "mode strict, nodeset of the pins' cell"
    assert wide.hint == "bind memory strictly to one cell"


def test_a_real_time_vcpu_may_have_the_only_isolated_cpu() -> None:
    one = {"vcpus": 2, "vcpu_scheds": scheds("1"), "vcpu_pins": pins(v0="0", v1="7"), "guest": None}
    only = host(plan(housekeeping="0-6", isolated="7"))
    assert codes(placed(only, **one)) == []


def test_an_emulator_without_pins_is_advised_to_the_hosts_housekeeping() -> None:
    node = placed(emulator_pin=None)
    (found,) = of(node, "D07")
    assert (found.allowed, found.hint) == ("within 0-1", "pin the emulator to 0-1")
    (unknown,) = of(node.model_copy(update={"host": None}), "D07")
    assert (unknown.allowed, unknown.hint) == (
        "housekeeping CPUs of the host",
        "pin the emulator to housekeeping CPUs",
    )


@pytest.mark.parametrize(
    ("present", "allowed"),
    [
        ({"iothreads": 0}, "none: the domain has no IOThreads"),
        ({"iothreads": 2}, "1 to 2"),
        ({"iothreads": 2, "iothread_ids": cpus("3,5")}, "3,5"),
    ],
)
def test_which_iothreads_there_are_is_told_beside_the_pin_of_one_that_is_not(
    present: dict[str, object], allowed: str
) -> None:
    of_none = (IothreadPin(iothread=9, cpus=cpus("0")),)
    assert [found.allowed for found in of(placed(**present, iothread_pins=of_none), "D08")][-1:] == [allowed]


def test_vcpus_that_float_over_the_same_cpus_are_told_as_floating_alone() -> None:
    assert codes(domain(vcpu_pins=pins(v0="1", v1="2-3", v2="2-3", v3="4"))) == ["D03", "D03"]


def test_a_missing_vcpu_on_a_real_time_cpu_is_told_as_missing_alone() -> None:
    assert codes(domain(vcpu_pins=pins(v0="1", v1="2", v2="3", v3="4", v4="4", v5="4"))) == ["D02", "D02"]


def test_memory_of_less_than_a_page_is_advised_to_one_page() -> None:
    assert [found.hint for found in of(domain(memory=Size.parse("512MiB")), "D24")] == ["set memory to 1GiB"]
    assert [found.hint for found in of(domain(memory=Size.parse("1536MiB")), "D24")] == ["set memory to 1GiB or 2GiB"]


@pytest.mark.parametrize(("model", "given"), [(None, "nothing: libvirt adds a virtio balloon"), ("virtio", '"virtio"')])
def test_a_balloon_is_told_by_its_model_or_as_what_libvirt_adds(model: str | None, given: str) -> None:
    assert [found.given for found in of(domain(memballoon=model), "D31")] == [given]


def test_the_ranks_of_the_guests_os_among_themselves_are_its_own_affair() -> None:
    ranks = scheds("0", priority=1) + scheds("1", priority=5) + scheds("2-3", priority=10)
    inside = guest(isolated=cpus("2-3"), cmdline=None)
    every = pins(v0="5", v1="2", v2="3", v3="4")
    assert codes(domain(vcpu_scheds=ranks, vcpu_pins=every, guest=inside)) == []


def test_ranks_among_real_time_vcpus_are_free_where_the_guests_os_has_none() -> None:
    ranks = scheds("1", priority=5) + scheds("2-3", priority=10)
    assert codes(domain(vcpu_scheds=ranks)) == []


def test_a_guest_that_isolates_a_vcpu_which_it_has_not_is_told() -> None:
    every = {"vcpu_scheds": scheds("0-4"), "vcpu_pins": pins(v0="5", v1="2", v2="3", v3="4")}
    found = of(domain(**every, guest=guest(isolated=cpus("0-4"), cmdline=None)), "D46")
    assert [each.given for each in found] == ["the guest isolates CPUs 0-4; real-time: vCPUs 0-3"]
