"""What is read from an event log."""

from __future__ import annotations

import json
from typing import Any

from tests.gate.sample import DOMAIN

from quietcore.gate.change import NEXT_BOOT, changes
from quietcore.gate.events import read_events
from quietcore.plugins.handler import Effect
from quietcore.resources.site import NODE

STACK = "urn:pulumi:dev::site::pulumi:pulumi:Stack::site-dev"
PLC = f"urn:pulumi:dev::site::{NODE}::plc-a"
GUEST = f"urn:pulumi:dev::site::{NODE}${DOMAIN}::plc-a"


def step(urn: str, op: str, kind: str, parent: str = "") -> dict[str, Any]:
    state = {"parent": parent, "inputs": {}}
    return {"resourcePreEvent": {"metadata": {"op": op, "urn": urn, "type": kind, "new": state, "provider": "p::id"}}}


def said(text: str, severity: str = "info", urn: str = GUEST) -> dict[str, Any]:
    return {"diagnosticEvent": {"urn": urn, "message": f"{text}\n", "severity": severity}}


def log(*events: dict[str, Any]) -> list[str]:
    return [json.dumps(event) for event in (step(PLC, "same", NODE), *events)]


def test_a_replacement_is_one_step() -> None:
    events = read_events(log(*(step(GUEST, op, DOMAIN, PLC) for op in ("create-replacement", "replace", "same"))))
    assert [(each.name, each.op) for each in events.steps] == [("plc-a", "same"), ("plc-a", "replace")]
    assert events.steps[1].provider == "p"


def test_a_refresh_is_followed_by_what_happens() -> None:
    events = read_events(log(step(GUEST, "refresh", DOMAIN, PLC), step(GUEST, "update", DOMAIN, PLC)))
    assert events.steps[1].op == "update"


def test_debug_lines_passing_lines_and_half_lines_are_left_out() -> None:
    passing = {"diagnosticEvent": {"message": "1 of 3", "severity": "info", "ephemeral": True}}
    events = read_events([*log(said("hidden", "debug"), passing), "", '{"diagnosticEvent": {"mess', "[]"])
    assert events.said == ()
    assert events.result == ""


def test_the_sum_and_what_policies_report_are_read() -> None:
    events = read_events(
        log(
            {
                "policyEvent": {
                    "policyPackName": "p",
                    "policyName": "n",
                    "enforcementLevel": "mandatory",
                    "message": " m",
                }
            },
            {"summaryEvent": {"resourceChanges": {"create": 2}, "result": "failed"}},
        )
    )
    assert events.counts == {"create": 2}
    assert events.result == "failed"
    assert [(each.policy, each.level, each.text) for each in events.violations] == [("n", "mandatory", "m")]


def test_a_change_tells_when_a_guest_has_it() -> None:
    def when(op: str, *lines: str) -> str:
        (change,) = changes(read_events(log(step(GUEST, op, DOMAIN, PLC), *(said(line) for line in lines))))
        assert change.owner == "node plc-a"
        return change.when

    assert when("update", f"plc-a on hv1: memory ({Effect.LIVE})") == "live"
    assert when("update", f"plc-a on hv1: memory ({Effect.NEXT_BOOT})") == "at next boot"
    assert when("update", "plc-a on hv1: memory (the guest is restarted for it)") == "restarts the guest"
    assert when("replace") == "restarts the guest"
    assert when("delete") == "stops the guest"
    assert when("create") == ""


def test_the_words_are_the_plugins_own() -> None:
    assert f"({Effect.NEXT_BOOT})" == NEXT_BOOT


def test_what_stays_is_no_change_unless_there_is_something_to_say() -> None:
    quiet = log(step(GUEST, "same", DOMAIN, PLC))
    assert changes(read_events(quiet)) == ()
    waits = [*quiet, *log(said("plc-a on hv1: waits for a restart of the guest: memory", "warning"))]
    assert [change.lines for change in changes(read_events(waits))] == [
        ("plc-a on hv1: waits for a restart of the guest: memory",)
    ]
    unseen = [*quiet, *log(said("not observed: no route", "warning"))]
    assert changes(read_events(unseen)) == ()
