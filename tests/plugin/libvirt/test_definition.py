"""The XML that libvirt is told: what was assigned once stays, and the mark goes along."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("lxml")

from quietcore.plugins.handler import Mark
from quietcore.plugins.libvirt.definition import Policy, definition_xml, policy_of
from quietcore.plugins.ownership import mark_in
from quietcore.render.stylesheet import parse_xml

MARK = Mark("plant", "lab", "plc")
CURRENT = """<domain type='kvm'><name>plc</name><uuid>0e6a9d5e-8a02-4cf5-8d2d-0f6a6f1e7d11</uuid>
<os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os><devices>
<controller type='pci' index='1' model='pcie-root-port'><address type='pci' bus='0x00' slot='0x02'/></controller>
<disk type='file' device='disk'><source file='/a'/><target dev='vda' bus='virtio'/>
  <address type='pci' bus='0x03' slot='0x00'/></disk>
<interface type='network'><mac address='52:54:00:00:00:01'/><source network='a'/><model type='virtio'/>
  <address type='pci' bus='0x01' slot='0x00'/></interface>
<interface type='network'><mac address='52:54:00:00:00:02'/><source network='b'/><model type='virtio'/>
  <address type='pci' bus='0x02' slot='0x00'/></interface></devices></domain>"""


def defined(effective: str, current: str | None = CURRENT) -> Any:
    return parse_xml(definition_xml(parse_xml(effective), MARK, None if current is None else parse_xml(current)))


def new(devices: str, machine: str = "q35") -> str:
    os = f"<os><type machine='{machine}'>hvm</type></os>"
    return f"<domain type='kvm'><name>plc</name>{os}<devices>{devices}</devices></domain>"


NIC = "<interface type='network'><source network='{}'/><model type='virtio'/></interface>"


def test_uuid_macs_addresses_and_controllers_stay():
    domain = defined(new(f"<disk type='file' device='disk'><target dev='vda' bus='virtio'/></disk>{NIC * 2}"))
    assert domain.findtext("uuid") == "0e6a9d5e-8a02-4cf5-8d2d-0f6a6f1e7d11"
    assert [mac.get("address")[-2:] for mac in domain.findall("devices/interface/mac")] == ["01", "02"]
    assert [address.get("bus") for address in domain.findall("devices/interface/address")] == ["0x01", "0x02"]
    assert domain.find("devices/disk/address").get("bus") == "0x03"
    assert domain.find("devices/controller[@model='pcie-root-port']") is not None


def test_an_interface_is_known_by_its_mac_wherever_it_stands():
    second = NIC.replace("<source", "<mac address='52:54:00:00:00:02'/><source")
    domain = defined(new(second + NIC))
    assert [address.get("bus") for address in domain.findall("devices/interface/address")] == ["0x02", "0x01"]


def test_another_machine_keeps_macs_and_no_addresses():
    domain = defined(new(NIC * 2, machine="pc"))
    assert len(domain.findall("devices/interface/mac")) == 2
    assert domain.findall("devices/interface/address") == []
    assert domain.find("devices/controller") is None


def test_a_new_domain_gets_macs_that_follow_from_its_mark():
    first, again = defined(new(NIC * 2), None), defined(new(NIC * 2), None)
    macs = [mac.get("address") for mac in first.findall("devices/interface/mac")]
    assert macs == [mac.get("address") for mac in again.findall("devices/interface/mac")]
    assert len(set(macs)) == 2
    assert all(mac.startswith("52:54:00:") for mac in macs)


def test_the_mark_is_written_beside_other_metadata_and_once():
    effective = new("").replace("<os>", "<metadata><a xmlns='urn:plant'/></metadata><os>")
    domain = parse_xml(definition_xml(defined(effective), MARK, None))
    assert mark_in(domain) == MARK
    assert len(domain.find("metadata")) == 2


@pytest.mark.parametrize(
    ("element", "policy"),
    [
        ("", Policy("never", 60)),
        ("<p:policy xmlns:p='urn:quietcore:policy:1' restart='when-needed'/>", Policy("when-needed", 60)),
        ("<p:policy xmlns:p='urn:quietcore:policy:1' shutdownTimeout='7'/>", Policy("never", 7)),
    ],
)
def test_nothing_restarts_unless_the_policy_says_so(element, policy):
    assert policy_of(parse_xml(f"<domain><metadata>{element}</metadata></domain>")) == policy
