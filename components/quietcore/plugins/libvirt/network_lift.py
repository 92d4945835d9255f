"""An existing network as the SDK's inputs."""

from __future__ import annotations

import copy
import ipaddress
from typing import Any

from lxml import etree

from quietcore.plugins.handler import Props
from quietcore.plugins.libvirt.domain_lift import written_sheet
from quietcore.plugins.libvirt.network_facets import network_facets
from quietcore.plugins.ownership import strip_mark
from quietcore.render.network_base import base_network


def lifted_network(definition: etree._Element, *, autostart: bool) -> Props:
    """Give inputs whose effective XML states what the definition states; what the SDK lacks goes into a stylesheet."""
    root = copy.deepcopy(definition)
    strip_mark(root)
    forward, bridge, mtu, domain = (root.find(tag) for tag in ("forward", "bridge", "mtu", "domain"))
    inputs: dict[str, Any] = {
        "name": root.findtext("name"),
        "mode": "none" if forward is None else str(forward.get("mode", "nat")),
        "bridge": None if bridge is None else bridge.get("name"),
        "mtu": None if mtu is None else int(str(mtu.get("size"))),
        "domain": None if domain is None else domain.get("name"),
        "addresses": [_subnet(ip) for ip in root.findall("ip")],
        "autostart": autostart or None,
    }
    inputs = {name: value for name, value in inputs.items() if value not in (None, "", [])}
    if inputs["mode"] not in ("nat", "none", "route", "open", "bridge"):
        inputs["mode"] = "none"
    if root.findall("ip") and not root.findall("ip/dhcp"):
        inputs["dhcp"] = {"enabled": False}
    sheet = _rest(root, base_network(inputs))
    return {**inputs, "xml": {"xslt": sheet}} if sheet else inputs


def _subnet(ip: etree._Element) -> str:
    size = ip.get("prefix") or ip.get("netmask") or ("64" if ip.get("family") == "ipv6" else "24")
    return str(ipaddress.ip_network(f"{ip.get('address')!s}/{size!s}", strict=False))


def _rest(root: etree._Element, base: etree._Element) -> str:
    """Write the sections that differ as they stand; all of one kind together, since libvirt has several `<ip>`."""
    wanted, has = network_facets(root), network_facets(base)
    names = {key.split("[")[0].split(".")[0] for key in {*wanted, *has} if wanted.get(key) != has.get(key)}
    changed = {"options" if name == "dnsmasq" else name for name in names}
    sections = [child for child in root if isinstance(child.tag, str) and etree.QName(child).localname in changed]
    gone = [tag for tag in sorted(changed) if base.find(tag) is not None]
    return written_sheet("network", [], sections, gone) if sections or gone else ""
