"""What a domain takes of its host, against the same read from its XML by the rules' own reader."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("libvirt")

from quietcore.errors import UnitError
from quietcore.plugins.libvirt.facets import domain_facets
from quietcore.plugins.libvirt.footprint import REAL_TIME, Footprint, footprint, holding_facts
from quietcore.render.domain_xml import lift_element
from quietcore.render.stylesheet import parse_xml
from quietcore.spec.domain import RT_POLICIES
from quietcore.units import CpuSet, Size

GOLDEN = sorted((Path(__file__).parents[2] / "golden").rglob("effective.xml"))


def taken(body: str) -> Footprint:
    return footprint(holding_facts(parse_xml(f"<domain><name>plc</name><memory unit='GiB'>2</memory>{body}</domain>")))


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.parent.name)
def test_the_rules_read_the_same_from_the_same_xml(file):
    root = parse_xml(file.read_text())
    domain, found = lift_element(root), footprint(holding_facts(root))
    pins = [(f"vcpupin[{pin.vcpu}]", pin.cpus, pin.vcpu in domain.rt_vcpus) for pin in domain.vcpu_pins]
    emulator = [("emulatorpin", domain.emulator_pin, False)] if domain.emulator_pin else []
    others = [(f"iothreadpin[{pin.iothread}]", pin.cpus, False) for pin in domain.iothread_pins]
    assert [(thread.place, thread.cpus, thread.real_time) for thread in found.threads] == [*pins, *emulator, *others]
    assert found.name == domain.name
    assert found.hugepages == (domain.hugepages is not None)
    assert list(found.cells) == (list(domain.numa.nodeset) if domain.numa else [])
    assert found == footprint(domain_facets(root))


def test_real_time_means_what_it_means_to_the_rules():
    assert REAL_TIME == RT_POLICIES


def test_pages_are_counted_by_the_first_size_that_is_said():
    some = "<memoryBacking><hugepages>{}</hugepages></memoryBacking>"
    sized = taken(some.format("<page size='2' unit='MiB' nodeset='0'/><page size='1' unit='GiB' nodeset='1'/>"))
    assert (sized.hugepages, sized.page, sized.pages) == (True, Size.mib(2), 1024)
    unsaid = taken(some.format(""))
    assert (unsaid.hugepages, unsaid.page, unsaid.pages) == (True, None, 0)


def test_facts_in_any_order_give_the_threads_by_kind_and_number():
    facts = {
        "cputune.iothreadpin[1]": "3",
        "cputune.vcpupin[10]": "2",
        "cputune.emulatorpin": "0",
        "cputune.vcpupin[9]": "1",
    }
    places = [thread.place for thread in footprint(facts).threads]
    assert places == ["vcpupin[9]", "vcpupin[10]", "emulatorpin", "iothreadpin[1]"]


def test_memory_that_libvirt_places_by_itself_names_no_cell():
    assert taken("<numatune><memory mode='strict' placement='auto'/></numatune>").cells == ()
    assert taken("<numatune><memory mode='strict' nodeset='0-1'/></numatune>").cells == tuple(CpuSet.parse("0-1"))


def test_a_pin_that_is_not_known_yet_is_none_to_read():
    with pytest.raises(UnitError):
        taken("<cputune><vcpupin vcpu='0' cpuset='known-after-apply'/></cputune>")
