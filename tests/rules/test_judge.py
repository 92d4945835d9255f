"""Judging as such: order, silence, asides, refusal."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietcore.rules.catalogue import CATALOGUE, by_code
from quietcore.rules.examples import cpus, domain, host, ordinary, pins, placed, plan, scheds, smt_host, view
from quietcore.rules.judge import asides, explode, findings, require
from quietcore.rules.paths import ARGUMENTS, called
from quietcore.rules.rule import Hit
from quietcore.spec import CpuPlan, Finding, HostSpec, KernelCmdline, MachineSpec, NodeSpec, Refused, Severity, SiteSpec
from quietcore.spec.finding import in_order
from quietcore.spec.guest import GuestSpec

BAD = [
    domain(name="a", vcpu_pins=pins(v0="0", v1="0", v2="9", v3="9"), pmu=None),
    domain(name="b", vcpu_scheds=scheds("1-9", priority=99), locked=False),
    domain(name="c", emulator_pin=None, numa=None, hugepages=None),
    domain(name="d", vcpu_pins=pins(v0="2-3", v1="2"), memballoon="virtio"),
]


def site(*nodes: NodeSpec) -> SiteSpec:
    hosts = {node.host.name: node.host for node in nodes if node.host}
    return SiteSpec(hosts=tuple(hosts.values()), nodes=nodes)


@given(st.permutations(BAD))
def test_the_same_domains_in_any_order_give_the_same_findings_of_each(order: list[object]) -> None:
    alone = {found for found in findings(view(*order)) if found.code not in ("D05", "D20")}
    assert alone == {found for found in findings(view(*BAD)) if found.code not in ("D05", "D20")}


@given(st.permutations(BAD))
def test_the_same_pairs_meet_in_any_order(order: list[object]) -> None:
    assert len(pairs(order)) == len(pairs(BAD))


def pairs(domains: list[object]) -> list[Finding]:
    return [found for found in findings(view(*domains)) if found.code == "D05"]


@given(st.permutations(CATALOGUE))
def test_the_order_of_the_catalogue_changes_nothing(order: list[object]) -> None:
    bad = view(*BAD, on=smt_host(plan()))
    assert findings(bad, tuple(order)) == findings(bad)


def test_findings_come_by_severity_code_and_place() -> None:
    found = findings(view(*BAD, on=host(plan(housekeeping="0", isolated="0-7"))))
    assert found == in_order(found)
    assert [f.severity for f in found][-1] is Severity.WARNING
    assert len(found) == len(set(found))


def test_a_consequence_is_silent_only_where_its_cause_speaks() -> None:
    node = placed(vcpu_pins=pins(v0="1", v1="0", v2="0") + pins(v2="3", v3="4"))
    assert [(f.code, f.where) for f in findings(node)] == [
        ("D02", 'domain "plc-a", cputune.vcpupin[2]'),
        ("D06", 'domain "plc-a", cputune.vcpupin[1]'),
    ]


def test_without_the_cause_in_the_catalogue_the_consequence_is_told() -> None:
    node = placed(vcpu_pins=pins(v0="1", v1="2", v2="0") + pins(v2="3", v3="4"))
    assert [f.code for f in findings(node, (by_code("D06"),))] == ["D06"]


def test_a_site_is_judged_host_by_host_and_node_by_node() -> None:
    good, loose = placed(), NodeSpec(host=None, domain=domain(name="loose", pmu=True))
    assert [f.where for f in findings(site(good, loose))] == ['domain "loose", features.pmu.state']


def test_every_value_of_a_site_is_judged_once() -> None:
    parts = [part.subject for part in explode(site(placed(), NodeSpec(host=None, domain=ordinary())))]
    counts = {
        kind: sum(isinstance(part, kind) for part in parts) for kind in (HostSpec, CpuPlan, NodeSpec, MachineSpec)
    }
    assert counts == {HostSpec: 1, CpuPlan: 1, NodeSpec: 2, MachineSpec: 2}


def test_a_value_that_no_rule_knows_has_no_findings() -> None:
    assert findings("anything") == []
    assert findings(None) == []


def test_a_host_that_limits_locked_memory_puts_the_rule_aside_with_its_reason() -> None:
    limited = placed(host(memlock="limited"), locked=False)
    assert findings(limited) == []
    assert asides(limited) == [
        (
            "D27",
            'domain "plc-a"',
            'host "hv1" lets no guest lock its memory (memlock: limited); with <locked/> QEMU cannot start',
        )
    ]


def test_a_guest_of_unknown_inside_puts_the_rule_aside() -> None:
    assert asides(placed(guest=None)) == [
        ("D46", 'domain "plc-a"', 'nothing is declared of what runs inside domain "plc-a"')
    ]


def test_nothing_stands_aside_for_a_good_domain_or_an_ordinary_one() -> None:
    assert asides(placed()) == []
    assert asides(NodeSpec(host=host(memlock="limited"), domain=ordinary())) == []


def test_require_refuses_with_all_errors_and_returns_warnings() -> None:
    with pytest.raises(Refused) as refused:
        require(host(plan(housekeeping="1", isolated="0,1")))
    assert [f.code for f in refused.value.findings] == ["C02", "C03"]
    assert [f.code for f in require(host(plan(housekeeping="6-7", isolated="0-5")))] == ["C07"]


def test_a_refusal_prints_every_finding() -> None:
    with pytest.raises(Refused) as refused:
        require(placed(pmu=None, memballoon=None))
    assert "error[D31]" in str(refused.value)
    assert "error[D32]" in str(refused.value)


def test_a_catalogue_of_ones_own_is_judged_as_ours_is() -> None:
    softer = replace(by_code("D32"), severity=Severity.INFO)
    assert [f.severity for f in findings(domain(pmu=None), (softer,))] == [Severity.INFO]


def test_a_prefix_is_put_before_a_place_once() -> None:
    found = findings(host(plan(isolated="2-8")))[0]
    assert found.where == 'host "hv1", cpus.isolated'
    assert found.at(prefix='host "hv1"') == found
    assert cpus("2-8") == host(plan(isolated="2-8")).cpus.isolated


def test_a_consequence_in_a_machines_layer_is_silent_while_its_cause_stands_on_the_machine() -> None:
    cmdline = KernelCmdline.parse("isolcpus=1-2")
    machine = MachineSpec(name="w1", online=cpus("0-7"), cmdline=cmdline, files={"cmdline": "grub"})
    at = [Hit(where="cmdline.isolcpus", given="anything")]
    cause = replace(by_code("C34"), judge=lambda _: at, aside=lambda _: "")
    effect = replace(by_code("C36"), subject=KernelCmdline, judge=lambda _: at, depends_on=("C34",))
    elsewhere = replace(effect, judge=lambda _: [Hit(where="cmdline.nohz_full", given="anything")])
    assert [found.code for found in findings(machine, (cause, effect))] == ["C34"]
    assert [found.where for found in findings(machine, (effect,))] == ["grub, cmdline.isolcpus"]
    assert [found.code for found in findings(machine, (cause, elsewhere))] == ["C34", "C36"]


@pytest.mark.parametrize(
    ("where", "silent"),
    [
        ("vcpu", True),
        ("vcpu[1]", True),
        ("vcpu.placement", True),
        ("vcpus", False),
        ("vcp", False),
        ("numatune", False),
    ],
)
def test_a_consequence_is_silent_at_its_causes_place_and_within_it(where: str, silent: bool) -> None:
    cause = replace(by_code("D02"), judge=lambda _: [Hit(where="vcpu", given="anything")], depends_on=())
    effect = replace(by_code("D06"), judge=lambda _: [Hit(where=where, given="anything")], depends_on=("D02",))
    assert [found.code for found in findings(domain(), (cause, effect))] == (["D02"] if silent else ["D02", "D06"])


def test_the_line_of_an_ordinary_guest_is_not_judged() -> None:
    guest = GuestSpec(cmdline=KernelCmdline.parse("nohz=off nohz_full=1 isolcpus=x rcutree.kthread_prio=99"))
    assert findings(NodeSpec(host=host(), domain=ordinary(guest=guest))) == []


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("vcpu", "vcpus"),
        ("cputune.vcpupin[1]", "pins[1]"),
        ("cputune.vcpusched.priority", "priority"),
        ("guest.tuned.include", "tuned"),
        ("vcpux", "vcpux"),
        ("memballoon", "memballoon"),
        ("[1]", "[1]"),
        ("", ""),
    ],
)
def test_a_place_is_called_by_the_argument_from_which_it_follows(place: str, name: str) -> None:
    assert called(place, ARGUMENTS) == name
    assert called(place, {}) == place
