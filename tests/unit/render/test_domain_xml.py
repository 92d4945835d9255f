"""Domain XML as programs and as libvirt write it."""

import pytest

from quietcore.render.domain_xml import LiftError, lift
from quietcore.spec import HugePages, VcpuSched
from quietcore.units import CpuSet, Size

PRINTED = """
<domain type='kvm' id='7' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>plc-a</name>
  <uuid>6a1b2c9e-0000-4000-8000-000000000001</uuid>
  <metadata>
    <libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0"/>
  </metadata>
  <memory unit='KiB'>2097152</memory>
  <currentMemory unit='KiB'>2097152</currentMemory>
  <memoryBacking>
    <hugepages><page size='1048576' unit='KiB' nodeset='0'/></hugepages>
    <nosharepages/>
    <locked/>
  </memoryBacking>
  <vcpu placement='static' cpuset='0-7,^3'>3</vcpu>
  <iothreads>2</iothreads>
  <iothreadids><iothread id='1'/><iothread id='2'/></iothreadids>
  <cputune>
    <shares>2048</shares>
    <vcpupin vcpu='0' cpuset='0-1,^1'/>
    <vcpupin vcpu='1' cpuset='2'/>
    <vcpupin vcpu='2' cpuset='4'/>
    <emulatorpin cpuset='0-1'/>
    <iothreadpin iothread='1' cpuset='0'/>
    <vcpusched vcpus='1' scheduler='fifo' priority='1'/>
    <vcpusched vcpus='2' scheduler='fifo' priority='1'/>
    <vcpusched vcpus='0' scheduler='batch'/>
  </cputune>
  <numatune><memory mode='strict' nodeset='0'/></numatune>
  <resource><partition>/machine</partition></resource>
  <os>
    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
    <kernel>/vmlinuz</kernel>
    <cmdline>root=/dev/vda1 isolcpus=managed_irq,domain,1-2</cmdline>
  </os>
  <features><acpi/><pmu state='off'/></features>
  <cpu mode='host-passthrough' check='none' migratable='off'/>
  <devices><memballoon model='none'/></devices>
</domain>
"""


@pytest.fixture(scope="module")
def printed():
    return lift(PRINTED)


def test_what_libvirt_prints_of_a_running_domain_is_read(printed):
    assert (printed.name, printed.machine, printed.vcpus, printed.iothreads) == ("plc-a", "pc-q35-7.2", 3, 2)
    assert printed.memory == Size.parse("2GiB")
    assert printed.hugepages == (HugePages(size=Size.parse("1GiB"), nodeset=CpuSet([0])),)
    assert printed.locked
    assert printed.nosharepages
    assert printed.pmu is False
    assert printed.memballoon == "none"


def test_a_cpu_taken_away_by_a_caret_is_not_pinned(printed):
    assert printed.vcpu_pins[0].cpus == CpuSet([0])


def test_entries_of_one_scheduling_are_one_entry(printed):
    assert printed.vcpu_scheds == (
        VcpuSched(vcpus=CpuSet([1, 2]), policy="fifo", priority=1),
        VcpuSched(vcpus=CpuSet([0]), policy="batch"),
    )


def test_overlapping_entries_stay_apart_for_a_rule_to_see():
    text = "<vcpusched vcpus='1-2' scheduler='fifo' priority='1'/><vcpusched vcpus='2' scheduler='fifo' priority='1'/>"
    scheds = lift(f"<domain><vcpu>4</vcpu><cputune>{text}</cputune></domain>").vcpu_scheds
    assert [str(sched.vcpus) for sched in scheds] == ["1-2", "2"]


def test_a_raw_domain_tells_its_isolation_by_the_command_line_it_boots_with(printed):
    assert printed.guest.kernel is None
    assert printed.guest.isolated == CpuSet([1, 2])
    assert printed.guest.cmdline.get("root") == "/dev/vda1"


def test_the_last_cpu_of_a_raw_domain_is_its_last_vcpu():
    xml = "<domain><vcpu>4</vcpu><os><cmdline>isolcpus=domain,1-N</cmdline></os></domain>"
    assert lift(xml).guest.isolated == CpuSet([1, 2, 3])


def test_the_command_line_that_boots_counts_before_the_one_in_the_metadata():
    facts = "<g:guest xmlns:g='urn:quietcore:guest:1' kernel='rt' isolated='1' cmdline='isolcpus=3'/>"
    xml = f"<domain><metadata>{facts}</metadata><os><kernel>/k</kernel><cmdline>isolcpus=1</cmdline></os></domain>"
    guest = lift(xml).guest
    assert guest.kernel == "rt"
    assert str(guest.cmdline) == "isolcpus=1"


def test_what_the_xml_does_not_say_stays_unsaid():
    bare = lift("<domain><name>x</name><memory>1024</memory><vcpu>2</vcpu></domain>")
    assert (bare.cpu_mode, bare.emulator_pin, bare.numa, bare.hugepages, bare.memballoon, bare.pmu, bare.guest) == (
        *[None] * 7,
    )
    assert bare.memory == Size.mib(1)


def test_hugepages_without_a_size_are_of_unsaid_size():
    xml = "<domain><memoryBacking><hugepages/></memoryBacking></domain>"
    assert lift(xml).hugepages == (HugePages(),)


@pytest.mark.parametrize(
    ("unit", "count"),
    [("b", 1), ("bytes", 1), ("KB", 1000), ("k", 1024), ("KiB", 1024), ("MB", 10**6), ("GiB", 1 << 30)],
)
def test_units_mean_what_formatdomain_says(unit, count):
    assert lift(f"<domain><memory unit='{unit}'>3</memory></domain>").memory == Size(3 * count)


@pytest.mark.parametrize(
    ("xml", "what", "where"),
    [
        ("<network/>", "not a domain XML", ""),
        ("<domain>", "domain XML does not parse", ""),
        ("<domain><vcpu>two</vcpu></domain>", "not a whole number", "/domain/vcpu"),
        ("<domain><memory unit='GO'>1</memory></domain>", "not a unit of size", "/domain/memory/@unit"),
        (
            "<domain><cputune><vcpupin vcpu='0' cpuset='1'/><vcpupin vcpu='1' cpuset='4-2'/></cputune></domain>",
            "a CPU range runs upwards",
            "/domain/cputune/vcpupin[2]/@cpuset",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(xml, what, where):
    with pytest.raises(LiftError) as told:
        lift(xml)
    assert told.value.what == what
    assert told.value.where == where
