"""Domains and networks by real `pulumi` commands on a real libvirtd: what the plugin promises, seen on the host."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("libvirt")
sys.path.insert(0, str(Path(__file__).parent))

from plugin_desk import Desk, guest

from quietcore import lab as labs
from quietcore.errors import QuietcoreError
from quietcore.lab.state import HostState

pytestmark = [pytest.mark.lab, pytest.mark.engine]
PLAN = labs.Plan(name=f"p{os.getpid()}", hosts=1, pages=0)


@pytest.fixture(scope="module")
def host() -> Iterator[HostState]:
    try:
        state = labs.up(PLAN, labs.Silent())
    except QuietcoreError as error:
        pytest.skip(str(error))
    yield state.hosts[0]
    labs.down(PLAN.name, labs.Silent())


@pytest.fixture
def desk(tmp_path: Path, host: HostState, pulumi: Callable[..., Any]) -> Iterator[Desk]:
    folder = tmp_path / "project"
    folder.mkdir()
    desk = Desk(folder, host, pulumi).start()
    yield desk
    desk.uri, desk.domains, desk.networks = host.uri, {}, {}
    desk.run("destroy", "--yes", "--skip-preview").ok()
    assert desk.virsh("list", "--all", "--name").split() == []
    assert desk.virsh("net-list", "--all", "--name").split() == ["default"]


def told(output: str, *words: str) -> bool:
    """Whether one line of the output has all these words."""
    return any(all(word in line for word in words) for line in output.splitlines())


def test_an_up_makes_a_pinned_domain_that_the_next_preview_finds_unchanged(desk):
    desk.domains["plc"] = guest(name="plc")
    desk.up()
    threads = desk.threads("plc")
    assert threads["CPU 0/TCG"] == ("0", "normal 0")
    assert threads["CPU 1/TCG"] == ("1", "rr 1")
    assert desk.clean()


def test_pins_and_priorities_change_live_under_the_same_qemu(desk):
    desk.domains["plc"] = guest(name="plc")
    desk.up()
    pid = desk.pid("plc")
    desk.domains["plc"] = guest(name="plc", pin="0-1", priority=2)
    preview = desk.preview().output
    assert told(preview, "plc on hv1", "vCPU 1 pinned to CPUs 0-1 instead of 1 (live)")
    assert told(preview, "plc on hv1", "vCPU 1 scheduled rr 2 instead of rr 1 (live)")
    assert told(preview, "~ cputune.vcpupin[1]", '"1" => "0-1"')
    desk.up()
    assert desk.pid("plc") == pid
    assert desk.threads("plc")["CPU 1/TCG"] == ("0-1", "rr 2")
    assert desk.clean()


def test_memory_waits_for_a_boot_is_said_until_then_and_is_no_drift(desk):
    desk.domains["plc"] = guest(name="plc")
    desk.up()
    pid = desk.pid("plc")
    desk.domains["plc"] = guest(name="plc", memory=40)
    assert told(desk.preview().output, "warning", "memory 40 MiB instead of 32 MiB (at next boot)")
    desk.up()
    assert desk.pid("plc") == pid
    assert desk.clean()
    assert told(desk.preview().output, "warning", "waits for a restart of the guest: memory 40 MiB instead of 32 MiB")
    assert desk.resources()["plc"]["outputs"]["pendingRestart"] == ["memory 40 MiB instead of 32 MiB"]
    desk.virsh("destroy", "plc")
    desk.virsh("start", "plc")
    assert "waits" not in desk.preview().output
    assert desk.clean()


def test_vcpus_and_iothreads_that_the_next_boot_brings_are_pinned_by_it(desk):
    desk.domains["plc"] = guest(name="plc")
    desk.up()
    pid = desk.pid("plc")
    more = guest(name="plc", vcpu=3)
    sheet = more["xml"]["xslt"].replace("<emulatorpin", '<vcpupin vcpu="2" cpuset="1"/><emulatorpin')
    sheet = sheet.replace("<cputune>", "<iothreads>1</iothreads><cputune>")
    more["xml"] = {"xslt": sheet.replace("<vcpusched", '<iothreadpin iothread="1" cpuset="0"/><vcpusched', 1)}
    desk.domains["plc"] = more
    preview = desk.preview().output
    assert told(preview, "vCPUs 3 instead of 2 (at next boot)", "vCPU 2 pinned to CPU 1 (at next boot)")
    assert told(preview, "IOThreads 1 (at next boot)", "IOThread 1 pinned to CPU 0 (at next boot)")
    desk.up()
    assert desk.pid("plc") == pid
    assert desk.clean()
    desk.virsh("destroy", "plc")
    desk.virsh("start", "plc")
    assert desk.clean()
    assert desk.threads("plc")["CPU 2/TCG"][0] == "1"
    assert desk.threads("plc")["IO iothread1"][0] == "0"
    desk.domains["plc"] = guest(name="plc")
    desk.up()
    assert desk.threads("plc")["CPU 2/TCG"][0] == "1"
    assert desk.clean()


def test_a_guest_restarts_for_a_change_only_where_its_policy_allows_it(desk):
    desk.domains["plc"] = guest(name="plc", restart="when-needed")
    desk.up()
    pid = desk.pid("plc")
    desk.domains["plc"] = guest(name="plc", restart="when-needed", memory=40)
    assert told(desk.preview().output, "memory 40 MiB instead of 32 MiB (the guest is restarted for it)")
    desk.up()
    assert desk.pid("plc") != pid
    assert desk.resources()["plc"]["outputs"]["pendingRestart"] == []
    assert desk.clean()


def test_a_pin_changed_by_hand_is_exactly_what_a_plain_preview_shows_and_up_heals(desk):
    desk.domains["plc"] = guest(name="plc")
    desk.up()
    desk.virsh("vcpupin", "plc", "1", "0")
    preview = desk.preview().output
    assert told(preview, "plc on hv1", "drift", "vCPU 1 pinned to CPU 0 instead of 1")
    assert told(preview, "~ cputune.vcpupin[1]", '"0" => "1"')
    assert preview.count("=> ") == 1
    assert not desk.refreshes_clean()
    desk.up()
    assert desk.threads("plc")["CPU 1/TCG"][0] == "1"
    assert desk.clean()


@pytest.mark.parametrize("way", ["uri", "ssh_uri"])
def test_scheduling_changed_by_hand_on_the_thread_itself_is_drift_too(desk, host, way):
    desk.uri = getattr(host, way)
    desk.domains["plc"] = guest(name="plc")
    desk.up()
    task = next(
        task for task in Path(f"/proc/{desk.pid('plc')}/task").iterdir() if "CPU 1/" in (task / "comm").read_text()
    )
    os.sched_setscheduler(int(task.name), os.SCHED_OTHER, os.sched_param(0))
    assert told(desk.preview().output, "drift", "vCPU 1 scheduled normally instead of rr 1")
    desk.up()
    assert desk.threads("plc")["CPU 1/TCG"][1] == "rr 1"
    assert desk.clean()


BY_HAND = [
    ("is shut off", ["destroy plc"]),
    ("is paused", ["suspend plc"]),
    ("is no longer defined", ["undefine plc"]),
    ("defined with memory 16 MiB instead of 32 MiB", ["setmem plc 16384 --config", "setmaxmem plc 16384 --config"]),
    ("emulator pinned to CPU 1 instead of 0", ["emulatorpin plc 1 --live"]),
    ("defined with disk vdb added", ["attach-disk plc /dev/null vdb --config"]),
    ("autostart is on", ["autostart plc"]),
    ("description added", ["desc plc by-hand --live"]),
]


def test_what_was_done_by_hand_is_named_and_put_back(desk):
    desk.domains["plc"] = guest(name="plc")
    desk.up()
    for words, commands in BY_HAND:
        for command in commands:
            desk.virsh(*command.split())
        assert told(desk.preview().output, "plc on hv1", "drift", words), words
        desk.up()
        assert desk.virsh("domstate", "plc").strip() == "running"
    assert desk.clean()


@pytest.mark.parametrize("by_hand", ["destroy plc", "undefine plc", "setvcpus plc 1 --config"])
def test_a_refresh_that_expects_no_changes_fails_on_what_was_done_by_hand(desk, by_hand):
    desk.domains["plc"] = guest(name="plc")
    desk.up()
    assert desk.refreshes_clean()
    desk.virsh(*by_hand.split())
    assert not desk.refreshes_clean()


def test_a_domain_that_is_gone_is_made_again(desk):
    desk.domains["plc"] = guest(name="plc")
    desk.up()
    desk.virsh("destroy", "plc")
    desk.virsh("undefine", "plc")
    assert told(desk.preview().output, "+ libvirt:index/domain:Domain", "(create)")
    desk.up()
    assert desk.clean()


def test_a_foreign_domain_of_the_same_name_is_refused_and_stays_as_it_is(desk):
    desk.virsh("define", str(_xml(desk.folder, "plc")))
    before = desk.virsh("dumpxml", "plc")
    uuid = desk.virsh("domuuid", "plc").strip()
    desk.domains["plc"] = guest(name="plc")
    ran = desk.run("up", "--yes", "--skip-preview")
    assert ran.returncode != 0
    assert told(ran.output, "hv1", "has a domain plc already", "not made by this program")
    assert f"pulumi import libvirt:index/domain:Domain plc {uuid}" in ran.output
    assert desk.virsh("dumpxml", "plc") == before
    desk.virsh("undefine", "plc")


def test_a_domain_that_cannot_start_leaves_nothing_behind(desk):
    desk.domains["plc"] = guest(name="plc", kernel="/nowhere/vmlinuz")
    ran = desk.run("up", "--yes", "--skip-preview")
    assert ran.returncode != 0
    assert told(ran.output, "making domain plc on hv1", "/nowhere/vmlinuz")
    assert desk.virsh("list", "--all", "--name").split() == []
    assert desk.resources() == {}


@contextmanager
def unreachable(host: HostState) -> Iterator[Path]:
    """Take the host's socket away for a while."""
    socket = Path(host.uri.partition("socket=")[2])
    away = socket.with_name("away")
    socket.rename(away)
    try:
        yield socket
    finally:
        away.rename(socket)


def test_an_unreachable_host_is_not_observed_in_a_preview_and_stops_an_up(desk, host):
    desk.domains["plc"] = guest(name="plc")
    desk.up()
    with unreachable(host) as socket:
        assert told(desk.preview().output, "warning", "not observed", str(socket))
        desk.domains["soft"] = guest(name="soft")
        assert told(desk.preview().output, "+ libvirt:index/domain:Domain", "(create)")
        ran = desk.run("up", "--yes", "--skip-preview")
    assert ran.returncode != 0
    assert told(ran.output, str(socket), "No such file")
    assert list(desk.resources()) == ["plc"]
    assert desk.virsh("list", "--all", "--name").split() == ["plc"]


def test_a_machine_made_by_hand_is_imported_without_a_difference_and_keeps_its_identity(desk):
    desk.virsh("define", str(_xml(desk.folder, "old")))
    desk.virsh("start", "old")
    pid, uuid = desk.pid("old"), desk.virsh("domuuid", "old").strip()
    mac = desk.virsh("domiflist", "old").split()[-1]
    network = {"network_interfaces": [{"network_name": "default"}]}
    desk.domains["old"] = guest(name="old", **network)
    desk.options["old"] = {"import_": uuid}
    desk.up()
    desk.options = {}
    assert desk.clean()
    desk.domains["old"] = guest(name="old", priority=2, **network)
    desk.up()
    assert desk.clean()
    assert (desk.pid("old"), desk.virsh("domuuid", "old").strip()) == (pid, uuid)
    assert mac in desk.virsh("domiflist", "old")
    assert 'project="plant" stack="lab" name="old"' in desk.virsh("dumpxml", "old")


def test_state_of_the_official_plugin_is_taken_over_without_a_change(desk):
    desk.domains["plc"] = guest(name="plc")
    desk.up()
    state = json.loads(desk.run("stack", "export").ok().stdout)
    for item in state["deployment"]["resources"]:
        if item["type"] == "libvirt:index/domain:Domain":
            _as_the_official_plugin(item)
    saved = desk.folder / "official.json"
    saved.write_text(json.dumps(state))
    desk.run("stack", "import", "--file", str(saved)).ok()
    pid = desk.pid("plc")
    assert desk.clean()
    desk.domains["plc"] = guest(name="plc", pin="0")
    desk.up()
    assert desk.pid("plc") == pid
    assert desk.threads("plc")["CPU 1/TCG"][0] == "0"
    assert desk.clean()


def test_a_secret_stylesheet_stays_secret_in_state_and_words(desk):
    desk.domains["plc"] = guest(name="plc", secret=True)
    desk.up()
    desk.domains["plc"] = guest(name="plc", secret=True, priority=2)
    assert "rr 2" not in desk.preview().output
    desk.up()
    assert "vcpusched" not in desk.run("stack", "export").stdout
    assert desk.clean()


def test_over_ssh_pins_and_priorities_change_live_too(desk, host):
    desk.uri = host.ssh_uri
    desk.domains["plc"] = guest(name="plc")
    desk.up()
    pid = desk.pid("plc")
    desk.domains["plc"] = guest(name="plc", pin="0", priority=3)
    desk.up()
    assert desk.pid("plc") == pid
    assert desk.threads("plc")["CPU 1/TCG"] == ("0", "rr 3")
    assert desk.clean()


def test_a_network_in_use_is_changed_live_or_waits_and_is_never_taken_down(desk):
    net = {"name": "cell", "mode": "nat", "bridge": "cellbr", "addresses": ["10.99.1.0/24"], "dhcp": {"enabled": True}}
    dns = {"enabled": True, "hosts": [{"ip": "10.99.1.9", "hostname": "hmi"}]}
    desk.networks["cell"] = {**net, "dns": dns, "mtu": 1500}
    desk.up()
    desk.domains["plc"] = guest(name="plc", network_interfaces=[{"network_name": "cell", "addresses": ["10.99.1.50"]}])
    desk.up()
    assert desk.clean()
    changed = {"enabled": True, "hosts": [{"ip": "10.99.1.9", "hostname": "panel"}]}
    desk.networks["cell"] = {**net, "dns": changed, "mtu": 1450}
    preview = desk.preview().output
    assert told(
        preview, "cell on hv1", "DNS entry 10.99.1.9 changed (live)", "MTU 1450 instead of 1500 (when the network"
    )
    desk.up()
    assert "<hostname>panel</hostname>" in desk.virsh("net-dumpxml", "cell")
    assert "mtu size='1500'" in desk.virsh("net-dumpxml", "cell")
    assert "ip='10.99.1.50'" in desk.virsh("net-dumpxml", "cell")
    assert told(desk.preview().output, "waits until the network is started again: MTU 1450 instead of 1500")
    assert desk.clean()
    desk.domains = {}
    desk.up()


def test_an_interface_is_plugged_elsewhere_and_a_disc_is_changed_under_the_same_qemu(desk):
    discs = [desk.folder / name for name in ("one.iso", "two.iso")]
    for disc in discs:
        disc.write_bytes(bytes(2048 * 64))
    desk.networks["cell"] = {"name": "cell", "mode": "none", "bridge": "cellbr"}
    desk.domains["plc"] = guest(
        name="plc", network_interfaces=[{"network_name": "default"}], disks=[{"file": str(discs[0])}]
    )
    desk.up()
    pid, mac = desk.pid("plc"), desk.virsh("domiflist", "plc").split()[-1]
    desk.domains["plc"] = guest(
        name="plc", network_interfaces=[{"network_name": "cell"}], disks=[{"file": str(discs[1])}]
    )
    preview = desk.preview().output
    assert told(preview, "network interface 0 has cell instead of default (live)", "two.iso instead of", "(live)")
    desk.up()
    interface = desk.virsh("domiflist", "plc").split()
    assert (desk.pid("plc"), interface[2], interface[-1]) == (pid, "cell", mac)
    assert "two.iso" in desk.virsh("domblklist", "plc")
    assert "two.iso" in desk.virsh("domblklist", "plc", "--inactive")
    assert desk.clean()
    desk.virsh("domif-setlink", "plc", mac, "down")
    assert told(desk.preview().output, "drift", "link of network interface 0 added")
    desk.up()
    assert desk.virsh("domif-getlink", "plc", mac).split()[-1] == "up"
    assert desk.clean()
    desk.domains = {}
    desk.up()


def test_foreign_objects_are_byte_identical_after_destroy(desk):
    desk.virsh("define", str(_xml(desk.folder, "foreign")))
    before = desk.virsh("dumpxml", "foreign"), desk.virsh("net-dumpxml", "default")
    desk.domains["plc"] = guest(name="plc", network_interfaces=[{"network_name": "default"}])
    desk.up()
    desk.run("destroy", "--yes", "--skip-preview").ok()
    assert desk.virsh("list", "--all", "--name").split() == ["foreign"]
    assert (desk.virsh("dumpxml", "foreign"), desk.virsh("net-dumpxml", "default")) == before
    desk.virsh("undefine", "foreign")


@pytest.mark.parametrize("who", ["engine", "plugin"])
def test_what_a_killed_up_left_is_adopted_by_the_next(desk, who):
    desk.domains["plc"] = guest(name="plc", network_interfaces=[{"network_name": "default", "wait_for_lease": True}])
    running = _up_in_background(desk)
    _until(lambda: "plc" in desk.virsh("list", "--name").split(), "the domain runs")
    victim = running.pid if who == "engine" else _plugin_of(running.pid)
    os.kill(victim, signal.SIGKILL)
    running.wait(30)
    uuid = desk.virsh("domuuid", "plc").strip()
    desk.run("cancel", "--yes")
    desk.domains["plc"] = guest(name="plc", network_interfaces=[{"network_name": "default"}])
    desk.up()
    desk.run("refresh", "--yes", "--skip-preview", "--clear-pending-creates").ok()
    assert desk.resources()["plc"]["id"] == uuid == desk.virsh("domuuid", "plc").strip()
    assert desk.clean()


def test_an_interrupted_up_keeps_what_it_made_and_the_next_goes_on(desk):
    desk.domains["plc"] = guest(name="plc", network_interfaces=[{"network_name": "default", "wait_for_lease": True}])
    running = _up_in_background(desk)
    _until(lambda: "plc" in desk.virsh("list", "--name").split(), "the domain runs")
    running.send_signal(signal.SIGINT)
    running.wait(60)
    desk.run("cancel", "--yes")
    assert desk.resources()["plc"]["id"] == desk.virsh("domuuid", "plc").strip()
    desk.domains["plc"] = guest(name="plc", network_interfaces=[{"network_name": "default"}])
    desk.up()
    assert desk.clean()


def _xml(folder: Path, name: str) -> Path:
    path = folder / f"{name}.xml"
    path.write_text(
        f"""<domain type='qemu'><name>{name}</name><memory unit='MiB'>32</memory><vcpu>2</vcpu>
        <cputune><vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='1' cpuset='1'/><emulatorpin cpuset='0'/>
        <vcpusched vcpus='1' scheduler='rr' priority='1'/></cputune>
        <os><type arch='x86_64' machine='q35'>hvm</type></os><devices>
        <interface type='network'><source network='default'/><model type='virtio'/></interface></devices></domain>"""
    )
    return path


def _as_the_official_plugin(item: dict[str, Any]) -> None:
    """Write a resource as the bridged plugin does: defaults noted in the inputs, no bookkeeping of ours."""
    inputs = {name: value for name, value in item["inputs"].items() if name != "effective"}
    inputs.update({"__defaults": ["fwCfgName"], "fwCfgName": "opt/com.coreos/config"})
    inputs["xml"] = {"__defaults": [], **inputs["xml"]}
    inputs["graphics"] = {"__defaults": ["autoport"], "autoport": True, **inputs["graphics"]}
    item["inputs"] = inputs
    outputs = {name: value for name, value in item["outputs"].items() if name in inputs or name in ("arch", "emulator")}
    item["outputs"] = {**outputs, "__meta": "{}", "qemuAgent": False, "running": True}
    item.pop("refreshBeforeUpdate", None)


def _up_in_background(desk: Desk) -> subprocess.Popen[bytes]:
    desk.say()
    env = desk.pulumi.__closure__  # the fixture's own environment
    environment = next(cell.cell_contents for cell in env or () if isinstance(cell.cell_contents, dict))
    command = ["pulumi", "--non-interactive", "up", "--yes", "--skip-preview"]
    return subprocess.Popen(
        command, cwd=desk.folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def _plugin_of(engine: int) -> int:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == engine and b"quietcore.plugins.libvirt" in words:
            return int(folder.name)
    raise AssertionError("the engine runs no plugin")


def _until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)
