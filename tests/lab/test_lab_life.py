"""A lab comes up, stays up, is mended and goes without a trace."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from machine_trace import trace

from quietcore import lab as labs
from quietcore.errors import EnvironmentFault
from quietcore.lab import hugepages, namespaces, processes
from quietcore.lab.layout import HostDir, lab_dir
from quietcore.lab.state import LabState

libvirt = pytest.importorskip("libvirt")
pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("able")]

NAME = f"life{os.getpid()}"
PLAN = labs.Plan(name=NAME, hosts=2, pages=4)
GUEST = """
<domain type='qemu'><name>idle</name><memory unit='MiB'>8</memory><memoryBacking><hugepages/></memoryBacking>
<os><type arch='x86_64' machine='q35'>hvm</type></os>
<devices><interface type='network'><source network='default'/></interface></devices></domain>"""
DAEMONS = ("ovsdb-server", "ovs-vswitchd", "virtlogd", "libvirtd", "sshd")


@pytest.fixture
def up() -> Iterator[LabState]:
    """A small lab, up; down afterwards whatever the test did."""
    try:
        yield labs.up(PLAN, labs.Silent())
    finally:
        labs.down(NAME, labs.Silent())


def host(name: str = "hv1") -> HostDir:
    return lab_dir(NAME).host(name)


def pids() -> dict[str, int]:
    """The lab's daemons by host and name."""
    files = [file for name in ("hv1", "hv2") for file in host(name).pids.iterdir()]
    return {f"{file.parent.parent.name}/{file.name}": json.loads(file.read_text())["pid"] for file in files}


def untrue() -> list[str]:
    """Conditions that do not hold now."""
    found = labs.status(NAME)
    assert found is not None
    return [f"{name}: {one.name}" for name, seen in found[1].items() for one in seen if not one.true]


def test_a_second_up_changes_nothing(up):
    before = pids()
    told: list[str] = []
    progress = labs.Silent()
    progress.say = told.append  # type: ignore[method-assign]
    again = labs.up(PLAN, progress)
    assert again == up
    assert pids() == before
    assert told == []


def test_down_leaves_nothing_behind():
    before = trace(NAME)
    with_lab = labs.up(PLAN, labs.Silent())
    assert all(trace(NAME)[kind] for kind in ("namespaces", "mounts", "processes", "groups", "files", "register"))
    assert len(with_lab.hosts) == 2
    for one in with_lab.hosts:
        libvirt.open(one.uri).createXML(GUEST)
    assert labs.down(NAME, labs.Silent()) is True
    after = trace(NAME)
    others = set(after["links"]) - set(before["links"])
    assert {kind: seen for kind, seen in after.items() if kind != "links" and seen} == {}
    assert not [link for link in others if link.startswith(f"qc{with_lab.slot}m")]


def test_down_of_a_lab_that_is_not_up_does_nothing():
    assert labs.down("nosuchlab", labs.Silent()) is False


def test_hugepages_are_added_for_the_lab_and_given_back(up):
    share = lab_dir(NAME).root / "hugepages.json"
    assert hugepages.share(share) == up.hugepages == 8
    labs.up(labs.Plan(name=NAME, pages=8), labs.Silent())
    assert hugepages.share(share) == 16
    labs.down(NAME, labs.Silent())
    assert hugepages.share(share) == 0


@pytest.mark.parametrize("daemon", DAEMONS)
def test_a_killed_daemon_is_started_again_and_the_others_are_left_alone(up, daemon):
    before = pids()
    victim = processes.recorded(host().pids / daemon)
    assert victim is not None
    victim.signal(signal.SIGKILL)
    assert processes.await_condition(lambda: not victim.alive, seconds=10)
    assert untrue()
    labs.up(PLAN, labs.Silent())
    assert untrue() == []
    changed = {name for name, pid in pids().items() if before[name] != pid}
    assert changed == {f"hv1/{daemon}"}


def test_a_host_whose_processes_all_died_comes_back(up):
    processes.end(namespaces.inhabitants(host("hv2")), grace=0.0)
    assert untrue()
    labs.up(PLAN, labs.Silent())
    assert untrue() == []


def test_a_guest_outlives_the_death_of_libvirtd(up):
    uri = up.hosts[0].uri
    guest = libvirt.open(uri).createXML(GUEST)
    before = guest.ID()
    victim = processes.recorded(host().pids / "libvirtd")
    assert victim is not None
    victim.signal(signal.SIGKILL)
    assert processes.await_condition(lambda: not victim.alive, seconds=10)
    labs.up(PLAN, labs.Silent())
    found = libvirt.open(uri).lookupByName("idle")
    assert (found.ID(), found.isActive()) == (before, 1)


def test_half_made_namespaces_are_made_anew(up):
    host().ready.unlink()
    assert "hv1: NamespacesReady" in untrue()
    labs.up(PLAN, labs.Silent())
    assert untrue() == []


def test_after_a_reboot_everything_is_made_anew(up):
    """A reboot takes namespaces, mounts, processes and the register, and leaves the files with their stale pids."""
    for name in ("hv1", "hv2"):
        one = host(name)
        processes.end(namespaces.inhabitants(one), grace=1.0)
        namespaces.remove(one)
        for file in one.pids.iterdir():
            stale = {**json.loads(file.read_text()), "pid": os.getpid(), "boot": "another"}
            file.write_text(json.dumps(stale))
    namespaces.remove_pins(lab_dir(NAME))
    shutil.rmtree(f"/run/quietcore-lab/{NAME}.json", ignore_errors=True)
    Path(f"/run/quietcore-lab/{NAME}.json").unlink(missing_ok=True)
    assert untrue()
    labs.up(PLAN, labs.Silent())
    assert untrue() == []


def test_a_stale_pid_file_never_ends_a_foreign_process(up):
    with subprocess.Popen(["sleep", "600"]) as foreign:
        now = processes.Process.of(foreign.pid)
        assert now is not None
        stale = {"pid": foreign.pid, "started": now.started - 1, "boot": now.boot}
        (host().pids / "sshd").write_text(json.dumps(stale))
        labs.down(NAME, labs.Silent())
        assert foreign.poll() is None
        foreign.kill()


def test_a_first_up_that_fails_leaves_nothing_behind(monkeypatch):
    from quietcore.lab import libvirtd

    def fail(*_: object) -> None:
        raise EnvironmentFault("libvirtd does not start")

    monkeypatch.setattr(libvirtd, "up", fail)
    with pytest.raises(EnvironmentFault):
        labs.up(PLAN, labs.Silent())
    assert {kind: seen for kind, seen in trace(NAME).items() if kind != "links" and seen} == {}


def test_ctrl_c_in_a_first_up_leaves_nothing_behind():
    argv = [sys.executable, "-m", "quietcore.cli", "lab", "up", "--name", NAME, "--images", "none"]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as command:
        assert command.stderr is not None
        assert "NamespacesReady" in command.stderr.readline()
        command.send_signal(signal.SIGINT)
        said = command.communicate(timeout=60)[1]
    assert command.returncode == 130, said
    assert {kind: seen for kind, seen in trace(NAME).items() if kind != "links" and seen} == {}


@pytest.mark.parametrize("lines", [1, 2, 3, 5, 7])
def test_an_up_that_is_killed_halfway_is_completed_by_the_next_and_goes_without_a_trace(lines):
    argv = [sys.executable, "-m", "quietcore.cli", "lab", "up", "--name", NAME, "--images", "none"]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as command:
        assert command.stderr is not None
        for _ in range(lines):
            assert "✓" in command.stderr.readline()
        command.kill()
    try:
        labs.up(PLAN, labs.Silent())
        assert untrue() == []
    finally:
        labs.down(NAME, labs.Silent())
    assert {kind: seen for kind, seen in trace(NAME).items() if kind != "links" and seen} == {}


def test_two_ups_at_once_make_one_lab(up):
    labs.down(NAME, labs.Silent())
    argv = [sys.executable, "-m", "quietcore.cli", "lab", "up", "--name", NAME, "--images", "none", "--json"]
    argv += ["--hugepages", "8MiB"]
    both = [subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    first, second = (json.loads(command.communicate(timeout=120)[0]) for command in both)
    assert first == second
    assert untrue() == []


def test_hosts_can_be_added_and_taken_away(up):
    more = labs.up(labs.Plan(name=NAME, hosts=3), labs.Silent())
    assert [one.name for one in more.hosts] == ["hv1", "hv2", "hv3"]
    assert untrue() == []
    fewer = labs.up(labs.Plan(name=NAME, hosts=1), labs.Silent())
    assert [one.name for one in fewer.hosts] == ["hv1"]
    assert untrue() == []
    assert not namespaces.pinned(host("hv3").netns_file)


def test_two_labs_stand_side_by_side(up):
    other = labs.Plan(name=f"{NAME}b", hosts=1, pages=2)
    try:
        beside = labs.up(other, labs.Silent())
        assert beside.slot != up.slot
        assert untrue() == []
        labs.down(other.name, labs.Silent())
        assert untrue() == []
    finally:
        labs.down(other.name, labs.Silent())


@pytest.mark.parametrize("verb", [("up", "--images", "none"), ("down",)])
def test_a_name_that_another_folder_holds_is_refused_and_nothing_is_taken_down(up, verb):
    elsewhere = {**os.environ, "QUIETCORE_LAB_DIR": "/var/tmp/qc-other"}
    argv = [sys.executable, "-m", "quietcore.cli", "lab", *verb, "--name", NAME]
    refused = subprocess.run(argv, env=elsewhere, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert refused.stderr.startswith("error: another lab of this machine has that name\n")
    assert untrue() == []
