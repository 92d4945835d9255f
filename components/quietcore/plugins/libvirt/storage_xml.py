"""The XML of pools and volumes, in both directions, and the small facts read from it. Sizes are in bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import libvirt
from lxml import etree

from quietcore.plugins.handler import Props
from quietcore.render.element import element, one, sub
from quietcore.render.stylesheet import apply_stylesheet, canonical, parse_xml

FILE_POOLS: Final = ("dir", "fs", "netfs")
"""Pool types whose volumes are files: any format, overlays, sparse."""
BLOCK_POOLS: Final = ("logical",)
"""Pool types whose volumes are block devices: raw, fully allocated, rounded up to the extent."""
READABLE: Final = "0644"
"""QEMU opens a base image as another user than the one that made it."""
PRIVATE: Final = "0600"
"""A seed may hold secrets; libvirt gives it to QEMU's user while a domain runs."""


@dataclass(frozen=True, slots=True)
class VolumeFacts:
    """What the host says of a volume now; `changed` is its last modification as libvirt prints it, or empty."""

    name: str
    key: str
    path: str
    kind: str
    format: str
    capacity: int
    allocation: int
    backing: str = ""
    changed: str = ""


@dataclass(frozen=True, slots=True)
class PoolFacts:
    """What the host says of a pool; the sizes are 0 while it is stopped."""

    name: str
    uuid: str
    type: str
    path: str
    capacity: int
    allocation: int
    available: int
    source_name: str = ""
    devices: tuple[str, ...] = ()

    @property
    def blocks(self) -> bool:
        """Whether its volumes are block devices."""
        return self.type in BLOCK_POOLS


def lift_volume(xml: str) -> VolumeFacts:
    """Read `virStorageVolGetXMLDesc`."""
    root = parse_xml(xml)
    form = root.find("target/format")
    return VolumeFacts(
        name=_text(root, "name"),
        key=_text(root, "key"),
        path=_text(root, "target/path"),
        kind=root.get("type") or "file",
        format=(form.get("type") or "raw") if form is not None else "raw",
        capacity=_bytes(root, "capacity"),
        allocation=_bytes(root, "allocation"),
        backing=_text(root, "backingStore/path"),
        changed=_text(root, "target/timestamps/mtime"),
    )


def lift_pool(xml: str) -> PoolFacts:
    """Read `virStoragePoolGetXMLDesc`."""
    root = parse_xml(xml)
    return PoolFacts(
        name=_text(root, "name"),
        uuid=_text(root, "uuid"),
        type=root.get("type") or "",
        path=_text(root, "target/path"),
        capacity=_bytes(root, "capacity"),
        allocation=_bytes(root, "allocation"),
        available=_bytes(root, "available"),
        source_name=_text(root, "source/name"),
        devices=tuple(device.get("path") or "" for device in root.findall("source/device")),
    )


def volume_xml(
    name: str,
    capacity: int,
    form: str,
    *,
    blocks: bool,
    backing: VolumeFacts | None = None,
    mode: str = READABLE,
    xslt: str = "",
) -> str:
    """A volume to be made: empty, or an overlay on `backing`. On block pools it is fully allocated."""
    root = element("volume")
    sub(root, "name", name)
    sub(root, "capacity", capacity, unit="bytes")
    # A logical volume that is allocated less than its capacity would be a thin snapshot of nothing.
    sub(root, "allocation", capacity if blocks else 0, unit="bytes")
    target = sub(root, "target")
    if not blocks:
        sub(target, "format", type=form)
    sub(sub(target, "permissions"), "mode", mode)
    if backing is not None:
        store = sub(root, "backingStore")
        sub(store, "path", backing.path)
        sub(store, "format", type=backing.format)
    return _through(root, xslt)


def pool_xml(inputs: Props, uuid: str) -> str:
    """The pool that the inputs of the SDK's Pool stand for."""
    source = one(inputs.get("source"))
    root = element("pool", type=inputs["type"])
    sub(root, "name", inputs["name"])
    sub(root, "uuid", uuid)
    if inputs["type"] == "logical":
        origin = sub(root, "source")
        for device in source.get("devices") or []:
            sub(origin, "device", path=one(device).get("path"))
        sub(origin, "name", source.get("name") or inputs["name"])
        sub(origin, "format", type="lvm2")
    target = sub(root, "target")
    sub(target, "path", pool_path(inputs))
    return _through(root, xslt_of(inputs))


def pool_path(inputs: Props) -> Any:
    """Where the pool shows its volumes: `target.path`, the deprecated `path`, or `/dev/VG` for a volume group."""
    given = one(inputs.get("target")).get("path") or inputs.get("path")
    if given:
        return given
    group = one(inputs.get("source")).get("name") or inputs.get("name")
    return f"/dev/{group}" if inputs.get("type") == "logical" and isinstance(group, str) else None


def xslt_of(inputs: Props) -> str:
    """The stylesheet of `xml.xslt`; empty when there is none or it is not known yet."""
    given = one(inputs.get("xml")).get("xslt")
    return given if isinstance(given, str) else ""


def same_stylesheet(left: str, right: str) -> bool:
    """Whether two stylesheets are the same document: white space and comments aside."""
    if left == right:
        return True
    try:
        return bool(left and right) and canonical(parse_xml(left)) == canonical(parse_xml(right))
    except etree.XMLSyntaxError:
        return False


def facts_of(volume: libvirt.virStorageVol) -> VolumeFacts:
    """Ask the host. Raises libvirtError."""
    return lift_volume(volume.XMLDesc(0))


def _through(root: etree._Element, xslt: str) -> str:
    result = apply_stylesheet(root, xslt) if xslt else root
    return etree.tostring(result, encoding="unicode", pretty_print=True)


def _text(root: etree._Element, path: str) -> str:
    return (root.findtext(path) or "").strip()


def _bytes(root: etree._Element, path: str) -> int:
    # libvirt prints `unit='bytes'` here, whatever unit the object was made with.
    return int(_text(root, path) or 0)
