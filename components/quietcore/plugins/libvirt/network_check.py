"""Validation of a Network's inputs, property by property."""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Iterator
from typing import Any, Final

from quietcore.plugins.handler import UNKNOWN, Failure, Props
from quietcore.plugins.libvirt.effective import BOOKKEEPING
from quietcore.plugins.properties import has_unknown
from quietcore.render.element import items, one
from quietcore.render.network_base import MODES, effective_network_element
from quietcore.render.stylesheet import StylesheetError

PROPERTIES: Final = frozenset(
    {
        "addresses",
        "autostart",
        "bridge",
        "dhcp",
        "dns",
        "dnsmasqOptions",
        "domain",
        "mode",
        "mtu",
        "name",
        "routes",
        "xml",
    }
)
MTUS: Final = (68, 65535)  # what Linux takes for a bridge (RFC 791 sets the lower end)
BRIDGE_NAME: Final = 15  # IFNAMSIZ - 1


def failures_of(inputs: Props) -> list[Failure]:
    """Collect everything that is wrong with the inputs."""
    found = [*_names(inputs), *_plain(inputs), *_addresses(inputs)]
    return found or list(_document(inputs))


def _names(inputs: Props) -> Iterator[Failure]:
    for name in sorted(inputs.keys() - PROPERTIES - set(BOOKKEEPING) - {"__defaults"}):
        near = difflib.get_close_matches(name, PROPERTIES, 1)
        yield Failure(name, "a Network has no such property" + (f"; did you mean {near[0]!r}?" if near else ""))


def _plain(inputs: Props) -> Iterator[Failure]:
    mode = inputs.get("mode")
    if isinstance(mode, str) and mode not in MODES:
        yield Failure("mode", f"given {mode!r}; allowed: {', '.join(MODES)}")
    bridge = inputs.get("bridge")
    if mode == "bridge" and not bridge:
        yield Failure("bridge", "is missing: mode 'bridge' needs the name of an existing bridge")
    if isinstance(bridge, str) and len(bridge) > BRIDGE_NAME:
        yield Failure("bridge", f"given {bridge!r}, {len(bridge)} characters; allowed: at most {BRIDGE_NAME}")
    mtu: Any = inputs.get("mtu")
    if mtu is not None and mtu is not UNKNOWN and not (isinstance(mtu, int) and MTUS[0] <= mtu <= MTUS[1]):
        yield Failure("mtu", f"given {mtu!r}; allowed: {MTUS[0]} to {MTUS[1]} bytes")


def _addresses(inputs: Props) -> Iterator[Failure]:
    for index, address in enumerate(items(inputs.get("addresses"))):
        if isinstance(address, str) and not _is_network(address):
            yield Failure(f"addresses[{index}]", f"given {address!r}; allowed: a subnet such as 10.42.0.0/24")
    for index, item in enumerate(items(inputs.get("routes"))):
        cidr = one(item).get("cidr")
        if isinstance(cidr, str) and not _is_network(cidr):
            yield Failure(f"routes[{index}].cidr", f"given {cidr!r}; allowed: a subnet such as 10.42.0.0/24")


def _document(inputs: Props) -> Iterator[Failure]:
    if has_unknown(inputs.get("xml")):
        return
    try:
        network = effective_network_element(inputs)
    except StylesheetError as error:
        yield Failure("xml.xslt", f"{error.what}: {error.given}")
        return
    if network.tag != "network" or network.find("name") is None:
        yield Failure("xml.xslt", f"gives <{network.tag!s}>; allowed: a <network> with its <name>")


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True
