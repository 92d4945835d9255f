"""What a changed program means for a domain in state: pure, no host and no engine."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("libvirt")

from quietcore.plugins.handler import UNKNOWN, Effect, Mark, Severity, State
from quietcore.plugins.libvirt.baseline import FACTS, KEY
from quietcore.plugins.libvirt.domain import DomainHandler

HANDLER = DomainHandler()
MARK = Mark("plant", "lab", "plc")
SHEET = (
    '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
    '<xsl:template match="@*|node()"><xsl:copy><xsl:apply-templates select="@*|node()"/></xsl:copy></xsl:template>'
    '<xsl:template match="/domain"><xsl:copy><xsl:apply-templates select="@*|node()"/>{}</xsl:copy></xsl:template>'
    "</xsl:stylesheet>"
)


def checked(**inputs: Any) -> dict[str, Any]:
    props, failures = HANDLER.check({"name": "plc", **inputs}, None, MARK)
    assert not failures
    return props


def saved(**inputs: Any) -> State:
    props = checked(**inputs)
    return State("uuid", props, {"effective": props["effective"], "running": True, KEY: {"facts": FACTS}})


def tuned(inner: str) -> dict[str, Any]:
    return {"xml": {"xslt": SHEET.format(f"<cputune>{inner}</cputune>")}}


def only(changes: list[Any]) -> Any:
    assert len(changes) == 1, changes
    return changes[0]


@pytest.mark.parametrize(
    ("uri", "effect"),
    [
        ("qemu:///system", Effect.LIVE),
        ("qemu+ssh://hv1/system", Effect.LIVE),
        ("qemu+tls://hv1/system", Effect.NEXT_BOOT),
    ],
)
def test_scheduling_is_live_where_the_threads_can_be_reached(uri, effect):
    handler = DomainHandler()
    handler.uri = uri
    before, after = (f'<vcpusched vcpus="0" scheduler="fifo" priority="{priority}"/>' for priority in (1, 2))
    assert only(handler.diff(saved(**tuned(before)), checked(**tuned(after)))).effect is effect


@pytest.mark.parametrize(
    ("before", "after", "path", "effect"),
    [
        ({"memory": 512}, {"memory": 1024}, "memory", Effect.NEXT_BOOT),
        ({"vcpu": 2}, {"vcpu": 2, "autostart": True}, "autostart", Effect.LIVE),
        ({}, {"running": False}, "running", Effect.LIVE),
        ({}, {"description": "press 3"}, "description", Effect.LIVE),
        ({"name": "plc"}, {"name": "press"}, "name", Effect.REPLACE),
        ({"machine": "pc"}, {"machine": "q35"}, "machine", Effect.NEXT_BOOT),
        ({"type": "kvm"}, {"type": "qemu"}, "type", Effect.NEXT_BOOT),
        ({"arch": "x86_64"}, {"arch": "aarch64"}, "arch", Effect.REPLACE),
        ({"kernel": "/a"}, {"kernel": "/b"}, "kernel", Effect.NEXT_BOOT),
        (
            tuned("<vcpupin vcpu='0' cpuset='2'/>"),
            tuned("<vcpupin vcpu='0' cpuset='3'/>"),
            'effective["cputune.vcpupin[0]"]',
            Effect.LIVE,
        ),
        (
            {"networkInterfaces": [{"bridge": "br0"}]},
            {"networkInterfaces": [{"bridge": "br1"}]},
            "networkInterfaces",
            Effect.LIVE,
        ),
        ({"disks": [{"volumeId": "/a"}]}, {"disks": [{"volumeId": "/b"}]}, "disks", Effect.NEXT_BOOT),
        ({"cloudinit": "/a.iso"}, {"cloudinit": "/b.iso"}, 'effective["devices.disk[sda].source"]', Effect.LIVE),
        ({"disks": [{"volumeId": "/a"}]}, {"disks": [{"volumeId": UNKNOWN}]}, "disks", Effect.REPLACE),
    ],
    ids=lambda value: str(value)[:24],
)
def test_each_change_is_classed_by_when_it_takes_effect(before, after, path, effect):
    change = only(HANDLER.diff(saved(**before), checked(**after)))
    assert (change.path, change.effect) == (path, effect)


def test_pins_of_vcpus_that_come_or_go_wait_for_the_boot_that_brings_or_takes_them():
    pins = "".join(f"<vcpupin vcpu='{n}' cpuset='{n + 2}'/>" for n in range(4))
    few, many = {"vcpu": 2, **tuned(pins[: len(pins) // 2])}, {"vcpu": 4, **tuned(pins)}
    for before, after in ((few, many), (many, few)):
        changes = HANDLER.diff(saved(**before), checked(**after))
        assert {change.effect for change in changes} == {Effect.NEXT_BOOT}
        assert len(changes) == 4


@pytest.mark.parametrize(
    "sheet", [SHEET.format(""), SHEET.format("").replace("><", ">\n   <"), SHEET.format("<!-- why -->")]
)
def test_a_stylesheet_that_gives_the_same_domain_is_no_change(sheet):
    assert HANDLER.diff(saved(), checked(xml={"xslt": sheet})) == []


def test_drift_is_told_by_its_facts_and_the_words_that_read_found():
    state = saved(**tuned("<vcpupin vcpu='0' cpuset='2'/>"))
    astray = {**state.inputs["effective"], "cputune.vcpupin[0]": "7"}
    words = ["vCPU 0 pinned to CPU 7 instead of 2"]
    observed = State(state.id, {**state.inputs, "effective": astray, "drift": words}, state.outputs)
    changes = HANDLER.diff(observed, state.inputs)
    assert [change.path for change in changes] == ['effective["cputune.vcpupin[0]"]', "drift"]
    level, line = HANDLER.summary(observed, state.inputs, changes, "hv1") or (None, "")
    assert level is Severity.WARNING
    assert line == "plc on hv1: drift, which `up` puts back: vCPU 0 pinned to CPU 7 instead of 2"


def test_the_line_says_what_is_live_and_warns_of_what_waits():
    state = saved(memory=512)
    line = HANDLER.summary(state, checked(memory=1024), HANDLER.diff(state, checked(memory=1024)), "hv1")
    assert line == (Severity.WARNING, "plc on hv1: memory 1 GiB instead of 512 MiB (at next boot)")


def test_what_waits_already_is_said_again_and_is_no_change():
    state = saved(memory=512)
    waiting = State(state.id, state.inputs, {**state.outputs, "pendingRestart": ["memory 512 MiB instead of 1 GiB"]})
    assert HANDLER.diff(waiting, state.inputs) == []
    line = HANDLER.summary(waiting, state.inputs, [], "hv1")
    assert line == (Severity.WARNING, "plc on hv1: waits for a restart of the guest: memory 512 MiB instead of 1 GiB")


def test_a_policy_that_brings_a_waiting_change_into_force_says_so_before_it_does():
    state = saved(memory=512)
    waiting = State(state.id, state.inputs, {**state.outputs, "pendingRestart": ["memory 512 MiB instead of 1 GiB"]})
    policy = '<metadata><q:policy xmlns:q="urn:quietcore:policy:1" restart="when-needed"/></metadata>'
    allowed = checked(memory=512, xml={"xslt": SHEET.format(policy)})
    level, line = HANDLER.summary(waiting, allowed, HANDLER.diff(waiting, allowed), "hv1") or (None, "")
    assert level is Severity.WARNING
    assert "the guest is restarted for what waited: memory 512 MiB instead of 1 GiB" in line


def test_facts_kept_by_another_release_are_worked_out_anew():
    state = saved(memory=512)
    old = State(state.id, state.inputs, {**state.outputs, "effective": {"memory": "other"}, KEY: {"facts": 0}})
    assert HANDLER.diff(old, state.inputs) == []


def test_a_name_that_the_program_does_not_give_follows_from_the_mark_and_stays():
    first, _ = HANDLER.check({}, None, MARK)
    again, _ = HANDLER.check({}, None, MARK)
    assert first["name"] == again["name"]
    kept, _ = HANDLER.check({}, {"name": "plc-0000000"}, MARK)
    assert kept["name"] == "plc-0000000"


@pytest.mark.parametrize(
    ("inputs", "path", "words"),
    [
        ({"memory": 0}, "memory", "whole number of MiB"),
        ({"vcpu": 1.5}, "vcpu", "whole number of vCPUs"),
        ({"name": "a/b"}, "name", "without '/'"),
        ({"memry": 4}, "memry", "did you mean 'memory'?"),
        ({"coreosIgnition": "x"}, "coreosIgnition", "not supported"),
        ({"disks": [{}]}, "disks[0]", "given none"),
        ({"disks": [{"file": "/a", "url": "http://h/a"}]}, "disks[0]", "given url and file"),
        ({"networkInterfaces": [{"mac": "52:54"}]}, "networkInterfaces[0].mac", "six bytes"),
        ({"networkInterfaces": [{"addresses": ["10.0.0"]}]}, "networkInterfaces[0].addresses[0]", "IPv4 or IPv6"),
        ({"networkInterfaces": [{"bridge": "a", "macvtap": "b"}]}, "networkInterfaces[0]", "given bridge and macvtap"),
        ({"graphics": {"type": "sdl"}}, "graphics.type", "spice, vnc, none"),
        ({"metadata": "<open>"}, "metadata", "not well-formed"),
        ({"xml": {"xslt": "<nonsense"}}, "xml.xslt", "cannot be applied"),
        ({"xml": {"xslt": SHEET.format('<x y="{document(1)}"/>')}}, "xml.xslt", "cannot be applied"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_mistake_is_refused_at_its_property(inputs, path, words):
    _, failures = HANDLER.check({"name": "plc", **inputs}, None, MARK)
    failure = only(failures)
    assert failure.path == path
    assert words in failure.reason


def test_all_mistakes_are_refused_at_once():
    _, failures = HANDLER.check({"memory": -1, "vcpu": 0, "disks": [{}]}, None, MARK)
    assert [failure.path for failure in failures] == ["memory", "vcpu", "disks[0]"]


def test_unknown_values_are_no_mistakes_and_make_unknown_facts():
    props, failures = HANDLER.check(
        {"name": "plc", "memory": UNKNOWN, "xml": {"xslt": UNKNOWN}, "networkInterfaces": [UNKNOWN]}, None, MARK
    )
    assert not failures
    assert props["effective"] is UNKNOWN
