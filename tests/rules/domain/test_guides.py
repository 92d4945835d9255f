"""Domains as the vendors' own guides have them: exactly their known mistakes are found, and nothing else."""

from quietcore.render.domain_xml import lift
from quietcore.rules.examples import host
from quietcore.rules.judge import findings
from quietcore.spec import Cell, CpuPlan, HostSpec, HostTopology, NodeSpec
from quietcore.units import CpuSet, Size

MACHINE = """
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <clock offset='utc'>
    <timer name='rtc' tickpolicy='catchup'/>
    <timer name='pit' tickpolicy='delay'/>
    <timer name='hpet' present='no'/>
  </clock>
  <pm><suspend-to-mem enabled='no'/><suspend-to-disk enabled='no'/></pm>
"""
"""What virt-install writes around the settings that a guide shows."""

DISK = """
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='none'/><target dev='vda' bus='virtio'/>
    </disk>"""

LIBVIRT = f"""
<domain type='kvm'>
  <name>libvirt-guide</name>
  <memory unit='GiB'>16</memory>
  <vcpu placement='static'>4</vcpu>
  <cputune>
    <emulatorpin cpuset="8-9"/>
    <vcpupin vcpu="0" cpuset="12"/>
    <vcpupin vcpu="1" cpuset="13"/>
    <vcpupin vcpu="2" cpuset="14"/>
    <vcpupin vcpu="3" cpuset="15"/>
    <vcpusched vcpus='0-4' scheduler='fifo' priority='1'/>
  </cputune>
  <cpu mode='host-passthrough'>
    <topology sockets='1' dies='1' cores='4' threads='1'/>
    <feature policy='require' name='tsc-deadline'/>
  </cpu>
  <features><acpi/><apic/><vmport state='off'/><pmu state='off'/></features>
  <memoryBacking>
    <hugepages><page size="1" unit="G" nodeset="1"/></hugepages>
    <locked/>
    <nosharepages/>
  </memoryBacking>
  <numatune><memory mode='strict' nodeset='1'/></numatune>
  {MACHINE}
  <devices>
    {DISK}
    <controller type="usb" model="none"/>
    <interface type='network'><source network='default'/><model type='virtio'/></interface>
    <console type='pty'/>
    <memballoon model="none"/>
  </devices>
</domain>
"""

CANONICAL = f"""
<domain type='kvm'>
  <name>ubuntu-rt-vm</name>
  <memory unit='GiB'>8</memory>
  <memoryBacking>
    <hugepages><page size='1' unit='G'/></hugepages>
    <nosharepages/>
    <locked/>
  </memoryBacking>
  <vcpu placement='static'>8</vcpu>
  <cputune>
    <vcpupin vcpu='0' cpuset='8'/>
    <vcpupin vcpu='1' cpuset='9'/>
    <vcpupin vcpu='2' cpuset='10'/>
    <vcpupin vcpu='3' cpuset='11'/>
    <vcpupin vcpu='4' cpuset='12'/>
    <vcpupin vcpu='5' cpuset='13'/>
    <vcpupin vcpu='6' cpuset='14'/>
    <vcpupin vcpu='7' cpuset='15'/>
    <emulatorpin cpuset='0-7'/>
    <vcpusched vcpus='0' scheduler='fifo' priority='1'/>
    <vcpusched vcpus='1-7' scheduler='fifo' priority='10'/>
  </cputune>
  <numatune><memory mode='strict' nodeset='0'/></numatune>
  <cpu mode='host-passthrough' check='none' migratable='off'>
    <topology sockets='1' dies='1' cores='8' threads='1'/>
    <feature policy='require' name='tsc-deadline'/>
  </cpu>
  <features><acpi/><apic/><vmport state='off'/><pmu state='off'/></features>
  {MACHINE}
  <devices>
    {DISK}
    <controller type='usb' model='none'/>
    <console type='pty'/>
    <memballoon model='none'/>
  </devices>
</domain>
"""


def host_of(isolated: str, *cells: str) -> HostSpec:
    """A host without SMT, one cell for each set of CPUs."""
    rooms = tuple(
        Cell(id=number, cpus=CpuSet.parse(cpus), memory=Size.parse("32GiB"), pages={Size.parse("1GiB"): 26})
        for number, cpus in enumerate(cells)
    )
    every = CpuSet().union(cell.cpus for cell in rooms)
    plan = CpuPlan(housekeeping=every - CpuSet.parse(isolated), isolated=CpuSet.parse(isolated))
    return HostSpec(name="guide", topology=HostTopology(cells=rooms), cpus=plan)


def codes(xml: str, on: HostSpec | None = None) -> list[str]:
    return [finding.code for finding in findings(NodeSpec(host=on, domain=lift(xml)))]


def test_libvirts_page_has_its_off_by_one_and_its_nodeset_and_nothing_else() -> None:
    assert codes(LIBVIRT) == ["D09", "D25"]
    assert codes(LIBVIRT, host_of("2-7,10-15", "0-7", "8-15")) == ["D09", "D25"]


def test_libvirts_page_is_clean_once_both_are_mended() -> None:
    mended = LIBVIRT.replace("'0-4'", "'0-3'").replace(' nodeset="1"/></hugepages>', "/></hugepages>")
    assert codes(mended, host_of("2-7,10-15", "0-7", "8-15")) == []


def test_canonicals_page_with_hugepages_is_clean() -> None:
    assert codes(CANONICAL, host_of("8-15", "0-15")) == []


def test_canonicals_page_as_it_is_lacks_hugepages_and_a_cell() -> None:
    page = CANONICAL.replace("<hugepages><page size='1' unit='G'/></hugepages>", "")
    page = page.replace("<numatune><memory mode='strict' nodeset='0'/></numatune>", "")
    assert codes(page, host_of("8-15", "0-15")) == ["D22", "D23"]


def test_an_ordinary_domain_may_have_what_it_likes() -> None:
    web = """
    <domain type='kvm'><name>web</name><memory unit='GiB'>4</memory><vcpu cpuset='0-3'>4</vcpu>
      <os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type></os>
      <features><kvm><hint-dedicated state='on'/></kvm></features>
      <cpu mode='host-model'><topology sockets='1' cores='8' threads='2'/></cpu>
      <devices>
        <graphics type='vnc'/><sound model='ich9'/><input type='tablet'/><rng model='virtio'/><watchdog action='none'/>
        <disk type='file' snapshot='external'><driver cache='unsafe'/><target dev='vda'/></disk>
        <interface type='user'/><hostdev type='usb'/><memballoon model='virtio'/>
      </devices>
    </domain>"""
    assert codes(web, host()) == []
    scheduled = "<cputune><vcpusched vcpus='1' scheduler='rr' priority='1'/></cputune><features>"
    assert len(codes(web.replace("<features>", scheduled), host())) > 20
