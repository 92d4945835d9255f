"""A network as a flat map of facts, and what each means when it changes."""

from __future__ import annotations

import copy
import ipaddress
import re
from collections.abc import Iterator
from typing import Final

from lxml import etree

from quietcore.plugins.handler import Effect
from quietcore.plugins.libvirt.facets import Facets
from quietcore.plugins.ownership import TAG as OWNER
from quietcore.render.element import UNKNOWN_TEXT
from quietcore.render.stylesheet import canonical

_NAT_PORTS: Final = '<nat><port end="65535" start="1024"></port></nat>'
"""libvirt's default, said or not."""

RESERVED: Final = ".reserved["
"""DHCP reservations: domains put theirs into the network; only those that the program states are compared."""

_PATHS: Final = (
    ("forward", "mode"), ("bridge", "bridge"), ("mtu", "mtu"), ("domain", "domain"), ("dns", "dns"),
    ("ip", "addresses"), ("route", "routes"), ("dnsmasq", "dnsmasqOptions"), ("name", "name"),
)  # fmt: skip
_WORDS: Final = {
    "forward": "forwarding", "bridge": "bridge", "mtu": "MTU", "domain": "DNS domain", "dns": "DNS", "ip": "address",
    "route": "route", "dnsmasq": "dnsmasq options", "name": "name", "virtualport": "virtual port type",
    "portgroup": "port group", "vlan": "VLAN", "metadata": "metadata",
}  # fmt: skip


def network_facets(root: etree._Element) -> Facets:
    """Take a `<network>` apart; effective, persistent and live XML alike."""
    facets: Facets = {}
    counts: dict[str, int] = {}
    for child in root:
        if not isinstance(child.tag, str) or child.tag in ("uuid", "mac"):
            continue
        tag = etree.QName(child).localname
        index = counts.get(tag, 0)
        counts[tag] = index + 1
        facets.update(_section(child, tag, index))
    return {key: text for key, text in facets.items() if text}


def effect_of(key: str) -> Effect:
    """Say when a change of this fact takes effect."""
    if key == "name":
        return Effect.REPLACE
    return Effect.LIVE if key.startswith("dns.host[") or RESERVED in key else Effect.NEXT_BOOT


def path_of(key: str) -> str:
    """Name the input that a program states it with."""
    head = re.split(r"[.\[]", key, maxsplit=1)[0]
    return next((path for name, path in _PATHS if name == head), "xml.xslt")


def words_for(key: str, old: str, new: str) -> str:
    """Say in our words that the fact goes from `old` to `new`."""
    if key.startswith("dns.host["):
        name = f"DNS entry {key.partition('[')[2].rstrip(']')}"
        return f"{name} added" if not old else f"{name} removed" if not new else f"{name} changed"
    head = re.split(r"[.\[]", key, maxsplit=1)[0]
    what = "DHCP range" if key.endswith(".dhcp") else "reservation" if RESERVED in key else _WORDS.get(head, head)
    if "<" in old + new:
        return f"{what} added" if not old else f"{what} removed" if not new else f"{what} changed"
    if not new:
        return f"no {what} (was {old})"
    return f"{what} {new}" + (f" instead of {old}" if old else "")


def _section(child: etree._Element, tag: str, index: int) -> Iterator[tuple[str, str]]:
    if tag == "name":
        yield "name", (child.text or "").strip()
    elif tag == "metadata":
        for item in child:
            if isinstance(item.tag, str) and item.tag != OWNER:
                yield f"metadata[{etree.QName(item).namespace or etree.QName(item).localname}]", canonical(item)
    elif tag == "forward":
        yield "forward", str(child.get("mode", "nat"))
        detail = "".join(canonical(item) for item in child if isinstance(item.tag, str))
        yield "forward.detail", "" if detail == _NAT_PORTS else detail
    elif tag == "bridge":
        yield "bridge", str(child.get("name", ""))
        yield "bridge.stp", str(child.get("stp", ""))
    elif tag == "mtu":
        yield "mtu", str(child.get("size", ""))
    elif tag == "dns":
        yield from _dns(child)
    elif tag == "ip":
        yield from _ip(child, index)
    else:
        name = str(child.get("name", "")) or str(index)
        yield f"{'dnsmasq' if tag == 'options' else tag}[{name}]", canonical(child)


def _dns(element: etree._Element) -> Iterator[tuple[str, str]]:
    rest = copy.deepcopy(element)
    for host in rest.findall("host"):
        rest.remove(host)
        names = sorted((name.text or "").strip() for name in host.findall("hostname"))
        yield f"dns.host[{host.get('ip')!s}]", " ".join(names)
    yield "dns", "off" if rest.get("enable") == "no" else ""
    yield "dns.detail", "".join(canonical(child) for child in rest if isinstance(child.tag, str))


def _ip(element: etree._Element, index: int) -> Iterator[tuple[str, str]]:
    """Read one subnet: the host's address, the ranges that DHCP serves, and who has a reserved address."""
    size = element.get("prefix") or element.get("netmask") or ("64" if element.get("family") == "ipv6" else "24")
    try:
        yield f"ip[{index}]", str(ipaddress.ip_interface(f"{element.get('address')!s}/{size!s}"))
    except ValueError:
        yield f"ip[{index}]", UNKNOWN_TEXT
    ranges = [f"{span.get('start')!s}-{span.get('end')!s}" for span in element.findall("dhcp/range")]
    yield f"ip[{index}].dhcp", " ".join(ranges)
    for host in element.findall("dhcp/host"):
        key = host.get("mac") or host.get("id") or host.get("ip")
        yield f"ip[{index}]{RESERVED}{key!s}]", canonical(host)
    rest = [child for child in element if isinstance(child.tag, str) and child.tag != "dhcp"]
    rest += [child for child in element.findall("dhcp/*") if child.tag not in ("range", "host")]
    yield f"ip[{index}].detail", "".join(canonical(child) for child in rest)
