"""What a host of the lab is: its own hypervisor, switch and SSH, apart from the machine's."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from quietcore.lab import namespaces, openvswitch, processes
from quietcore.lab.commands import run, succeeds
from quietcore.lab.hosts import MARKER
from quietcore.lab.layout import HostDir, lab_dir

pytestmark = pytest.mark.lab
libvirt = pytest.importorskip("libvirt")

PING = ["ping"] if shutil.which("ping") else ["busybox", "ping"]
GUEST = """
<domain type='qemu'>
  <name>pinned</name><memory unit='MiB'>192</memory>
  <memoryBacking><hugepages/></memoryBacking>
  <vcpu>2</vcpu>
  <cputune>
    <vcpupin vcpu='0' cpuset='{housekeeping}'/><vcpupin vcpu='1' cpuset='{isolated}'/>
    <emulatorpin cpuset='{housekeeping}'/><vcpusched vcpus='1' scheduler='{scheduler}' priority='1'/>
  </cputune>
  <numatune><memory mode='strict' nodeset='0'/></numatune>
  <os><type arch='x86_64' machine='q35'>hvm</type><kernel>{kernel}</kernel><initrd>{initrd}</initrd>
      <cmdline>console=ttyS0 panic=-1 quiet isolcpus=1</cmdline></os>
  <cpu mode='custom'><model>qemu64</model></cpu>
  <devices>
    <interface type='network'><source network='default'/><model type='virtio'/></interface>
    <serial type='file'><source path='/var/log/pinned.console'/></serial>
  </devices>
</domain>"""


def of(lab, name: str = "hv1") -> HostDir:
    return lab_dir(lab.name).host(name)


def ssh(lab, host: str, *words: str) -> str:
    return run([lab_dir(lab.name).ssh / "ssh", host, shlex.join(words)])


def test_each_host_has_a_hypervisor_of_its_own(lab):
    seen = [libvirt.open(host.uri) for host in lab.hosts]
    assert [one.getHostname() for one in seen] == ["hv1", "hv2"]
    assert len({one.getCapabilities().split("<uuid>")[1][:36] for one in seen}) == 2


def test_the_same_hypervisor_answers_over_ssh(lab):
    for host in lab.hosts:
        over_ssh = libvirt.open(host.ssh_uri)
        assert over_ssh.getHostname() == host.name
        over_ssh.close()


def test_ssh_trusts_only_the_key_that_the_lab_made(lab):
    known = lab_dir(lab.name).ssh / "known_hosts"
    right = known.read_text()
    first, second = (line.split() for line in right.splitlines())
    try:
        known.write_text(f"{first[0]} {second[1]} {second[2]}\n")
        assert not succeeds([lab_dir(lab.name).ssh / "ssh", "hv1", "true"])
    finally:
        known.write_text(right)
    assert ssh(lab, "hv1", "hostname").strip() == "hv1"


def test_a_host_says_that_it_is_a_lab_host_and_the_machine_does_not(lab):
    assert ssh(lab, "hv1", "cat", str(MARKER)).strip() == f"{lab.name}/hv1"
    assert not MARKER.exists()


def test_default_networks_run_with_a_subnet_for_each_host(lab):
    subnets = set()
    for host in lab.hosts:
        network = libvirt.open(host.uri).networkLookupByName("default")
        assert network.isActive()
        subnets.add(network.XMLDesc().split("<ip address='")[1].split("'")[0])
    assert len(subnets) == len(lab.hosts)


def test_a_guest_gets_its_pins_priority_hugepages_and_lease(lab):
    host = lab.hosts[0]
    connection = libvirt.open(host.uri)
    image = lab.images.tier1
    cpus = {"housekeeping": host.cpus.housekeeping, "isolated": host.cpus.isolated.split(",")[0].split("-")[0]}
    # Guests that share a CPU take turns: FIFO threads of one priority would not let each other in.
    scheduler = "rr" if host.cpus.shared else "fifo"
    guest = connection.createXML(GUEST.format(**cpus, scheduler=scheduler, kernel=image.kernel, initrd=image.initrd))
    try:
        process = int((of(lab).run / "libvirt" / "qemu" / "pinned.pid").read_text())
        vcpu = next(task for task in Path(f"/proc/{process}/task").iterdir() if "CPU 1/" in (task / "comm").read_text())
        assert f"Cpus_allowed_list:\t{cpus['isolated']}\n" in (vcpu / "status").read_text()
        assert f"SCHED_{scheduler.upper()}" in run(["chrt", "-p", vcpu.name])
        assert "/run/hugepages/libvirt/qemu/" in Path(f"/proc/{process}/maps").read_text()
        console = of(lab).log / "pinned.console"
        assert processes.await_condition(lambda: "tier1 ready" in console.read_text(), seconds=300, every=0.2)
        said = console.read_text()
        assert "PREEMPT_RT" in said
        assert "tier1 isolated: 1" in said
        mac = re.search(r"<mac address='([^']+)'", guest.XMLDesc())[1]  # others of this lab may have leases still
        (lease,) = connection.networkLookupByName("default").DHCPLeases(mac)
        assert f"tier1 address: eth0 {lease['ipaddr']}/24" in said
    finally:
        guest.destroy()


def test_guests_of_the_same_name_on_two_hosts_have_control_groups_of_their_own(lab):
    xml = "<domain type='qemu'><name>twin</name><memory unit='MiB'>32</memory><os><type>hvm</type></os></domain>"
    twins = [libvirt.open(host.uri).createXML(xml) for host in lab.hosts]
    try:
        pids = [int((of(lab, host.name).run / "libvirt/qemu/twin.pid").read_text()) for host in lab.hosts]
        groups = [Path(f"/proc/{pid}/cgroup").read_text() for pid in pids]
        for host, seen in zip(lab.hosts, groups, strict=True):
            assert f"/quietcore/{lab.name}/{host.name}/machine/" in seen
    finally:
        for twin in twins:
            twin.destroy()


def test_the_hosts_reach_each_other_over_the_wire_and_through_vxlan(lab):
    near, far = lab.hosts
    for host, peer, inner in ((near, far, "10.9.0.1"), (far, near, "10.9.0.2")):
        words = ["add-port", "br-int", "vx0", "--", "set", "interface", "vx0", "type=vxlan"]
        words += [f"options:remote_ip={peer.vtep}", f"options:local_ip={host.vtep}", "options:key=42"]
        openvswitch.vsctl(of(lab, host.name), "--may-exist", *words)
        run(["ip", "-n", host.netns, "link", "set", "br-int", "mtu", "1450"])
        run(["ip", "-n", host.netns, "addr", "replace", f"{inner}/24", "dev", "br-int"])
    try:
        for target in (far.vtep, "10.9.0.2"):
            ping = namespaces.command(of(lab), [*PING, "-c", "1", "-W", "1", target])
            # The first frames are lost while the neighbours of the tunnel resolve.
            assert processes.await_condition(lambda ping=ping: succeeds(ping), seconds=20), target
    finally:
        for host in lab.hosts:
            openvswitch.vsctl(of(lab, host.name), "--if-exists", "del-port", "vx0")


def test_the_environment_is_what_a_shell_needs(lab):
    argv = [sys.executable, "-m", "quietcore.cli", "lab", "env", "--name", lab.name]
    exports = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60).stdout
    script = f'{exports}\nprintf "%s\\n" "$QUIETCORE_LAB" "$QUIETCORE_LAB_HV1_URI" "$QUIETCORE_LAB_TIER1_KERNEL"'
    assert run(["sh", "-c", script]).splitlines() == [lab.name, lab.hosts[0].uri, lab.images.tier1.kernel]


def test_status_is_a_json_object_with_named_conditions(lab):
    argv = [sys.executable, "-m", "quietcore.cli", "lab", "status", "--name", lab.name, "--json"]
    seen = json.loads(subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60).stdout)
    assert (seen["schema"], seen["up"], seen["name"]) == (1, True, lab.name)
    assert seen["conditions"]["hv2"]["LibvirtAnswers"] is True
