"""DHCP reservations: `networkInterfaces[].addresses` of a domain, kept in the network that serves it."""

from __future__ import annotations

from typing import Final

import libvirt
from lxml import etree

from quietcore.plugins.handler import Props
from quietcore.render.element import element, items, one
from quietcore.render.stylesheet import parse_xml

BOTH: Final = libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE | libvirt.VIR_NETWORK_UPDATE_AFFECT_CONFIG


def reserve(connection: libvirt.virConnect, inputs: Props, macs: list[str]) -> None:
    """Reserve each interface's addresses in its network where that network has DHCP; an older reservation gives way."""
    for index, item in enumerate(items(inputs.get("networkInterfaces"))):
        nic = one(item)
        addresses = [address for address in items(nic.get("addresses")) if isinstance(address, str)]
        if not addresses or index >= len(macs) or not nic.get("networkName"):
            continue
        network = connection.networkLookupByName(str(nic["networkName"]))
        for address in addresses:
            host = element("host", mac=macs[index], name=nic.get("hostname") or inputs.get("name"), ip=address)
            _put(network, host)


def release(connection: libvirt.virConnect, domain: etree._Element) -> None:
    """Take out the reservations of a domain that goes; a network that is gone too needs nothing."""
    for interface in domain.findall("devices/interface"):
        source, mac = interface.find("source"), interface.find("mac")
        if source is None or mac is None or not source.get("network"):
            continue
        try:
            network = connection.networkLookupByName(str(source.get("network")))
            for host in _hosts(network):
                if str(host.get("mac", "")).lower() == str(mac.get("address", "")).lower():
                    _update(network, libvirt.VIR_NETWORK_UPDATE_COMMAND_DELETE, host)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_NETWORK:
                raise


def _put(network: libvirt.virNetwork, host: etree._Element) -> None:
    same = [known for known in _hosts(network) if str(known.get("mac", "")).lower() == host.get("mac")]
    if any(known.get("ip") == host.get("ip") and known.get("name") == host.get("name") for known in same):
        return
    if not _serves_dhcp(network):
        return
    for known in same:
        _update(network, libvirt.VIR_NETWORK_UPDATE_COMMAND_DELETE, known)
    _update(network, libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, host)


def _hosts(network: libvirt.virNetwork) -> list[etree._Element]:
    return parse_xml(network.XMLDesc()).findall("ip/dhcp/host")


def _serves_dhcp(network: libvirt.virNetwork) -> bool:
    return parse_xml(network.XMLDesc()).find("ip/dhcp") is not None


def _update(network: libvirt.virNetwork, command: int, host: etree._Element) -> None:
    flags = BOTH if network.isActive() else libvirt.VIR_NETWORK_UPDATE_AFFECT_CONFIG
    text = etree.tostring(host, encoding="unicode")
    network.update(command, libvirt.VIR_NETWORK_SECTION_IP_DHCP_HOST, -1, text, flags)
