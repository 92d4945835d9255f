"""What only the host can tell of a domain's inputs: where volumes are, what networks are called, what QEMU has."""

from __future__ import annotations

import libvirt
from lxml import etree

from quietcore.plugins.handler import Context, HandlerError, Props
from quietcore.render.domain_base import VolumeFact, effective_element
from quietcore.render.element import items, one
from quietcore.render.stylesheet import parse_xml

_KINDS = {
    libvirt.VIR_STORAGE_VOL_FILE: "file",
    libvirt.VIR_STORAGE_VOL_BLOCK: "block",
    libvirt.VIR_STORAGE_VOL_DIR: "dir",
    libvirt.VIR_STORAGE_VOL_NETWORK: "network",
}


def resolved_domain(connection: libvirt.virConnect, inputs: Props, ctx: Context) -> tuple[Props, etree._Element]:
    """Give the inputs with networks by name, and the effective domain with volumes as this host has them.

    Raises:
        HandlerError: a volume or network is not there.
        StylesheetError, libvirt.libvirtError
    """
    named = {**inputs, "networkInterfaces": [_named(connection, one(nic), ctx) for nic in _interfaces(inputs)]}
    domain = effective_element(named, lambda key: _volume(connection, key, ctx))
    if inputs.get("graphics") is None:
        _drop_default_spice(connection, domain)
    return named, domain


def _interfaces(inputs: Props) -> list[object]:
    return items(inputs.get("networkInterfaces"))


def _named(connection: libvirt.virConnect, nic: Props, ctx: Context) -> Props:
    if nic.get("networkName") or not nic.get("networkId"):
        return nic
    try:
        return {**nic, "networkName": connection.networkLookupByUUIDString(str(nic["networkId"])).name()}
    except libvirt.libvirtError as error:
        raise HandlerError(
            f"{ctx.host} has no network with id {nic['networkId']}: {error.get_error_message()}",
            hint=f"virsh -c '{ctx.uri}' net-list --all --uuid",
        ) from None


def _volume(connection: libvirt.virConnect, key: str, ctx: Context) -> VolumeFact:
    try:
        volume = connection.storageVolLookupByKey(key)
    except libvirt.libvirtError:
        try:
            volume = connection.storageVolLookupByPath(key)
        except libvirt.libvirtError as error:
            raise HandlerError(
                f"{ctx.host} has no volume {key}: {error.get_error_message()}",
                hint=f"virsh -c '{ctx.uri}' vol-info '{key}'",
            ) from None
    told = parse_xml(volume.XMLDesc()).find("target/format")
    kind = _KINDS.get(volume.info()[0], "file")
    form = str(told.get("type", "raw")) if told is not None and kind == "file" else "raw"
    return VolumeFact(path=volume.path(), kind=kind, format="raw" if form in ("unknown", "iso", "none") else form)


def _drop_default_spice(connection: libvirt.virConnect, domain: etree._Element) -> None:
    """Leave out the console that nobody asked for where this QEMU has no SPICE: with it the domain could not start."""
    spice = domain.find("devices/graphics[@type='spice']")
    if spice is None:
        return
    try:
        os = domain.find("os/type")
        arch = None if os is None else os.get("arch")
        machine = None if os is None else os.get("machine")
        told = connection.getDomainCapabilities(domain.findtext("devices/emulator"), arch, machine, domain.get("type"))
    except libvirt.libvirtError:
        return  # drivers without capabilities (test) take any graphics
    kinds = [value.text for value in parse_xml(told).findall("devices/graphics/enum[@name='type']/value")]
    parent = spice.getparent()
    if "spice" not in kinds and parent is not None:
        parent.remove(spice)
