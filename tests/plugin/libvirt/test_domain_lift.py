"""An existing machine said as inputs: the program that comes of it states what the machine is."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("libvirt")

import libvirt

from quietcore.plugins.handler import Mark
from quietcore.plugins.libvirt.domain import DomainHandler
from quietcore.plugins.libvirt.domain_lift import lifted_inputs
from quietcore.plugins.libvirt.observation import observe

MARK = Mark("plant", "lab", "old")
SECTIONS = {
    "plain": "",
    "pins": "<cputune><vcpupin vcpu='0' cpuset='2'/><vcpusched vcpus='0' scheduler='fifo' priority='5'/></cputune>",
    "pages": "<memoryBacking><hugepages><page size='2048' unit='KiB'/></hugepages><nosharepages/></memoryBacking>"
    "<numatune><memory mode='strict' nodeset='0'/></numatune>",
    "clock": "<clock offset='localtime'><timer name='rtc' tickpolicy='catchup'/></clock>"
    "<pm><suspend-to-mem enabled='no'/></pm>",
    "cpu": "<cpu mode='host-passthrough'><topology sockets='1' dies='1' cores='2' threads='1'/></cpu>",
    "metadata": "<metadata><site xmlns='urn:plant'>hall {2}</site></metadata><description>press</description>",
    "features": "<features><acpi/><pmu state='off'/><kvm><hidden state='on'/></kvm></features>",
    "memory": "<currentMemory unit='MiB'>64</currentMemory>",
}
DEVICES = {
    "disk": "<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none'/><source file='/a.qcow2'/>"
    "<target dev='vda' bus='virtio'/></disk>",
    "cdrom": "<disk type='file' device='cdrom'><source file='/a.iso'/><target dev='sda' bus='sata'/><readonly/></disk>",
    "bridge": "<interface type='bridge'><mac address='52:54:00:11:22:33'/><source bridge='br0'/><model type='virtio'/>"
    "<driver queues='2'/></interface>",
    "serial": "<serial type='pty'><target port='0'/></serial><console type='pty'/>",
    "vnc": "<graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'/>",
    "watchdog": "<watchdog model='i6300esb' action='reset'/>",
}


def stated(facts: dict[str, str]) -> dict[str, str]:
    """Leave out what libvirt gives every machine, and what only the inputs' own defaults say."""
    given = ("devices.controller", "devices.input", "devices.memballoon", "devices.emulator", "devices.audio", "on_")
    return {key: text for key, text in facts.items() if not key.startswith(given)}


@pytest.fixture(scope="module")
def connection() -> Any:
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    return libvirt.open("test:///default")


@pytest.mark.parametrize(
    ("sections", "devices"),
    [(text, "") for text in SECTIONS.values()] + [("", text) for text in DEVICES.values()]
    + [("".join(SECTIONS.values()), "".join(DEVICES.values()))],
    ids=[*SECTIONS, *DEVICES, "all"],
)  # fmt: skip
def test_what_a_machine_is_comes_back_from_the_inputs_that_say_it(connection, sections, devices):
    domain = connection.defineXML(
        f"<domain type='test'><name>old</name><memory unit='MiB'>96</memory><vcpu>2</vcpu>{sections}"
        f"<os><type>hvm</type></os><devices>{devices}</devices></domain>"
    )
    try:
        seen = observe(domain)
        inputs, failures = DomainHandler().check(lifted_inputs(seen, connection), None, MARK)
        assert not failures
        assert stated(inputs["effective"]) == stated(seen.defined())
    finally:
        domain.undefine()
