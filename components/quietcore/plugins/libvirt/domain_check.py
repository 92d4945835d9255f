"""Validation of a Domain's inputs, property by property."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Iterator
from typing import Any, Final

from lxml import etree

from quietcore.plugins.handler import UNKNOWN, Failure, Props
from quietcore.plugins.libvirt.definition import POLICY
from quietcore.plugins.libvirt.effective import BOOKKEEPING
from quietcore.plugins.properties import has_unknown
from quietcore.render.domain_base import effective_element
from quietcore.render.element import items, one
from quietcore.render.stylesheet import StylesheetError, parse_xml

PROPERTIES: Final = frozenset(
    {
        "arch", "autostart", "bootDevices", "cloudinit", "cmdlines", "consoles", "coreosIgnition", "cpu",
        "description", "disks", "emulator", "filesystems", "firmware", "fwCfgName", "graphics", "initrd",
        "kernel", "machine", "memory", "metadata", "name", "networkInterfaces", "nvram", "qemuAgent", "running",
        "tpm", "type", "vcpu", "video", "xml",
    }
)  # fmt: skip
DISK_SOURCES: Final = ("volumeId", "url", "file", "blockDevice")
NIC_SOURCES: Final = ("networkId", "networkName", "bridge", "vepa", "macvtap", "passthrough")
GRAPHICS: Final = ("spice", "vnc", "none")
RESTARTS: Final = ("never", "when-needed")

_MAC: Final = re.compile(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}\Z")


def judged(inputs: Props) -> tuple[list[Failure], etree._Element | None]:
    """Collect everything that is wrong with the inputs; with nothing wrong, the effective domain where it is known."""
    found = [*_unknown_names(inputs), *_plain(inputs), *_disks(inputs), *_interfaces(inputs), *_devices(inputs)]
    if found or has_unknown(inputs.get("xml")):
        return found, None
    try:
        domain = effective_element(inputs)
    except StylesheetError as error:
        return [Failure("xml.xslt", f"{error.what}: {error.given}")], None
    return list(_document(domain)), domain


def _unknown_names(inputs: Props) -> Iterator[Failure]:
    for name in sorted(inputs.keys() - PROPERTIES - set(BOOKKEEPING) - {"__defaults"}):
        near = difflib.get_close_matches(name, PROPERTIES, 1)
        yield Failure(name, "a Domain has no such property" + (f"; did you mean {near[0]!r}?" if near else ""))


def _plain(inputs: Props) -> Iterator[Failure]:
    for count, unit in (("memory", "MiB"), ("vcpu", "vCPUs")):
        value = inputs.get(count)
        if _known(value) and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            yield Failure(count, f"given {value!r}; allowed: a whole number of {unit}, 1 or more")
    name = inputs.get("name")
    if _known(name) and (not isinstance(name, str) or not name.strip() or "/" in name or name.startswith(".")):
        yield Failure("name", f"given {name!r}; allowed: a text without '/', not starting with '.'")
    if inputs.get("coreosIgnition") not in (None, ""):
        yield Failure("coreosIgnition", "Ignition is not supported by this plugin; use a CloudInitDisk and `cloudinit`")
    metadata = inputs.get("metadata")
    if isinstance(metadata, str):
        try:
            parse_xml(f"<metadata>{metadata}</metadata>")
        except etree.XMLSyntaxError as error:
            yield Failure("metadata", f"not well-formed XML: {error}")


def _disks(inputs: Props) -> Iterator[Failure]:
    for index, disk in enumerate(items(inputs.get("disks"))):
        if disk is UNKNOWN:
            continue
        given = [name for name in DISK_SOURCES if one(disk).get(name)]
        if len(given) != 1:
            what = "none" if not given else " and ".join(given)
            yield Failure(f"disks[{index}]", f"given {what}; allowed: exactly one of {', '.join(DISK_SOURCES)}")


def _interfaces(inputs: Props) -> Iterator[Failure]:
    for index, item in enumerate(items(inputs.get("networkInterfaces"))):
        if item is UNKNOWN:
            continue
        nic, path = one(item), f"networkInterfaces[{index}]"
        given = [name for name in NIC_SOURCES if nic.get(name)]
        if len(given) > 1 and set(given) != {"networkId", "networkName"}:
            yield Failure(path, f"given {' and '.join(given)}; allowed: one of {', '.join(NIC_SOURCES)}")
        mac = nic.get("mac")
        if isinstance(mac, str) and mac and not _MAC.match(mac):
            yield Failure(f"{path}.mac", f"given {mac!r}; allowed: six bytes such as 52:54:00:12:34:56")
        for place, address in enumerate(items(nic.get("addresses"))):
            if isinstance(address, str) and not _is_address(address):
                yield Failure(f"{path}.addresses[{place}]", f"given {address!r}; allowed: an IPv4 or IPv6 address")


def _devices(inputs: Props) -> Iterator[Failure]:
    kind = one(inputs.get("graphics")).get("type")
    if isinstance(kind, str) and kind not in GRAPHICS:
        yield Failure("graphics.type", f"given {kind!r}; allowed: {', '.join(GRAPHICS)}")
    for index, device in enumerate(items(inputs.get("filesystems"))):
        for name in ("source", "target"):
            if device is not UNKNOWN and not one(device).get(name):
                yield Failure(f"filesystems[{index}].{name}", "is missing")


def _document(domain: etree._Element) -> Iterator[Failure]:
    """Judge what the stylesheet made of it."""
    if domain.tag != "domain" or domain.find("name") is None:
        yield Failure("xml.xslt", f"gives <{domain.tag!s}>; allowed: a <domain> with its <name>")
        return
    policy = domain.find(f"metadata/{POLICY}")
    if policy is not None and policy.get("restart", "never") not in RESTARTS:
        yield Failure("xml.xslt", f"restart policy {policy.get('restart')!r}; allowed: {', '.join(RESTARTS)}")


def _known(value: Any) -> bool:
    return value is not None and value is not UNKNOWN


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
