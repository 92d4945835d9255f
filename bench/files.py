"""The files of a host of 64 CPUs with its guests, as `quietcore lint` finds them."""

from __future__ import annotations

from pathlib import Path

CPUS, CELLS = 64, 2
GUESTS = 7

_DOMAIN = """<domain type='kvm'>
  <name>{name}</name>
  <memory unit='GiB'>8</memory>
  <memoryBacking><hugepages><page size='1' unit='GiB'/></hugepages><nosharepages/><locked/></memoryBacking>
  <vcpu placement='static'>4</vcpu>
  <cputune>
    <vcpupin vcpu='0' cpuset='{pins[0]}'/>
    <vcpupin vcpu='1' cpuset='{pins[1]}'/>
    <vcpupin vcpu='2' cpuset='{pins[2]}'/>
    <vcpupin vcpu='3' cpuset='{pins[3]}'/>
    <emulatorpin cpuset='0-1,32-33'/>
    <vcpusched vcpus='1-3' scheduler='fifo' priority='1'/>
  </cputune>
  <numatune><memory mode='strict' nodeset='0'/></numatune>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/><apic/><pmu state='off'/><vmport state='off'/></features>
  <cpu mode='host-passthrough' migratable='off'>
    <topology sockets='1' cores='4' threads='1'/>
    <feature policy='require' name='tsc-deadline'/>
    <feature policy='require' name='invtsc'/>
  </cpu>
  <clock offset='utc'><timer name='hpet' present='no'/></clock>
  <pm><suspend-to-mem enabled='no'/><suspend-to-disk enabled='no'/></pm>
  <devices><controller type='usb' model='none'/><memballoon model='none'/></devices>
</domain>
"""
_CMDLINE = (
    "BOOT_IMAGE=/vmlinuz-6.1.0-28-rt-amd64 root=/dev/vda1 ro isolcpus=managed_irq,domain,{isolated} nohz=on "
    "nohz_full={isolated} rcu_nocbs={isolated} irqaffinity={others} systemd.cpu_affinity={others} "
    "kthread_cpus={others} skew_tick=1 nosoftlockup nowatchdog nmi_watchdog=0 tsc=reliable intel_pstate=disable "
    "processor.max_cstate=1 intel_idle.max_cstate=0 default_hugepagesz=1G hugepagesz=1G hugepages={pages}\n"
)


def write_host(folder: Path) -> Path:
    """Write the host's files below ``folder`` and give the host's folder."""
    host = folder / "hv1"
    host.mkdir()
    (host / "capabilities.xml").write_text(_capabilities())
    (host / "cmdline").write_text(_CMDLINE.format(isolated="2-31,34-63", others="0-1,32-33", pages=128))
    (host / "tuned.conf").write_text("[main]\ninclude=realtime-virtual-host\n[sysctl]\nkernel.timer_migration=0\n")
    (host / "realtime-virtual-host-variables.conf").write_text("isolated_cores=2-31,34-63\nisolate_managed_irq=Y\n")
    for guest in range(GUESTS):
        name, first = f"plc-{guest}", 2 + 2 * guest
        pins = (0, first, first + 32, first + 1)
        (host / f"{name}.xml").write_text(_DOMAIN.format(name=name, pins=pins))
        (host / name).mkdir()
        (host / name / "cmdline").write_text(_CMDLINE.format(isolated="1-3", others="0", pages=4))
    return host


def _capabilities() -> str:
    half = CPUS // 2
    cells = "".join(_cell(cell, [cpu + up for up in (0, half) for cpu in _first(cell)]) for cell in range(CELLS))
    cpu = "<cpu><arch>x86_64</arch><model>Icelake-Server</model><vendor>Intel</vendor></cpu>"
    return f"<capabilities><host>{cpu}<topology><cells num='2'>{cells}</cells></topology></host></capabilities>\n"


def _first(cell: int) -> range:
    each = CPUS // 2 // CELLS
    return range(cell * each, cell * each + each)


def _cell(cell: int, cpus: list[int]) -> str:
    half = CPUS // 2
    rows = "\n".join(
        f"<cpu id='{cpu}' socket_id='{cell}' core_id='{cpu % half}' siblings='{cpu % half},{cpu % half + half}'/>"
        for cpu in cpus
    )
    memory = "<memory unit='GiB'>128</memory><pages unit='GiB' size='1'>64</pages>"
    return f"<cell id='{cell}'>{memory}<cpus num='{len(cpus)}'>{rows}</cpus></cell>"
