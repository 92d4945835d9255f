"""The handler of `libvirt:index/network:Network`.

A network in use is not taken down: what cannot be changed while guests are on it is defined, said, and waits.
"""

from __future__ import annotations

import copy
from typing import Any, ClassVar

import libvirt
from lxml import etree

from quietcore.plugins.handler import (
    UNKNOWN,
    Change,
    Context,
    Failure,
    Handler,
    HandlerError,
    Mark,
    PartialError,
    Props,
    Severity,
    State,
)
from quietcore.plugins.libvirt.baseline import KEY
from quietcore.plugins.libvirt.effective import plain
from quietcore.plugins.libvirt.faults import faults, foreign, refuse_foreign
from quietcore.plugins.libvirt.named import named
from quietcore.plugins.libvirt.network_check import failures_of
from quietcore.plugins.libvirt.network_diff import DRIFT, network_changes, network_summary, with_effective
from quietcore.plugins.libvirt.network_lift import lifted_network
from quietcore.plugins.libvirt.network_state import definition_of, observed_network, pending_of, state_of, users_of
from quietcore.plugins.ownership import mark_in, put_mark
from quietcore.render.network_base import effective_network_element
from quietcore.render.stylesheet import parse_xml


class NetworkHandler(Handler):
    """Virtual networks."""

    token: ClassVar[str] = "libvirt:index/network:Network"
    derived: ClassVar[frozenset[str]] = frozenset({"effective", "pendingRestart", DRIFT, KEY})

    def check(self, new: Props, old: Props | None, mark: Mark) -> tuple[Props, list[Failure]]:  # the mark names it
        """Name it, validate it, and work out its effective facts."""
        inputs = named(new, old, mark)
        failures = failures_of(inputs)
        return (inputs if failures else with_effective(inputs)), failures

    def diff(self, old: State, new: Props) -> list[Change]:
        """Compare what was declared, what was observed and what is declared now."""
        return network_changes(old, new)

    def predict(self, new: Props, old: State | None) -> Props:
        """Give the outputs as far as they are known; see `domain_outputs.predicted` for what is left to the inputs."""
        had = old.outputs if old is not None else {}
        return {
            **plain(new),
            "bridge": new.get("bridge") or had.get("bridge", UNKNOWN),
            "mode": new.get("mode") or "nat",
        }

    def create(self, inputs: Props, ctx: Context) -> State:
        """Define and start; nothing is left when it does not start. One that bears our mark is adopted."""
        connection = ctx.connect()
        with faults(f"making network {inputs.get('name')}", ctx):
            existing = _lookup(connection.networkLookupByName, str(inputs["name"]))
            if existing is not None:
                seen = definition_of(existing)
                if mark_in(seen) != ctx.mark:
                    raise foreign("network", existing.name(), existing.UUIDString(), mark_in(seen), ctx)
                return self._converge(connection, existing, inputs, ctx)
            ctx.checkpoint(f"network {inputs['name']} on {ctx.host}")
            network = connection.networkDefineXML(_xml(inputs, ctx.mark, None))
            try:
                network.create()
                network.setAutostart(int(bool(inputs.get("autostart"))))
            except libvirt.libvirtError:
                _remove(network)
                raise
            return state_of(network, inputs, ctx.mark)

    def read(self, state: State, ctx: Context) -> State | None:
        """Observe definition and activity; without saved inputs take it over."""
        connection = ctx.connect()
        with faults(f"reading network {state.inputs.get('name', state.id)}", ctx):
            network = _lookup(connection.networkLookupByUUIDString, state.id)
            if network is None and not state.inputs:
                network = _lookup(connection.networkLookupByName, state.id)
            if network is None:
                return None
            if not state.inputs:
                inputs = with_effective(lifted_network(definition_of(network), autostart=bool(network.autostart())))
                return state_of(network, inputs, None, imported=True)
            return observed_network(network, state)

    def update(self, old: State, new: Props, ctx: Context) -> State:
        """Define anew, change live what libvirt can, restart the network only while nobody is on it."""
        connection = ctx.connect()
        with faults(f"updating network {new.get('name')}", ctx):
            network = _lookup(connection.networkLookupByUUIDString, old.id)
            if network is None:
                raise HandlerError(f"{ctx.host} has no network {new.get('name')} any more", hint="pulumi refresh")
            refuse_foreign("network", network.name(), old.id, mark_in(definition_of(network)), ctx, old)
            return self._converge(connection, network, new, ctx)

    def delete(self, state: State, ctx: Context) -> None:
        """Stop and undefine; not while guests are on it."""
        connection = ctx.connect()
        with faults(f"removing network {state.inputs.get('name', state.id)}", ctx):
            network = _lookup(connection.networkLookupByUUIDString, state.id)
            if network is None:
                return
            refuse_foreign("network", network.name(), state.id, mark_in(definition_of(network)), ctx, state)
            users = users_of(network)
            if users:
                raise HandlerError(
                    f"{ctx.host}: network {network.name()} is in use by {', '.join(users)}",
                    hint="shut these guests down or move their interfaces first",
                )
            _remove(network)

    def summary(self, old: State, new: Props, changes: list[Change], host: str) -> tuple[Severity, str] | None:
        """Say drift, what changes and when, or what still waits."""
        return network_summary(old, new, super().summary(old, new, changes, host), host)

    @staticmethod
    def _converge(connection: libvirt.virConnect, network: libvirt.virNetwork, inputs: Props, ctx: Context) -> State:
        current = definition_of(network)
        network = connection.networkDefineXML(_xml(inputs, ctx.mark, current))
        network.setAutostart(int(bool(inputs.get("autostart"))))
        try:
            if not network.isActive():
                network.create()
            elif pending_of(network):
                _apply_dns(network)
                if pending_of(network) and not users_of(network):
                    network.destroy()
                    network.create()
        except libvirt.libvirtError as error:
            state = state_of(network, inputs, ctx.mark)
            raise PartialError(f"network {network.name()} on {ctx.host}: {error.get_error_message()}", state) from None
        return state_of(network, inputs, ctx.mark)


def _xml(inputs: Props, owner: Mark, current: etree._Element | None) -> str:
    """Give the XML to define; of the current definition its identity and its guests' reservations are kept."""
    network = copy.deepcopy(effective_network_element(inputs))
    put_mark(network, owner)
    if current is not None:
        for tag in ("uuid", "mac"):
            kept = current.find(tag)
            if kept is not None and network.find(tag) is None:
                network.insert(1, copy.deepcopy(kept))
        bridge, had = network.find("bridge"), current.find("bridge")
        if bridge is not None and had is not None and not bridge.get("name") and had.get("name"):
            bridge.set("name", str(had.get("name")))
        for subnet, old in zip(network.findall("ip"), current.findall("ip"), strict=False):
            _keep_reservations(subnet, old)
    return etree.tostring(network, encoding="unicode")


def _keep_reservations(subnet: etree._Element, old: etree._Element) -> None:
    dhcp = subnet.find("dhcp")
    if dhcp is None:
        return
    stated = {host.get("mac") for host in dhcp.findall("host")}
    for host in old.findall("dhcp/host"):
        if host.get("mac") not in stated:
            dhcp.append(copy.deepcopy(host))


def _apply_dns(network: libvirt.virNetwork) -> None:
    """Bring the DNS entries of the running network to those defined."""
    wanted, has = definition_of(network).find("dns"), parse_xml(network.XMLDesc()).find("dns")
    new = {} if wanted is None else {str(host.get("ip")): host for host in wanted.findall("host")}
    old = {} if has is None else {str(host.get("ip")): host for host in has.findall("host")}
    flags = libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE
    section = libvirt.VIR_NETWORK_SECTION_DNS_HOST
    for ip, host in old.items():
        if ip not in new or _text(new[ip]) != _text(host):
            network.update(libvirt.VIR_NETWORK_UPDATE_COMMAND_DELETE, section, -1, _text(host), flags)
    for ip, host in new.items():
        if ip not in old or _text(old[ip]) != _text(host):
            network.update(libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, section, -1, _text(host), flags)


def _text(host: etree._Element) -> str:
    return etree.tostring(host, encoding="unicode")


def _remove(network: libvirt.virNetwork) -> None:
    if network.isActive():
        network.destroy()
    if network.isPersistent():
        network.undefine()


def _lookup(look: Any, key: str) -> libvirt.virNetwork | None:
    try:
        return look(key)
    except libvirt.libvirtError as error:
        if error.get_error_code() in (libvirt.VIR_ERR_NO_NETWORK, libvirt.VIR_ERR_INVALID_ARG):
            return None
        raise
