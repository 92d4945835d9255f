"""A small host with a guest, as files that a stranger would have."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

DOMAIN = """<domain type='kvm'>
  <name>plc</name>
  <memory unit='GiB'>2</memory>
  <memoryBacking>
    <hugepages><page size='1' unit='GiB'/></hugepages>
    <nosharepages/>
    <locked/>
  </memoryBacking>
  <vcpu placement='static'>4</vcpu>
  <cputune>
    <vcpupin vcpu='0' cpuset='1'/>
    <vcpupin vcpu='1' cpuset='2'/>
    <vcpupin vcpu='2' cpuset='3'/>
    <vcpupin vcpu='3' cpuset='4'/>
    <emulatorpin cpuset='0-1'/>
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

CMDLINE = (
    "BOOT_IMAGE=/vmlinuz-6.1.0-28-rt-amd64 root=/dev/vda1 ro isolcpus=managed_irq,domain,2-7 nohz=on nohz_full=2-7 "
    "rcu_nocbs=2-7 irqaffinity=0-1 systemd.cpu_affinity=0-1 kthread_cpus=0-1 skew_tick=1 nosoftlockup nowatchdog "
    "nmi_watchdog=0 tsc=reliable mce=off intel_pstate=disable processor.max_cstate=1 intel_idle.max_cstate=0 "
    "default_hugepagesz=1G hugepagesz=1G hugepages=4\n"
)
INSIDE = CMDLINE.replace("2-7", "1-3").replace("0-1", "0").replace("mce=off ", "").replace("hugepages=4", "hugepages=1")

KUBELET = """apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cpuManagerPolicy: static
cpuManagerPolicyOptions: {full-pcpus-only: "true"}
reservedSystemCPUs: "0-1"
topologyManagerPolicy: single-numa-node
"""


def capabilities(cpus: int = 8, cells: int = 1, pages: int = 4) -> str:
    """libvirt's capabilities of a host without SMT."""
    each = cpus // cells
    found = "".join(
        f"<cell id='{cell}'><memory unit='GiB'>16</memory><pages unit='GiB' size='1'>{pages}</pages>"
        f"<cpus num='{each}'>"
        + "".join(
            f"<cpu id='{cpu}' socket_id='{cell}' core_id='{cpu}' siblings='{cpu}'/>"
            for cpu in range(cell * each, cell * each + each)
        )
        + "</cpus></cell>"
        for cell in range(cells)
    )
    cpu = "<cpu><arch>x86_64</arch><model>Icelake-Server</model><vendor>Intel</vendor></cpu>"
    return f"<capabilities><host>{cpu}<topology><cells num='{cells}'>{found}</cells></topology></host></capabilities>\n"


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write the files below the folder, and give the folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def good() -> dict[str, str]:
    """Files of host hv1 and of its guest's inside, in which there is nothing to find."""
    return {
        "hv1/capabilities.xml": capabilities(),
        "hv1/cmdline": CMDLINE,
        "hv1/plc.xml": DOMAIN,
        "hv1/plc/cmdline": INSIDE,
    }
