"""Observing a network: its state for the engine, who is on it, what waits."""

from __future__ import annotations

from typing import Any

import libvirt
from lxml import etree

from quietcore.plugins.handler import Mark, Props, State
from quietcore.plugins.libvirt.baseline import FACTS, KEY, differing, mark
from quietcore.plugins.libvirt.effective import plain
from quietcore.plugins.libvirt.facets import Facets
from quietcore.plugins.libvirt.faults import mark_text
from quietcore.plugins.libvirt.network_diff import DRIFT, facts_of, with_effective
from quietcore.plugins.libvirt.network_facets import RESERVED, network_facets, words_for
from quietcore.render.stylesheet import parse_xml


def pending_of(network: libvirt.virNetwork) -> Facets:
    """Give the defined values of what runs otherwise."""
    if not network.isActive():
        return {}
    return {
        key: text
        for key, text in differing(
            network_facets(parse_xml(network.XMLDesc())), network_facets(definition_of(network))
        ).items()
        if RESERVED not in key and not key.startswith("metadata[")
    }


def users_of(network: libvirt.virNetwork) -> list[str]:
    """Name the guests that have an interface on it now."""
    try:
        ports = network.listAllPorts(0) if network.isActive() else []
    except libvirt.libvirtError:
        return []  # a driver without ports (test) has no guests on it either
    owners = (parse_xml(port.XMLDesc(0)).findtext("owner/name") for port in ports)
    return sorted({owner for owner in owners if owner})


def state_of(network: libvirt.virNetwork, inputs: Props, owner: Mark | None, *, imported: bool = False) -> State:
    """Give the state after a change of ours, or as taken over (`owner` None)."""
    full = inputs if isinstance(inputs.get("effective"), dict) else with_effective(inputs)
    definition = definition_of(network)
    filled = differing(facts_of(full) or {}, network_facets(definition))
    kept: dict[str, Any] = {
        "facts": FACTS,
        "filled": {key: mark(text) for key, text in filled.items() if RESERVED not in key},
    }
    if owner is not None:
        kept["mark"] = mark_text(owner)
    if imported:
        kept["imported"] = True
    return State(network.UUIDString(), full, _outputs(network, full, definition, kept))


def _outputs(network: libvirt.virNetwork, inputs: Props, definition: etree._Element, kept: dict[str, Any]) -> Props:
    bridge = definition.find("bridge")
    pending = pending_of(network)
    live = network_facets(parse_xml(network.XMLDesc())) if pending else {}
    return {
        **plain(inputs),
        "name": network.name(),
        "bridge": "" if bridge is None else str(bridge.get("name", "")),
        "mode": inputs.get("mode") or "nat",
        "autostart": bool(network.autostart()),
        "effective": inputs.get("effective"),
        "pendingRestart": [words_for(key, live.get(key, ""), text) for key, text in pending.items()],
        KEY: kept,
    }


def observed_network(network: libvirt.virNetwork, state: State) -> State:
    """Give outputs as they are, and inputs that differ exactly where others changed the network."""
    current = (state.outputs.get(KEY) or {}).get("facts") == FACTS
    facts = facts_of(state.outputs if current else plain(state.inputs)) or {}
    definition = definition_of(network)
    seen = network_facets(definition)
    kept = dict(state.outputs.get(KEY) or {}) if current else {}
    if not kept:
        kept = {"facts": FACTS, "filled": {k: mark(v) for k, v in differing(facts, seen).items() if RESERVED not in k}}
    expected = {**{key: mark(text) for key, text in facts.items()}, **kept["filled"]}
    astray = {
        key: seen.get(key, "")
        for key in {**expected, **seen}
        if expected.get(key, "") != mark(seen.get(key, "")) and (RESERVED not in key or key in facts)
    }
    inputs = {key: value for key, value in state.inputs.items() if key != DRIFT}
    told = [f"defined with {words_for(key, facts.get(key, ''), text)}" for key, text in astray.items()]
    if not network.isActive():
        told.append("is not active")
    if isinstance(inputs.get("effective"), dict) or astray:
        inputs["effective"] = {key: text for key, text in {**facts, **astray}.items() if text}
    if bool(inputs.get("autostart", False)) != bool(network.autostart()):
        inputs["autostart"] = bool(network.autostart())
        told.append(f"autostart is {'on' if network.autostart() else 'off'}")
    if told:
        inputs[DRIFT] = told
    return State(
        network.UUIDString(), inputs, _outputs(network, {**state.inputs, "effective": facts}, definition, kept)
    )


def definition_of(network: libvirt.virNetwork) -> etree._Element:
    """Give what is defined; of a network that is not, what runs."""
    if not network.isPersistent():
        return parse_xml(network.XMLDesc())
    try:
        return parse_xml(network.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE))
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_INVALID_ARG:
            raise
        return parse_xml(network.XMLDesc())  # the test driver keeps no second definition
