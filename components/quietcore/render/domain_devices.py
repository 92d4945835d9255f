"""The devices of a domain, both ways, as far as real-time rules care."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from quietcore.render.xml_text import Tag, tag
from quietcore.spec import Devices, Disk, DomainSpec, Interface

if TYPE_CHECKING:
    from lxml.etree import _Element

_USB: Final = "usb"
_NEEDLESS: Final = {
    "graphics": tag("graphics", type="vnc"),
    "hub": tag("hub", type=_USB),
    "input": tag("input", type="tablet", bus=_USB),
    "redirdev": tag("redirdev", bus=_USB, type="spicevmc"),
    "sound": tag("sound", model="ich9"),
}
"""Devices that wake the emulator at times of their own, by element. An ``audio`` backend, a ``video`` card and PS/2
input, which libvirt adds by itself, do nothing until one of these is there."""


def devices(domain: DomainSpec) -> list[Tag]:
    """The children of ``<devices>``; an element whose details no rule needs stands in its plainest form."""
    listed = domain.devices
    return [
        *map(_disk, listed.disks),
        *usb(listed),
        *map(_interface, listed.interfaces),
        *(_NEEDLESS[name] for name in listed.needless),
        *([tag("hostdev", mode="subsystem", type=_USB)] * listed.usb_hostdevs),
        *(tag("watchdog", model="i6300esb", action=action) for action in listed.watchdogs),
        *([tag("memballoon", model=domain.memballoon)] if domain.memballoon is not None else []),
        *([tag("rng", tag("backend", "/dev/urandom", model="random"), model="virtio")] if listed.rng else []),
    ]


def usb(listed: Devices) -> list[Tag]:
    """The USB controller: with model "none" it keeps libvirt from adding one of its own."""
    return [] if listed.usb is None else [tag("controller", type=_USB, model=listed.usb or None)]


def lift_devices(root: _Element | None) -> dict[str, Any]:
    """The fields of DomainSpec that ``<devices>`` tells, read in one pass."""
    if root is None:
        return {}
    found: dict[str, list[_Element]] = {}
    for child in root:
        found.setdefault(child.tag, []).append(child)
    balloon = found.get("memballoon")
    return {"memballoon": balloon[0].get("model") if balloon else None, "devices": _listed(found)}


def _listed(found: Mapping[str, list[_Element]]) -> Devices:
    needless = (name for name in _NEEDLESS if any(_counts(name, one) for one in found.get(name, ())))
    controllers = [one.get("model", "") for one in found.get("controller", ()) if one.get("type") == _USB]
    return Devices(
        # libvirt takes "none" only where no other USB controller is listed.
        usb=next((model for model in controllers if model != "none"), controllers[0] if controllers else None),
        needless=tuple(needless),
        rng="rng" in found,
        usb_hostdevs=sum(one.get("type") == _USB for one in found.get("hostdev", ())),
        disks=tuple(_lift_disk(one) for one in found.get("disk", ()) if one.get("device", "disk") in ("disk", "lun")),
        interfaces=tuple(map(_lift_interface, found.get("interface", ()))),
        # libvirt's default action is a reset.
        watchdogs=tuple(one.get("action", "reset") for one in found.get("watchdog", ())),
    )


def _counts(name: str, one: _Element) -> bool:
    """Input is polled on USB alone, which is a tablet's default bus."""
    return name != "input" or one.get("bus", _USB if one.get("type") == "tablet" else "") == _USB


def _disk(disk: Disk) -> Tag:
    return tag(
        "disk",
        tag("driver", name="qemu", cache=disk.cache),
        tag("target", dev=disk.target, bus="virtio"),
        type=disk.type,
        device="disk",
        snapshot=disk.snapshot,
    )


def _lift_disk(disk: _Element) -> Disk:
    driver, target = disk.find("driver"), disk.find("target")
    return Disk(
        target="" if target is None else target.get("dev", ""),
        type=disk.get("type", "file"),
        cache=None if driver is None else driver.get("cache"),
        snapshot=disk.get("snapshot"),
    )


def _interface(interface: Interface) -> Tag:
    parts = (("model", "type", interface.model), ("driver", "name", interface.driver))
    return tag("interface", *(Tag(name, {key: said}) for name, key, said in parts if said), type=interface.type)


def _lift_interface(interface: _Element) -> Interface:
    model, driver = interface.find("model"), interface.find("driver")
    return Interface(
        type=interface.get("type", ""),
        model=None if model is None else model.get("type"),
        driver=None if driver is None else driver.get("name"),
    )
