"""What a program's new URI, or another host, does to what was made: nothing on the same host, a move to another."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("libvirt")
sys.path.insert(0, str(Path(__file__).parent))

import libvirt
from plugin_desk import Desk, guest

from quietcore import lab as labs
from quietcore.errors import QuietcoreError
from quietcore.lab.state import HostState, LabState

pytestmark = [pytest.mark.lab, pytest.mark.engine]
PLAN = labs.Plan(name=f"m{os.getpid()}", hosts=2, pages=0)
PROGRAM = """
import json, pulumi, pulumi_libvirt as libvirt

said = json.load(open("said.json"))
hosts = [libvirt.Provider(name, uri=uri) for name, uri in said["options"]["hosts"].items()]
options = pulumi.ResourceOptions(provider=hosts[said["options"]["at"]])
pool = libvirt.Pool("pool", name="movers", type="dir", target={"path": said["options"]["path"]}, opts=options)
libvirt.Volume("disk", name="disk", pool=pool.name, size=1 << 20, opts=options)
for name, inputs in said["domains"].items():
    libvirt.Domain(name, **inputs, opts=options)
"""


@pytest.fixture(scope="module")
def two() -> Iterator[LabState]:
    try:
        state = labs.up(PLAN, labs.Silent())
    except QuietcoreError as error:
        pytest.skip(str(error))
    yield state
    labs.down(PLAN.name, labs.Silent())


@pytest.fixture
def desk(tmp_path: Path, two: LabState, pulumi: Callable[..., Any]) -> Iterator[Desk]:
    """A guest and a disk on hv1, by the name that the program gives it."""
    folder = tmp_path / "project"
    folder.mkdir()
    desk = Desk(folder, two.hosts[0], pulumi).start()
    (folder / "__main__.py").write_text(PROGRAM)
    desk.options = {
        "at": 0,
        "path": "/var/lib/libvirt/movers",
        "hosts": {"hv1": two.hosts[0].uri, "hv2": two.hosts[1].uri},
    }
    desk.domains = {"plc": guest(name="plc")}
    desk.up()
    yield desk
    desk.run("destroy", "--yes", "--skip-preview").ok()
    assert [holds(host) for host in two.hosts] == [{}, {}]


def holds(host: HostState) -> dict[str, int]:
    """The host's domains and pools, with the process of QEMU or 0."""
    connection = libvirt.open(host.uri)
    domains = {domain.name(): domain.ID() for domain in connection.listAllDomains()}
    return domains | {pool.name(): 0 for pool in connection.listAllStoragePools()}


def steps(desk: Desk) -> set[tuple[str, str]]:
    """Kind and operation of what a preview would do."""
    seen = desk.run("preview", "--json").ok().json()["steps"]
    return {
        (step["newState"]["type"].rpartition(":")[2], step["op"])
        for step in seen
        if step["op"] not in ("same", "refresh") and "newState" in step
    }


def test_another_way_to_the_same_host_changes_nothing_there(desk, two):
    before = holds(two.hosts[0])
    desk.options["hosts"]["hv1"] = two.hosts[0].ssh_uri
    assert steps(desk) == {("libvirt", "update")}
    desk.up()
    assert holds(two.hosts[0]) == before
    assert desk.clean()


@pytest.mark.parametrize("change", ["another URI", "another provider"])
def test_another_host_gets_everything_and_the_old_one_keeps_nothing(desk, two, change):
    if change == "another URI":
        desk.options["hosts"]["hv1"] = two.hosts[1].uri
    else:
        desk.options["at"] = 1
    preview = desk.preview().output
    assert "is another host than" in preview
    assert {(kind, "replace") for kind in ("Domain", "Pool", "Volume")} <= steps(desk)
    assert set(holds(two.hosts[0])) == {"plc", "movers"}
    desk.up()
    assert holds(two.hosts[0]) == {}
    assert set(holds(two.hosts[1])) == {"plc", "movers"}
    assert desk.clean()


def test_what_lies_on_storage_that_both_hosts_see_stays_there(desk, two, tmp_path):
    desk.options["path"] = str(tmp_path / "shared")
    desk.up()
    disk = tmp_path / "shared" / "disk"
    before = disk.stat().st_ino
    desk.options["at"] = 1
    desk.up()
    assert disk.stat().st_ino == before
    assert holds(two.hosts[0]) == {}
    assert desk.clean()


def test_a_host_that_cannot_be_asked_is_told_and_nothing_is_removed(desk, two):
    before = holds(two.hosts[0])
    desk.options["hosts"]["hv1"] = "qemu+unix:///system?socket=/nowhere"
    preview = desk.run("preview")
    assert "cannot tell whether qemu+unix:///system?socket=/nowhere is another host than" in preview.output
    assert steps(desk) == {("libvirt", "update")}
    desk.options["hosts"]["hv1"] = two.hosts[0].uri
    assert holds(two.hosts[0]) == before
