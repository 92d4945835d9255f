"""SDK inputs of a Network to the network XML that its stylesheet then works on, and the effective XML after it.

Follows what the official plugin makes of the same inputs (terraform-provider-libvirt 0.8.1): DHCP ranges span the
subnet, the host takes its first address.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, Final

from lxml import etree

from quietcore.render.domain_base import stylesheet_of
from quietcore.render.element import UNKNOWN_TEXT, Inputs, element, items, one, sub, text
from quietcore.render.stylesheet import apply_stylesheet, canonical

MODES: Final = ("nat", "none", "route", "open", "bridge")
DNSMASQ_NAMESPACE: Final = "http://libvirt.org/schemas/network/dnsmasq/1.0"


def base_network(inputs: Inputs) -> etree._Element:
    """Build the `<network>` element that the stylesheet gets."""
    network = etree.Element("network", nsmap={"dnsmasq": DNSMASQ_NAMESPACE} if _options(inputs) else None)
    mode = text(inputs.get("mode") or "nat")
    sub(network, "name", inputs.get("name"))
    if mode != "none":
        forward = sub(network, "forward", mode=mode)
        if mode == "nat":
            sub(sub(forward, "nat"), "port", start="1024", end="65535")
    bridge = {"name": inputs.get("bridge")} if inputs.get("bridge") else {}
    if mode == "bridge":
        sub(network, "bridge", **bridge)
    else:
        sub(network, "bridge", stp="on", **bridge)
    if inputs.get("mtu"):
        sub(network, "mtu", size=inputs["mtu"])
    if mode != "bridge":
        _routed(network, inputs)
    for name, value in _options(inputs):
        line = f"{name}={value}" if value else name
        options = network.find(f"{{{DNSMASQ_NAMESPACE}}}options")
        if options is None:
            options = sub(network, f"{{{DNSMASQ_NAMESPACE}}}options")
        sub(options, f"{{{DNSMASQ_NAMESPACE}}}option", value=line)
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
    dns = one(inputs.get("dns"))
    if inputs.get("domain"):
        local = {"localOnly": "yes" if dns["localOnly"] else "no"} if dns.get("localOnly") is not None else {}
        sub(network, "domain", name=inputs["domain"], **local)
    network.append(_dns(dns))
    for address in items(inputs.get("addresses")):
        network.append(_ip(text(address), dhcp=one(inputs.get("dhcp")).get("enabled") is not False))
    for item in items(inputs.get("routes")):
        network.append(_route(one(item)))


def _dns(dns: Mapping[str, Any]) -> etree._Element:
    made = element("dns", enable="no" if dns.get("enabled") is False or not dns else "yes")
    for item in items(dns.get("forwarders")):
        forwarder = one(item)
        given = {"domain": forwarder.get("domain"), "addr": forwarder.get("address")}
        sub(made, "forwarder", **{key: value for key, value in given.items() if value})
    for item in items(dns.get("srvs")):
        sub(made, "srv", **{key: value for key, value in sorted(one(item).items()) if value not in (None, "")})
    hosts: dict[str, list[str]] = {}
    for item in items(dns.get("hosts")):
        hosts.setdefault(text(one(item).get("ip") or ""), []).append(text(one(item).get("hostname") or ""))
    for ip in sorted(hosts):
        host = sub(made, "host", ip=ip)
        for name in sorted(hosts[ip]):
            sub(host, "hostname", name)
    return made


def _ip(cidr: str, *, dhcp: bool) -> etree._Element:
    """Build one subnet: the host has its first address, guests get the rest."""
    try:
        net = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return element("ip", address=UNKNOWN_TEXT)
    family = {"family": "ipv6"} if net.version == 6 else {"family": "ipv4"}
    made = element("ip", address=str(net[1]), prefix=str(net.prefixlen), **family)
    if dhcp and net.num_addresses > 3:
        # At most 65535 addresses: dnsmasq refuses larger pools for IPv6.
        last = net[-2] if net.version == 4 else net[min(net.num_addresses - 2, 0xFFFF)]
        sub(sub(made, "dhcp"), "range", start=str(net[2]), end=str(last))
    return made


def _route(route: Mapping[str, Any]) -> etree._Element:
    gateway = text(route.get("gateway") or "")
    try:
        net = ipaddress.ip_network(text(route.get("cidr") or ""), strict=False)
    except ValueError:
        return element("route", address=UNKNOWN_TEXT, gateway=gateway)
    family = {"family": "ipv6"} if net.version == 6 else {"family": "ipv4"}
    return element("route", address=str(net[0]), prefix=str(net.prefixlen), gateway=gateway, **family)


def _options(inputs: Inputs) -> list[tuple[str, str]]:
    options = (one(item) for item in items(one(inputs.get("dnsmasqOptions")).get("options")))
    return [(text(option.get("optionName") or ""), text(option.get("optionValue") or "")) for option in options]
