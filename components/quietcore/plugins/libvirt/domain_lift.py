"""An existing domain as the SDK's inputs: what a program would say to get exactly this domain.

What the SDK has properties for becomes those; the rest travels in a stylesheet that puts the sections as they are.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Final

import libvirt
from lxml import etree

from quietcore.plugins.handler import Props
from quietcore.plugins.libvirt.facets import domain_facets, kib_of, stripped_device
from quietcore.plugins.libvirt.observation import Observation
from quietcore.plugins.ownership import strip_mark
from quietcore.render.domain_base import base_domain

XSL: Final = "http://www.w3.org/1999/XSL/Transform"

# libvirt adds these to any domain by itself; a program need not say them.
_GIVEN: Final = ("controller", "input", "audio", "memballoon", "emulator")
_SECTIONS_LEFT_OUT: Final = ("uuid", "name", "seclabel", "resource", "on_poweroff", "on_reboot",
                             "on_crash", "title", "sysinfo")  # fmt: skip


def lifted_inputs(seen: Observation, connection: libvirt.virConnect) -> Props:
    """Give inputs whose effective XML states what the definition states."""
    root = copy.deepcopy(seen.definition)
    strip_mark(root)
    inputs = {key: value for key, value in _plain(root, seen, connection) if value not in (None, "", [], {})}
    inputs.setdefault("graphics", {"type": "none"})
    xslt = _stylesheet(root, inputs)
    if xslt:
        inputs["xml"] = {"xslt": xslt}
    return inputs


def _plain(root: etree._Element, seen: Observation, connection: libvirt.virConnect) -> Iterator[tuple[str, Any]]:
    facts = domain_facets(root)
    yield "name", seen.name
    if root.get("type") != "kvm":
        yield "type", str(root.get("type"))
    yield "memory", max(1, kib_of(*facts.get("memory", "512 MiB").split(" ", 1)) // 1024)
    yield "vcpu", int(facts.get("vcpu", "1"))
    yield "machine", facts.get("os.machine")
    yield "description", root.findtext("description")
    for name in ("kernel", "initrd"):
        yield name, root.findtext(f"os/{name}")
    cmdline = root.findtext("os/cmdline")
    if cmdline:
        # One argument, kept whole: splitting and sorting would change the order, which the kernel minds.
        yield "cmdlines", [{"_": cmdline}]
    loader = root.find("os/loader")
    if loader is not None:
        yield "firmware", loader.text
    mode = facts.get("cpu.mode")
    if mode and mode != "custom":
        yield "cpu", {"mode": mode}
    yield "disks", [disk for disk in (_disk(e, connection) for e in root.findall("devices/disk")) if disk]
    yield "networkInterfaces", [_interface(element) for element in root.findall("devices/interface")]
    yield "graphics", _graphics(root)
    if seen.autostart:
        yield "autostart", True
    if not seen.active:
        yield "running", False


def _disk(element: etree._Element, connection: libvirt.virConnect) -> Props:
    source = element.find("source")
    if source is None or element.get("device") != "disk":
        return {}
    if source.get("volume"):
        try:
            pool = connection.storagePoolLookupByName(str(source.get("pool")))
            return {"volumeId": pool.storageVolLookupByName(str(source.get("volume"))).key()}
        except libvirt.libvirtError:
            return {}
    path = source.get("file") or source.get("dev")
    if not path:
        return {}
    try:
        return {"volumeId": connection.storageVolLookupByPath(str(path)).key()}
    except libvirt.libvirtError:
        return {"blockDevice" if source.get("dev") else "file": str(path)}


def _interface(element: etree._Element) -> Props:
    source, mac = element.find("source"), element.find("mac")
    nic: Props = {} if mac is None else {"mac": str(mac.get("address", "")).upper()}
    if source is not None:
        if source.get("network"):
            nic["networkName"] = str(source.get("network"))
        elif source.get("bridge"):
            nic["bridge"] = str(source.get("bridge"))
        elif source.get("dev"):
            modes = {"bridge": "macvtap", "passthrough": "passthrough"}
            nic[modes.get(str(source.get("mode")), "vepa")] = str(source.get("dev"))
    return nic


def _graphics(root: etree._Element) -> Props | None:
    graphics = root.find("devices/graphics")
    if graphics is None or graphics.get("type") not in ("spice", "vnc"):
        return None
    listen = graphics.find("listen")
    kind = listen.get("type") if listen is not None else None
    told: Props = {"type": str(graphics.get("type")), "autoport": graphics.get("autoport") != "no"}
    if kind in ("address", "network", "socket"):
        told["listenType"] = str(kind)
    if kind == "address" and listen is not None and listen.get("address"):
        told["listenAddress"] = str(listen.get("address"))
    return told


def _stylesheet(root: etree._Element, inputs: Props) -> str:
    """Write the sections that the inputs do not give as they stand; nothing when there are none."""
    base, facts = base_domain(inputs), domain_facets(root)
    templates: list[etree._Element] = []
    added: list[etree._Element] = []
    for section in root:
        if not isinstance(section.tag, str) or section.tag in _SECTIONS_LEFT_OUT:
            continue
        if section.tag == "currentMemory" and "currentMemory" not in facts:
            continue  # the same as the memory, which the inputs say
        twin = base.find(section.tag)
        if section.tag == "devices":
            section = _stated_devices(section)
        if twin is not None and _same(section, _stated_devices(twin) if section.tag == "devices" else twin):
            continue
        (added if twin is None else templates).append(section)
    if not templates and not added:
        return ""
    gone = [tag for tag in ("features", "cpu") if root.find(tag) is None and base.find(tag) is not None]
    return written_sheet("domain", templates, added, gone)


def _same(one: etree._Element, other: etree._Element) -> bool:
    return domain_facets(_within(one)) == domain_facets(_within(other))


def _within(section: etree._Element) -> etree._Element:
    domain = etree.Element("domain")
    domain.append(copy.deepcopy(section))
    return domain


def _stated_devices(devices: etree._Element) -> etree._Element:
    stated = etree.Element("devices")
    for device in devices:
        if isinstance(device.tag, str) and device.tag not in _GIVEN:
            stated.append(stripped_device(device))
    return stated


def written_sheet(root: str, templates: list[etree._Element], added: list[etree._Element], gone: list[str]) -> str:
    """Write the stylesheet that puts these sections into `<root>`: in place, at the end, or takes them away."""
    sheet = etree.Element(f"{{{XSL}}}stylesheet", nsmap={"xsl": XSL})
    sheet.set("version", "1.0")
    copy_all = etree.SubElement(sheet, f"{{{XSL}}}template", match="@*|node()")
    _copied(copy_all, [])
    if added:
        _copied(etree.SubElement(sheet, f"{{{XSL}}}template", match=f"/{root}"), added)
    for section in templates:
        template = etree.SubElement(sheet, f"{{{XSL}}}template", match=f"/{root}/{section.tag!s}")
        template.append(_literal(section))
    for tag in gone:
        etree.SubElement(sheet, f"{{{XSL}}}template", match=f"/{root}/{tag}")
    etree.indent(sheet)
    return etree.tostring(sheet, encoding="unicode")


def _literal(section: etree._Element) -> etree._Element:
    """Copy a section as a literal result element: braces in attributes would be expressions."""
    copied = copy.deepcopy(section)
    for element in copied.iter():
        for name, value in element.attrib.items():
            element.set(name, str(value).replace("{", "{{").replace("}", "}}"))
    return copied


def _copied(template: etree._Element, added: list[etree._Element]) -> None:
    copied = etree.SubElement(template, f"{{{XSL}}}copy")
    etree.SubElement(copied, f"{{{XSL}}}apply-templates", select="@*|node()")
    for section in added:
        copied.append(_literal(section))
