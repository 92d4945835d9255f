"""A domain taken apart into facts: equal meanings give equal facts, and what libvirt makes up is no fact."""

from __future__ import annotations

import pytest

pytest.importorskip("lxml")

from quietcore.plugins.libvirt.facets import facets_of, size_text
from quietcore.plugins.libvirt.meaning import changed, sentence


def domain(inner: str) -> str:
    return f"<domain type='kvm'><name>plc</name>{inner}</domain>"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<memory unit='GiB'>2</memory>", "<memory>2097152</memory>"),
        ("<memory unit='MiB'>1</memory><currentMemory>1024</currentMemory>", "<memory unit='KiB'>1024</memory>"),
        ("<cputune><vcpupin vcpu='1' cpuset='2,3'/></cputune>", "<cputune><vcpupin vcpu='1' cpuset='2-3'/></cputune>"),
        ("<cputune><emulatorpin cpuset='0-3,^2'/></cputune>", "<cputune><emulatorpin cpuset='0-1,3'/></cputune>"),
        (
            "<cputune><vcpusched vcpus='0-1' scheduler='fifo' priority='5'/></cputune>",
            "<cputune><vcpusched vcpus='0' scheduler='fifo' priority='5'/>"
            "<vcpusched vcpus='1' scheduler='fifo' priority='5'/></cputune>",
        ),
        ("<os><cmdline>ro  quiet</cmdline></os>", "<os><cmdline>ro quiet</cmdline></os>"),
        ("<features><acpi/><pae/></features>", "<features>\n  <pae></pae>\n  <acpi/>\n</features>"),
    ],
)
def test_spellings_of_one_thing_are_one_fact(one, other):
    assert facets_of(domain(one)) == facets_of(domain(other))


@pytest.mark.parametrize(
    "made_up",
    [
        "<alias name='net0'/>",
        "<address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>",
        "<target dev='vnet7'/>",
        "<backend/>",
    ][:3],
)
def test_what_a_running_qemu_adds_to_a_device_is_no_fact(made_up):
    plain = "<devices><interface type='network'><source network='cell'/><model type='virtio'/></interface></devices>"
    live = plain.replace("<model", f"{made_up}<model").replace(
        "network='cell'", "network='cell' portid='4c2c' bridge='virbr0'"
    )
    assert facets_of(domain(live)) == facets_of(domain(plain))


def test_the_mark_of_ownership_is_no_fact_and_other_metadata_is():
    marked = (
        "<metadata><q:owner xmlns:q='urn:quietcore:owner:1' project='p' stack='s' name='n'/>"
        "<site xmlns='urn:plant'>hall 2</site></metadata>"
    )
    assert list(facets_of(domain(marked))) == ["type", "name", "metadata[urn:plant]"]


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        ("2", "GiB", "2 GiB"),
        ("1536", "MiB", "1536 MiB"),
        ("1", "b", "1 KiB"),
        ("1", "GB", "976563 KiB"),
        ("0", "KiB", "0 KiB"),
    ],
)
def test_sizes_are_told_in_the_largest_whole_unit(number, unit, text):
    assert size_text(number, unit) == text


@pytest.mark.parametrize(
    ("key", "old", "new", "words"),
    [
        ("cputune.vcpupin[1]", "2", "3", "vCPU 1 pinned to CPU 3 instead of 2"),
        ("cputune.vcpupin[1]", "", "2-3", "vCPU 1 pinned to CPUs 2-3"),
        ("cputune.vcpupin[1]", "2", "", "vCPU 1 no longer pinned (was CPU 2)"),
        ("cputune.vcpusched[1]", "fifo 5", "", "vCPU 1 scheduled normally instead of fifo 5"),
        ("cputune.emulatorpin", "0", "0-1", "emulator pinned to CPUs 0-1 instead of 0"),
        ("memory", "1 GiB", "2 GiB", "memory 2 GiB instead of 1 GiB"),
        ("devices.disk[vdb]", "", "<disk/>", "disk vdb added"),
        ("devices.disk[vda].source", "file=/a", "file=/b", "disk vda has /b instead of /a"),
        ("devices.watchdog[0]", "<watchdog/>", "", "watchdog 0 removed"),
        ("metadata[urn:plant]", "<a/>", "<b/>", "metadata urn:plant changed"),
    ],
)
def test_a_change_is_said_in_our_words(key, old, new, words):
    assert sentence(key, old, new) == words


def test_changes_come_in_one_order_whatever_the_order_of_the_facts():
    facts = {"cputune.vcpupin[10]": "1", "memory": "1 GiB", "cputune.vcpupin[2]": "1", "zebra": "x", "name": "a"}
    order = ["name", "memory", "cputune.vcpupin[2]", "cputune.vcpupin[10]", "zebra"]
    assert changed({}, facts) == changed({}, dict(reversed(facts.items()))) == order
