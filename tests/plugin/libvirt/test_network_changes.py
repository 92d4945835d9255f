"""What a changed program means for a network in state: pure, no host and no engine."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("libvirt")

from quietcore.plugins.handler import Effect, Mark, State
from quietcore.plugins.libvirt.baseline import FACTS
from quietcore.plugins.libvirt.network import NetworkHandler
from quietcore.plugins.libvirt.network_facets import network_facets
from quietcore.plugins.libvirt.network_lift import lifted_network
from quietcore.render.stylesheet import parse_xml

HANDLER = NetworkHandler()
MARK = Mark("plant", "lab", "cell")
CELL = {"name": "cell", "mode": "nat", "addresses": ["10.9.0.0/24"]}


def checked(**inputs: Any) -> dict[str, Any]:
    props, failures = HANDLER.check({**CELL, **inputs}, None, MARK)
    assert not failures
    return props


def saved(**inputs: Any) -> State:
    props = checked(**inputs)
    return State("uuid", props, {"effective": props["effective"], "__quietcore": {"facts": FACTS}})


@pytest.mark.parametrize(
    ("before", "after", "path", "effect", "words"),
    [
        ({"mtu": 1500}, {"mtu": 1450}, "mtu", Effect.NEXT_BOOT, "MTU 1450 instead of 1500"),
        ({}, {"name": "hall"}, "name", Effect.REPLACE, "name hall instead of cell"),
        ({}, {"autostart": True}, "autostart", Effect.LIVE, "autostart on"),
        (
            {"dns": {"enabled": True}},
            {"dns": {"enabled": True, "hosts": [{"ip": "10.9.0.9", "hostname": "hmi"}]}},
            "dns",
            Effect.LIVE,
            "DNS entry 10.9.0.9 added",
        ),
        ({"dns": {"enabled": True}}, {}, "dns", Effect.NEXT_BOOT, "DNS off"),
        ({"bridge": "a"}, {"bridge": "b"}, "bridge", Effect.NEXT_BOOT, "bridge b instead of a"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_each_change_is_classed_by_when_it_takes_effect(before, after, path, effect, words):
    changes = HANDLER.diff(saved(**before), checked(**after))
    assert [(change.path, change.effect, change.text) for change in changes] == [(path, effect, words)]


def test_a_bridge_name_that_is_no_longer_said_stays():
    assert HANDLER.diff(saved(bridge="a"), checked()) == []


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"mode": "isolated"}, "mode"),
        ({"mode": "bridge"}, "bridge"),
        ({"bridge": "a-name-that-is-too-long"}, "bridge"),
        ({"mtu": 20}, "mtu"),
        ({"addresses": ["10.9.0"]}, "addresses[0]"),
        ({"routes": [{"cidr": "x", "gateway": "10.9.0.1"}]}, "routes[0].cidr"),
        ({"adresses": []}, "adresses"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_mistake_is_refused_at_its_property(inputs, path):
    _, failures = HANDLER.check({**CELL, **inputs}, None, MARK)
    assert [failure.path for failure in failures] == [path]


BY_HAND = {
    "ranges": "<forward mode='nat'/><bridge name='virbr1' stp='on' delay='0'/>"
    "<ip address='10.6.0.1' netmask='255.255.255.0'><dhcp><range start='10.6.0.5' end='10.6.0.9'/></dhcp></ip>",
    "openvswitch": "<forward mode='bridge'/><bridge name='br-int'/><virtualport type='openvswitch'/>",
    "isolated": "<bridge name='virbr2' stp='on'/><ip address='10.7.0.1' prefix='24'/>",
    "groups": "<forward mode='bridge'/><bridge name='b'/>"
    "<portgroup name='rt'><vlan><tag id='7'/></vlan></portgroup><portgroup name='it'/>",
}


@pytest.mark.parametrize("inner", BY_HAND.values(), ids=BY_HAND)
def test_a_network_made_by_hand_is_said_by_inputs_that_state_the_same(inner):
    definition = parse_xml(f"<network><name>a</name>{inner}</network>")
    inputs, failures = HANDLER.check(lifted_network(definition, autostart=False), None, MARK)
    assert not failures
    assert inputs["effective"] == network_facets(definition)
