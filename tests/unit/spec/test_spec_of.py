"""How plain data becomes a spec, and what is said when it does not."""

from typing import Any

import pytest

from quietcore.spec import CpuPlan, Finding, HostSpec, HostTopology, Refused, RtNodeSpec, Severity
from quietcore.spec.finding import in_order
from quietcore.spec.spec import spec_of
from quietcore.units import CpuSet, Duration, Size

NODE: dict[str, Any] = {"name": "a", "host": "hv1", "vcpus": 2, "rt_vcpus": "1", "memory": "1GiB"}
CELL = {"id": 0, "cpus": "0-3", "memory": "4GiB"}


def refusal(kind: Any, data: dict[str, Any], where: str = "") -> str:
    with pytest.raises(Refused) as refused:
        spec_of(kind, data, where)
    return str(refused.value)


def test_plain_data_becomes_values() -> None:
    node = spec_of(RtNodeSpec, {**NODE, "shutdown_timeout": "30s", "pins": {"1": 3.0}, "vcpus": 2.0})
    assert node.rt_vcpus == CpuSet([1])
    assert node.memory == Size.parse("1GiB")
    assert node.shutdown_timeout == Duration.parse("30s")
    assert node.pins == {1: 3}
    assert node.vcpus == 2


def test_a_spec_reads_back_from_its_own_dump() -> None:
    node = spec_of(RtNodeSpec, {**NODE, "pins": {1: 3}, "networks": ["a", "b"], "page_size": "2MiB"})
    assert spec_of(RtNodeSpec, node.dump()) == node
    assert "restart" not in node.dump()


def test_a_nested_spec_reads_back_from_its_own_dump() -> None:
    topology = {"cells": [{**CELL, "pages": {"1GiB": 2}}], "cores": ["0,1", "2,3"]}
    plan = {"housekeeping": "0-1", "isolated": "2-3"}
    host = spec_of(HostSpec, {"name": "hv1", "topology": topology, "cpus": plan, "facts": {"memlock": "limited"}})
    assert spec_of(HostSpec, host.dump()) == host


def test_an_unknown_key_is_told_with_the_nearest_one() -> None:
    assert refusal(CpuPlan, {"housekeeping": "0", "isolated": "1", "isolatd": "2"}, 'host "hv1", cpus') == (
        "error[S01]: unknown key\n"
        '  where:   host "hv1", cpus, isolatd\n'
        "  given:   isolatd\n"
        "  allowed: dialect, housekeeping, isolated, offlined, shared, vswitch\n"
        '  hint:    did you mean "isolated"?\n'
        "  more:    quietcore explain S01"
    )


def test_an_unknown_key_like_none_is_told_to_be_removed() -> None:
    assert '  hint:    remove "colour"' in refusal(CpuPlan, {"housekeeping": "0", "isolated": "1", "colour": "red"})


def test_a_missing_key_is_told_with_where_it_belongs() -> None:
    assert refusal(HostTopology, {"cells": [CELL, {"id": 1, "cpus": "4-7"}]}, "topology hv1.yaml") == (
        "error[S04]: a key is missing\n"
        "  where:   topology hv1.yaml, cells[1].memory\n"
        "  given:   nothing\n"
        '  hint:    add "memory"\n'
        "  more:    quietcore explain S04"
    )


def test_a_cpu_set_that_is_a_number_is_told_with_the_text_that_was_meant() -> None:
    assert refusal(CpuPlan, {"housekeeping": "1-3", "isolated": 0}) == (
        "error[S02]: a CPU set is written as text\n"
        "  where:   isolated\n"
        "  given:   0\n"
        '  allowed: such as "0-3,8"\n'
        '  hint:    write "0"\n'
        "  more:    quietcore explain S02"
    )


def test_a_wrong_choice_is_told_with_the_right_ones() -> None:
    assert refusal(RtNodeSpec, {**NODE, "boot": "net"}, 'node "a"') == (
        "error[S02]: not a value of this kind\n"
        '  where:   node "a", boot\n'
        "  given:   'net'\n"
        "  allowed: 'disk' or 'direct'\n"
        "  more:    quietcore explain S02"
    )


@pytest.mark.parametrize(
    ("change", "where", "given"),
    [
        ({"vcpus": 0}, "vcpus", "0"),
        ({"vcpus": 513}, "vcpus", "513"),
        ({"vcpus": "2"}, "vcpus", "'2'"),
        ({"vcpus": True}, "vcpus", "True"),
        ({"vcpus": 1.5}, "vcpus", "1.5"),
        ({"memory": 1024}, "memory", "1024"),
        ({"pins": {"one": 1}}, "pins.one.[key]", "'one'"),
        ({"pins": {1: "2"}}, "pins[1]", "'2'"),
        ({"pins": [1, 2]}, "pins", "[1, 2]"),
        ({"networks": "default"}, "networks", "'default'"),
        ({"autostart": "yes"}, "autostart", "'yes'"),
        ({"name": None}, "name", "None"),
    ],
)
def test_each_wrong_value_is_told_at_its_place(change: dict[str, Any], where: str, given: str) -> None:
    with pytest.raises(Refused) as refused:
        spec_of(RtNodeSpec, {**NODE, **change})
    (found,) = refused.value.findings
    assert (found.code, found.where, found.given) == ("S02", where, given)
    assert "python" not in found.text().lower()


def test_all_mistakes_are_told_at_once_and_in_order() -> None:
    text = refusal(RtNodeSpec, {"name": 1, "vcpus": 0, "rt_vcpus": "3-1", "memory": "1GB", "memry": "", "host": "h"})
    assert [line for line in text.splitlines() if line.startswith(("error", "  where"))] == [
        "error[S01]: unknown key",
        "  where:   memry",
        "error[S02]: not a unit of size",
        "  where:   memory",
        "error[S02]: not a value of this kind",
        "  where:   name",
        "error[S02]: a CPU range runs upwards",
        "  where:   rt_vcpus",
        "error[S02]: not a value of this kind",
        "  where:   vcpus",
    ]


def test_outputs_do_not_hide_the_other_mistakes_nor_are_they_hidden() -> None:
    class Later:
        __module__ = "pulumi.output"
        apply = None

    text = refusal(RtNodeSpec, {**NODE, "memory": Later(), "memory_max": "1GiB", "networks": ["a", Later()]})
    assert [line for line in text.splitlines() if line.startswith(("error", "  where"))] == [
        "error[S01]: unknown key",
        "  where:   memory_max",
        "error[S03]: an Output stands where a plain value belongs",
        "  where:   memory",
        "error[S03]: an Output stands where a plain value belongs",
        "  where:   networks[1]",
    ]


def test_a_spec_is_frozen() -> None:
    plan = CpuPlan(housekeeping=CpuSet([0]), isolated=CpuSet([1]))
    with pytest.raises(ValueError, match="frozen"):
        plan.isolated = CpuSet()  # type: ignore[misc]


def finding(code: str, severity: Severity = Severity.ERROR, where: str = "") -> Finding:
    return Finding(code=code, title="t", where=where, given="g", severity=severity)


def test_findings_are_ordered_by_weight_code_and_place_and_told_once() -> None:
    jumble = [
        finding("C02"),
        finding("A01", Severity.INFO),
        finding("B01", Severity.WARNING),
        finding("C01", where="z"),
    ]
    jumble += [finding("C01", where="a"), finding("C02")]
    assert [(f.code, f.where) for f in in_order(jumble)] == [
        ("C01", "a"),
        ("C01", "z"),
        ("C02", ""),
        ("B01", ""),
        ("A01", ""),
    ]


def test_a_finding_is_put_at_a_place_and_into_a_file_once() -> None:
    placed = finding("C01", where="cpus").at(prefix='host "a"', file="lab.py")
    assert placed.where == 'host "a", cpus'
    assert placed.at(prefix='host "a"', file="other.py") == placed
    assert finding("C01").at(prefix='host "a"').where == 'host "a"'
    assert finding("C01", where="cpus").at().where == "cpus"
    assert "  where:   lab.py, host" in placed.text()


def test_a_finding_is_plain_data() -> None:
    data = finding("C01", where="cpus").as_json()
    assert data["code"] == "C01"
    assert data["severity"] == "error"
    assert all(isinstance(value, str) for value in data.values())


@pytest.mark.parametrize(
    ("memory", "hint"),
    [("1500001KiB", "write 1464MiB or 1465MiB"), ("1KiB", "write 1MiB"), ("0GiB", "write 1MiB")],
)
def test_memory_is_whole_mebibytes_as_the_sdk_counts_it(memory: str, hint: str) -> None:
    told = refusal(RtNodeSpec, {**NODE, "memory": memory})
    assert "error[S02]: memory is no whole number of MiB\n" in told
    assert f"  hint:    {hint}\n" in told


@pytest.mark.parametrize(
    "count", [{"iothreads": -1}, {"iothreads": 10**9}, {"guest_hugepages": -1}, {"cell": -1}, {"vcpus": 0}]
)
def test_counts_of_a_node_are_such_as_a_machine_can_have(count: dict[str, int]) -> None:
    ((name, _),) = count.items()
    told = refusal(RtNodeSpec, {**NODE, **count})
    assert f"  where:   {name}\n" in told
    assert "  allowed: greater than or equal to" in told or "  allowed: less than or equal to" in told


def test_a_number_in_quotes_is_told_how_to_write_it() -> None:
    told = refusal(RtNodeSpec, {**NODE, "pins": {0: "0", 1: "x"}})
    assert "  given:   '0'\n  allowed: a valid integer\n  hint:    write 0, without quotes\n" in told
    assert "  given:   'x'\n  allowed: a valid integer\n  more:" in told
