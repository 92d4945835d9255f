"""Rules on the assignment lock: the committed file that says which host CPU each vCPU has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from quietcore.derive.lock import Assignment
from quietcore.rules.examples import cpus
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import Severity
from quietcore.units import CpuSet


@dataclass(frozen=True, kw_only=True)
class FrozenAssignment:
    """A node of a run that may make no assignments: what the lock of the stack holds, and what the program asks for."""

    node: str
    stack: str
    locked: Assignment | None
    due: Assignment


@dataclass(frozen=True, kw_only=True)
class Room:
    """A node that still needs isolated CPUs, and the free ones (whole cores) of its host by NUMA cell."""

    node: str
    host: str
    wanted: int
    free: Mapping[int, CpuSet]


def _stale(frozen: FrozenAssignment) -> Iterator[Hit]:
    if frozen.locked != frozen.due:
        yield Hit(
            where=f'node "{frozen.node}", {frozen.stack}.lock.yaml',
            given="no assignment" if frozen.locked is None else _told(frozen.locked),
            allowed=_told(frozen.due),
            hint=f"run `quietcore check {frozen.stack}` on a workstation and commit {frozen.stack}.lock.yaml",
        )


def _told(assignment: Assignment) -> str:
    placed = ", ".join(f"{vcpu}:{cpu}" for vcpu, cpu in enumerate(assignment.cpus))
    return f'host "{assignment.host}", real-time {assignment.rt.counted("vCPU")}, vCPU:CPU {placed}'


def _assigned(*on: int) -> Assignment:
    return Assignment(host="hv1", rt=cpus("1"), cpus=on)


L01: Rule[FrozenAssignment] = Rule(
    code="L01",
    title="an assignment is missing or stale in a frozen run",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=FrozenAssignment,
    judge=_stale,
    doc=Doc(
        what="Where CI is set, every node's assignment is in the committed lock of its stack and still fits what the "
        "program declares.",
        why="Assignments that are made in CI are committed by nobody: the next run would choose anew, and adding one "
        "node could move the pins of its running neighbours.",
        fix="run `quietcore check STACK` on a workstation and commit the lock",
        sources=(source("QUIETCORE", "the assignment lock"),),
        bad=Example(
            text="# stacks/lab.lock.yaml\nnodes: {}\n"
            '# the program\nRtNode("plc-a", host=hv1, vcpus=2, rt_vcpus="1", ...)',
            subject=lambda: FrozenAssignment(node="plc-a", stack="lab", locked=None, due=_assigned(0, 2)),
        ),
        good=Example(
            text='# stacks/lab.lock.yaml\nnodes:\n  plc-a: {host: hv1, rt: "1", cpus: [0, 2]}\n'
            '# the program\nRtNode("plc-a", host=hv1, vcpus=2, rt_vcpus="1", ...)',
            subject=lambda: FrozenAssignment(node="plc-a", stack="lab", locked=_assigned(0, 2), due=_assigned(0, 2)),
        ),
    ),
)


def _full(room: Room) -> Iterator[Hit]:
    if all(len(free) < room.wanted for free in room.free.values()):
        left = "; ".join(f"cell {cell}: {free if free else 'none'} free" for cell, free in sorted(room.free.items()))
        count = f"{room.wanted} real-time vCPU{'' if room.wanted == 1 else 's'}"
        yield Hit(
            where=f'node "{room.node}", rt_vcpus',
            given=f'{count}; host "{room.host}" has {left or "no NUMA cell that fits"}',
            allowed="whole cores of one NUMA cell that no other node holds",
            hint="use another host or fewer real-time vCPUs; `quietcore check STACK --prune` drops nodes that are gone",
        )


L02: Rule[Room] = Rule(
    code="L02",
    title="no isolated CPUs are left",
    severity=Severity.ERROR,
    scope=Scope.HOST,
    subject=Room,
    judge=_full,
    doc=Doc(
        what="One NUMA cell of the node's host has enough isolated CPUs, on whole cores that no other node holds, for "
        "all real-time vCPUs of the node.",
        why="Real-time vCPUs share neither a CPU nor a core with another domain, and do not spread over cells. There "
        "is no such thing as a little overcommit: the guests would stall each other.",
        fix="use another host, or fewer real-time vCPUs",
        sources=(source("QUIETCORE", "rules D05, D20 and D21"), source("LV-RT", '"Host partitioning plan"')),
        bad=Example(
            text="# isolated CPUs 2-7 of hv1; plc-a and plc-b hold 2-6\n"
            'RtNode("plc-c", host=hv1, vcpus=4, rt_vcpus="1-3", ...)',
            subject=lambda: Room(node="plc-c", host="hv1", wanted=3, free={0: cpus("7")}),
        ),
        good=Example(
            text='# isolated CPUs 2-7 of hv1; plc-a holds 2-4\nRtNode("plc-c", host=hv1, vcpus=4, rt_vcpus="1-3", ...)',
            subject=lambda: Room(node="plc-c", host="hv1", wanted=3, free={0: cpus("5-7")}),
        ),
    ),
)

RULES: tuple[Rule[Any], ...] = (L01, L02)
