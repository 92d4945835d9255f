"""Mistakes of shape: what a declaration is refused for before any real-time rule can speak."""

import asyncio
from typing import Any

import pulumi
import pytest

from quietcore.rules.judge import findings
from quietcore.rules.lock import FrozenAssignment, Room
from quietcore.rules.shapes import Declaration
from quietcore.spec import Refused, RtNodeSpec
from quietcore.spec.spec import spec_of
from quietcore.units import CpuSet

NODE: dict[str, Any] = {"name": "a", "host": "hv1", "vcpus": 2, "rt_vcpus": "1", "memory": "1GiB"}


def test_a_real_output_is_refused_and_the_argument_named() -> None:
    async def program() -> list[str]:
        data = {**NODE, "memory": pulumi.Output.from_input("1GiB"), "pins": {1: pulumi.Output.from_input(3)}}
        return [found.where for found in findings(Declaration(RtNodeSpec, data))]

    assert asyncio.run(program()) == ["memory", "pins[1]"]


def test_the_rules_of_shape_find_what_building_the_spec_refuses() -> None:
    data = {**NODE, "memroy": "1GiB", "vcpus": "two"}
    with pytest.raises(Refused) as refused:
        spec_of(RtNodeSpec, data)
    told = [(found.code, found.where, found.given) for found in findings(Declaration(RtNodeSpec, data))]
    assert told == [(found.code, found.where, found.given) for found in refused.value.findings]


def test_a_lock_that_says_what_is_due_is_fine_and_an_older_one_is_told() -> None:
    from quietcore.derive.lock import Assignment

    due = Assignment(host="hv1", rt=CpuSet([1]), cpus=(0, 3))
    old = Assignment(host="hv2", rt=CpuSet([1]), cpus=(0, 2))
    assert findings(FrozenAssignment(node="a", stack="lab", locked=due, due=due)) == []
    (found,) = findings(FrozenAssignment(node="a", stack="lab", locked=old, due=due))
    assert found.given == 'host "hv2", real-time vCPU 1, vCPU:CPU 0:0, 1:2'
    assert found.hint == "run `quietcore check lab` on a workstation and commit lab.lock.yaml"


def test_room_is_counted_within_a_cell_not_over_cells() -> None:
    free = {0: CpuSet([2, 3]), 1: CpuSet([6, 7])}
    assert findings(Room(node="a", host="hv1", wanted=2, free=free)) == []
    assert findings(Room(node="a", host="hv1", wanted=2, free={0: CpuSet([2]), 1: CpuSet([6, 7])})) == []
    (found,) = findings(Room(node="a", host="hv1", wanted=3, free=free))
    assert found.given == '3 real-time vCPUs; host "hv1" has cell 0: 2-3 free; cell 1: 6-7 free'
