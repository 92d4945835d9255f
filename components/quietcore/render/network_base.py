"""SDK inputs of a Network to the network XML that its stylesheet then works on, and the effective XML after it.

Follows what the official plugin makes of the same inputs (terraform-provider-libvirt 0.8.1): DHCP ranges span the
subnet, the host takes its first address.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, Final

from lxml import etree

from quietcore.render.domain_base import UNKNOWN_TEXT, Inputs, stylesheet_of
from quietcore.render.stylesheet import apply_stylesheet, canonical

MODES: Final = ("nat", "none", "route", "open", "bridge")
DNSMASQ_NAMESPACE: Final = "http://libvirt.org/schemas/network/dnsmasq/1.0"


def base_network(inputs: Inputs) -> etree._Element:
    """Build the `<network>` element that the stylesheet gets."""
    network = etree.Element("network", nsmap={"dnsmasq": DNSMASQ_NAMESPACE} if _options(inputs) else None)
    mode = _text(inputs.get("mode") or "nat")
    _sub(network, "name", inputs.get("name"))
    if mode != "none":
        forward = _sub(network, "forward", mode=mode)
        if mode == "nat":
            _sub(_sub(forward, "nat"), "port", start="1024", end="65535")
    bridge = {"name": inputs.get("bridge")} if inputs.get("bridge") else {}
    if mode == "bridge":
        _sub(network, "bridge", **bridge)
    else:
        _sub(network, "bridge", stp="on", **bridge)
    if inputs.get("mtu"):
        _sub(network, "mtu", size=inputs["mtu"])
    if mode != "bridge":
        _routed(network, inputs)
    for name, value in _options(inputs):
        line = f"{name}={value}" if value else name
        options = network.find(f"{{{DNSMASQ_NAMESPACE}}}options")
        if options is None:
            options = _sub(network, f"{{{DNSMASQ_NAMESPACE}}}options")
        _sub(options, f"{{{DNSMASQ_NAMESPACE}}}option", value=line)
    return network


def effective_network_element(inputs: Inputs) -> etree._Element:
    """Build the network after the program's own stylesheet.

    Raises:
        StylesheetError: the stylesheet cannot be applied.
    """
    base = base_network(inputs)
    xslt = stylesheet_of(inputs)
    return apply_stylesheet(base, xslt) if xslt else base


def effective_network(inputs: Inputs) -> str:
    """Give the effective network XML in canonical form."""
    return canonical(effective_network_element(inputs))


def _routed(network: etree._Element, inputs: Inputs) -> None:
    dns = _one(inputs.get("dns"))
    if inputs.get("domain"):
        local = {"localOnly": "yes" if dns["localOnly"] else "no"} if dns.get("localOnly") is not None else {}
        _sub(network, "domain", name=inputs["domain"], **local)
    network.append(_dns(dns))
    for address in _list(inputs.get("addresses")):
        network.append(_ip(_text(address), dhcp=_one(inputs.get("dhcp")).get("enabled") is not False))
    for item in _list(inputs.get("routes")):
        network.append(_route(_one(item)))


def _dns(dns: Mapping[str, Any]) -> etree._Element:
    element = etree.Element("dns", enable="no" if dns.get("enabled") is False or not dns else "yes")
    for item in _list(dns.get("forwarders")):
        forwarder = _one(item)
        given = {"domain": forwarder.get("domain"), "addr": forwarder.get("address")}
        _sub(element, "forwarder", **{key: value for key, value in given.items() if value})
    for item in _list(dns.get("srvs")):
        _sub(element, "srv", **{key: value for key, value in sorted(_one(item).items()) if value not in (None, "")})
    hosts: dict[str, list[str]] = {}
    for item in _list(dns.get("hosts")):
        hosts.setdefault(_text(_one(item).get("ip") or ""), []).append(_text(_one(item).get("hostname") or ""))
    for ip in sorted(hosts):
        host = _sub(element, "host", ip=ip)
        for name in sorted(hosts[ip]):
            _sub(host, "hostname", name)
    return element


def _ip(cidr: str, *, dhcp: bool) -> etree._Element:
    """Build one subnet: the host has its first address, guests get the rest."""
    try:
        net = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return etree.Element("ip", address=UNKNOWN_TEXT)
    family = {"family": "ipv6"} if net.version == 6 else {"family": "ipv4"}
    element = etree.Element("ip", address=str(net[1]), prefix=str(net.prefixlen), **family)
    if dhcp and net.num_addresses > 3:
        # At most 65535 addresses: dnsmasq refuses larger pools for IPv6.
        last = net[-2] if net.version == 4 else net[min(net.num_addresses - 2, 0xFFFF)]
        _sub(_sub(element, "dhcp"), "range", start=str(net[2]), end=str(last))
    return element


def _route(route: Mapping[str, Any]) -> etree._Element:
    gateway = _text(route.get("gateway") or "")
    try:
        net = ipaddress.ip_network(_text(route.get("cidr") or ""), strict=False)
    except ValueError:
        return etree.Element("route", address=UNKNOWN_TEXT, gateway=gateway)
    family = {"family": "ipv6"} if net.version == 6 else {"family": "ipv4"}
    return etree.Element("route", address=str(net[0]), prefix=str(net.prefixlen), gateway=gateway, **family)


def _options(inputs: Inputs) -> list[tuple[str, str]]:
    options = (_one(item) for item in _list(_one(inputs.get("dnsmasqOptions")).get("options")))
    return [(_text(option.get("optionName") or ""), _text(option.get("optionValue") or "")) for option in options]


def _sub(parent: etree._Element, tag: str, text: Any = None, **attributes: Any) -> etree._Element:
    element = etree.SubElement(parent, tag, **{name: _text(value) for name, value in attributes.items()})
    if text is not None:
        element.text = _text(text)
    return element


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, (str, int, float)) else UNKNOWN_TEXT


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _one(value: Any) -> dict[str, Any]:
    if isinstance(value, (list, tuple)):
        value = value[0] if value else {}
    if not isinstance(value, Mapping):
        return {}
    return {key: item for key, item in value.items() if not key.startswith("__")}
