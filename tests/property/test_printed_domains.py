"""What libvirt prints of a domain gives the findings that the domain as written gives."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from quietcore.errors import QuietcoreError
from quietcore.render.domain_xml import lift, render
from quietcore.rules.examples import cpus, domain, guest, host, pins, scheds
from quietcore.rules.judge import findings
from quietcore.spec import CpuTopology, Disk, DomainSpec, Interface, NodeSpec
from quietcore.units import Size

ADDED = """
<resource><partition>/machine</partition></resource>
<uuid>6a1b2c9e-0000-4000-8000-000000000001</uuid>
<currentMemory unit='KiB'>2097152</currentMemory>
<on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
<seclabel type='dynamic' model='dac' relabel='yes'><label>+64055:+64055</label></seclabel>
<seclabel type='none' model='apparmor'/>
<sysinfo type='smbios'><memory>1</memory></sysinfo>
"""

OF_DEVICES = """
<emulator>/usr/bin/qemu-system-x86_64</emulator>
<controller type='pci' index='0' model='pcie-root'><alias name='pcie.0'/></controller>
<controller type='sata' index='0'><alias name='ide'/></controller>
<controller type='virtio-serial' index='0'/>
<input type='mouse' bus='ps2'><alias name='input0'/></input>
<input type='keyboard' bus='ps2'/>
<audio id='1' type='none'/>
<video><model type='none'/></video>
<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><target dev='sda' bus='sata'/></disk>
<hostdev mode='subsystem' type='pci' managed='yes'/>
"""

bad = {
    "vcpu_pins": st.sampled_from([(), pins(v0="1", v1="2", v2="2", v3="4"), pins(v0="0-1", v1="1", v5="3")]),
    "vcpu_scheds": st.sampled_from([scheds("1-4"), scheds("0-3"), scheds("0", priority=9) + scheds("1-3"), ()]),
    "emulator_pin": st.sampled_from([None, cpus("2-3")]),
    "iothreads": st.just(2),
    "hugepages": st.none(),
    "locked": st.just(False),
    "hard_limit": st.just(Size.parse("1GiB")),
    "memory": st.just(Size.parse("2500MiB")),
    "cpu_mode": st.sampled_from([None, "host-model"]),
    "cpu_topology": st.builds(CpuTopology, cores=st.integers(1, 4), threads=st.integers(1, 2)),
    "cpu_features": st.sampled_from([{}, {"invtsc": "require", "tsc-deadline": "require"}]),
    "kvm_features": st.just(("hint-dedicated",)),
    "hpet": st.none(),
    "pmu": st.sampled_from([None, True]),
    "memory_source": st.just("file"),
    "guest": st.sampled_from([None, guest(isolated=cpus("2-4"))]),
}


@st.composite
def broken(draw: st.DrawFn) -> DomainSpec:
    """The good domain with a few mistakes, in devices as well."""
    chosen: dict[str, Any] = {name: draw(bad[name]) for name in draw(st.sets(st.sampled_from(sorted(bad)), max_size=4))}
    listed = domain().devices.model_copy(
        update={
            "usb": draw(st.sampled_from(["none", "qemu-xhci"])),
            "needless": draw(st.sampled_from([(), ("graphics", "sound")])),
            "rng": draw(st.booleans()),
            "disks": (Disk(target="vda", cache=draw(st.sampled_from(["none", None]))),),
            "interfaces": (Interface(type="bridge", model=draw(st.sampled_from(["virtio", "e1000"]))),),
        }
    )
    return domain(**chosen, devices=listed)


def told(xml: str) -> list[tuple[str, str]]:
    return sorted((found.code, found.where) for found in findings(NodeSpec(host=host(), domain=lift(xml))))


@given(broken(), st.randoms(use_true_random=False))
def test_a_running_domain_gives_the_findings_of_the_written_one(written: DomainSpec, chance: Any) -> None:
    xml = render(written)
    root = etree.fromstring(xml)
    _as_printed(root)
    chance.shuffle(children := list(root))
    root[:] = children
    for part in ("cputune", "memoryBacking", "features", "pm", "cpu", "devices"):
        found = root.find(part)
        if found is not None:
            chance.shuffle(inner := list(found))
            found[:] = inner
    assert told(etree.tostring(root, pretty_print=chance.random() < 0.5, encoding="unicode")) == told(xml)


def _as_printed(root: etree._Element) -> None:
    """What libvirt adds to a domain that it runs, and how it writes sizes, sets and scheduling."""
    root.set("id", "7")
    root.extend(etree.fromstring(f"<x>{ADDED}</x>"))
    root.find("vcpu").set("current", "2")
    memory = root.find("memory")
    memory.text, memory.attrib["unit"] = str(lift(etree.tostring(root)).memory.bytes // 1024), "KiB"
    root.find("devices").extend(etree.fromstring(f"<x>{OF_DEVICES}</x>"))
    for number, device in enumerate(root.find("devices")):
        device.append(etree.fromstring(f"<alias name='device{number}'/>"))
        device.append(etree.fromstring("<address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x0'/>"))
    for sched in root.findall("cputune/vcpusched"):
        for vcpu in cpus(sched.get("vcpus")):
            one = copy.deepcopy(sched)
            one.set("vcpus", str(vcpu))
            sched.addprevious(one)
        sched.getparent().remove(sched)


pieces = st.sampled_from(
    [
        "<",
        ">",
        "/",
        "'",
        "&",
        "&amp;",
        "<!DOCTYPE d [<!ENTITY a 'b'>]>",
        "&a;",
        "<?pi?>",
        "\x00",
        "²",
        "9" * 30,
        "-1",
        "0-9999999",
        "all",
    ]
)


@given(broken(), st.data())
def test_a_broken_domain_gives_a_clear_error_or_a_domain(written: DomainSpec, data: st.DataObject) -> None:
    text = render(written)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        text = text[:start] + data.draw(pieces) + text[start + data.draw(st.integers(0, 12)) :]
    outcome = _lifted(text, "plc-a.xml")
    if isinstance(outcome, QuietcoreError):
        assert "plc-a.xml" in str(outcome)
    else:
        findings(outcome)


def _lifted(text: str, name: str) -> DomainSpec | QuietcoreError:
    try:
        return lift(text, name)
    except QuietcoreError as fault:
        return fault


@given(st.text() | st.binary())
def test_anything_at_all_gives_a_clear_error(junk: str | bytes) -> None:
    with pytest.raises(QuietcoreError):
        lift(junk, "junk.xml")


def test_entities_are_refused_wherever_they_stand() -> None:
    laughs = (
        "<!DOCTYPE domain ["
        + "".join(f"<!ENTITY l{level + 1} '{f'&l{level};' * 10}'>" for level in range(9))
        + "<!ENTITY l0 'lol'>]>"
    )
    for body in ("<domain><name>&l9;</name></domain>", "<domain type='&l9;'/>", "<domain/>"):
        with pytest.raises(QuietcoreError, match=r"laughs\.xml"):
            lift(laughs + body, "laughs.xml")
