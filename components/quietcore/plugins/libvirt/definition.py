"""The XML that libvirt is told: what the program declares, the mark of ownership, and what the domain already is.

Redefining a domain without its MACs and device addresses would rename the guest's interfaces and disks at its next
boot; so what libvirt assigned once is written back.
"""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass
from typing import Final

from lxml import etree

from quietcore.plugins.handler import Mark
from quietcore.plugins.ownership import put_mark

POLICY: Final = "{urn:quietcore:policy:1}policy"
SHUTDOWN_SECONDS: Final = 60
"""How long a guest may take to shut down before it is switched off, where its policy does not say."""

_PAIRED: Final = ("disk", "interface", "controller", "channel", "rng", "memballoon", "video", "sound", "hostdev",
                  "filesystem", "watchdog", "input", "serial", "console", "redirdev", "vsock", "tpm")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Policy:
    """What the program allows: `restart` "never" or "when-needed"; `shutdown` in seconds."""

    restart: str = "never"
    shutdown: float = SHUTDOWN_SECONDS

    @property
    def may_restart(self) -> bool:
        """Whether an update may shut the guest down and start it again."""
        return self.restart == "when-needed"


def policy_of(domain: etree._Element) -> Policy:
    """Read `<quietcore:policy restart= shutdownTimeout=/>` from the metadata; by default nothing restarts."""
    element = domain.find(f"metadata/{POLICY}")
    if element is None:
        return Policy()
    seconds = str(element.get("shutdownTimeout", SHUTDOWN_SECONDS))
    return Policy(
        restart=str(element.get("restart", "never")),
        shutdown=float(seconds) if seconds.replace(".", "", 1).isdigit() else SHUTDOWN_SECONDS,
    )


def definition_xml(
    effective: etree._Element, mark: Mark, current: etree._Element | None, *, keep_addresses: bool = True
) -> str:
    """Give the XML to define. `current` is the definition to keep identity from: UUID, MACs, device addresses."""
    domain = copy.deepcopy(effective)
    put_mark(domain, mark)
    if current is None:
        _name_interfaces(domain, mark)
    else:
        _keep_uuid(domain, current)
        same = keep_addresses and _same_machine(domain, current)
        _keep_devices(domain, current, addresses=same)
    return etree.tostring(domain, encoding="unicode")


def _name_interfaces(domain: etree._Element, mark: Mark) -> None:
    """Give interfaces without a MAC one that follows from the mark: a domain made again is the same to DHCP."""
    for index, interface in enumerate(domain.findall("devices/interface")):
        if interface.find("mac") is None:
            digest = hashlib.sha256("\x1f".join((mark.project, mark.stack, mark.name, str(index))).encode()).digest()
            mac = etree.Element("mac", {"address": "52:54:00:" + digest[:3].hex(":")})  # QEMU's own prefix
            interface.insert(0, mac)


def _keep_uuid(domain: etree._Element, current: etree._Element) -> None:
    for stated in domain.findall("uuid"):
        domain.remove(stated)
    uuid = etree.Element("uuid")
    uuid.text = current.findtext("uuid")
    domain.insert(1, uuid)


def _same_machine(domain: etree._Element, current: etree._Element) -> bool:
    """Tell whether the buses stay what they are: same architecture and same machine family ("q35", "pc-q35-7.2")."""
    new, old = domain.find("os/type"), current.find("os/type")
    if new is None or old is None:
        return False
    if new.get("arch") and new.get("arch") != old.get("arch"):
        return False
    wanted, had = new.get("machine") or "", old.get("machine") or ""
    return not wanted or ("q35" in wanted) == ("q35" in had)


def _keep_devices(domain: etree._Element, current: etree._Element, *, addresses: bool) -> None:
    devices, had = domain.find("devices"), current.find("devices")
    if devices is None or had is None:
        return
    for tag in _PAIRED:
        for new, old in _pairs(devices.findall(tag), had.findall(tag)):
            if tag == "interface":
                _copy_child(new, old, "mac")
            if addresses:
                _copy_child(new, old, "address")
    if addresses:
        _keep_controllers(devices, had)


def _pairs(new: list[etree._Element], old: list[etree._Element]) -> list[tuple[etree._Element, etree._Element]]:
    """Pair what is the same thing: by its own identity where it has one, the rest by place among its like."""
    pairs, rest = [], list(old)
    unpaired = []
    for element in new:
        twin = next((other for other in rest if _identity(other) == _identity(element) != ""), None)
        if twin is None:
            unpaired.append(element)
        else:
            rest.remove(twin)
            pairs.append((element, twin))
    for element in unpaired:
        twin = next((other for other in rest if _kind(other) == _kind(element) and not _identity(element)), None)
        if twin is not None:
            rest.remove(twin)
            pairs.append((element, twin))
    return pairs


def _identity(element: etree._Element) -> str:
    if element.tag == "disk":
        target = element.find("target")
        return "" if target is None else f"{target.get('bus')!s} {target.get('dev')!s}"
    if element.tag == "interface":
        mac = element.find("mac")
        return "" if mac is None else str(mac.get("address", "")).lower()
    if element.tag == "controller":
        return f"{element.get('type')!s} {element.get('index', '0')!s} {element.get('model', '')!s}"
    return ""


def _kind(element: etree._Element) -> str:
    model = element.find("model")
    return f"{element.get('type', '')!s} {element.get('model', '')!s} {'' if model is None else model.get('type')!s}"


def _copy_child(new: etree._Element, old: etree._Element, tag: str) -> None:
    child = old.find(tag)
    if new.find(tag) is None and child is not None:
        new.append(copy.deepcopy(child))


def _keep_controllers(devices: etree._Element, had: etree._Element) -> None:
    stated = {(c.get("type"), c.get("index", "0")) for c in devices.findall("controller")}
    without_index = {c.get("type") for c in devices.findall("controller") if c.get("index") is None}
    for controller in had.findall("controller"):
        kind = controller.get("type")
        if (kind, controller.get("index", "0")) not in stated and kind not in without_index:
            devices.append(copy.deepcopy(controller))
