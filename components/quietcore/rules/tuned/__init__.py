"""Rules on tuned profiles."""

from collections.abc import Mapping
from typing import Any

from quietcore.rules.rule import Rule
from quietcore.rules.tuned.boot import T04, T05
from quietcore.rules.tuned.interrupts import T13, T14, T16
from quietcore.rules.tuned.isolation import T02, T03
from quietcore.rules.tuned.noise import T08, T09, T10, T11
from quietcore.rules.tuned.power import T12, T17
from quietcore.rules.tuned.resource import T20
from quietcore.rules.tuned.roles import T01, T18
from quietcore.rules.tuned.threads import T15
from quietcore.rules.tuned.throttling import T06, T07
from quietcore.rules.tuned.variables import T21

RULES: tuple[Rule[Any], ...] = (
    T01,
    T02,
    T03,
    T04,
    T05,
    T06,
    T07,
    T08,
    T09,
    T10,
    T11,
    T12,
    T13,
    T14,
    T15,
    T16,
    T17,
    T18,
    T20,
    T21,
)

UNFED: Mapping[str, str] = {
    "T19": "No file that is read says that an HA stack such as Corosync shares the machine's real-time CPUs.",
}
"""Rows of the table that no rule stands for, by code, and why."""
