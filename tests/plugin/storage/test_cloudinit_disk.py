"""Seed disks on a real libvirtd."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from quietcore.plugins.handler import UNKNOWN, Effect, HandlerError, State
from quietcore.plugins.libvirt.claim import Claim
from quietcore.plugins.libvirt.cloudinit_disk import CloudInitDiskHandler
from quietcore.plugins.libvirt.seed_iso import Seed, build, lift

DISK = CloudInitDiskHandler()
USER = "#cloud-config\nhostname: plc-a\n"


def inputs(pool: Any, **more: Any) -> dict[str, Any]:
    return {"pool": pool.name(), "name": "seed.iso", "userData": USER, "metaData": "instance-id: plc-a\n"} | more


def path_of(pool: Any) -> Path:
    return Path(pool.storageVolLookupByName("seed.iso").path())


def names(pool: Any) -> list[str]:
    pool.refresh(0)
    return sorted(pool.listVolumes())


def test_a_seed_is_made_readable_by_others_and_removed_without_a_trace(desk, pool):
    state = desk.create(DISK, inputs(pool))
    path, _, uuid = state.id.partition(";")
    assert path == str(path_of(pool))
    assert len(uuid) == 36
    listing = subprocess.run(["blkid", "-o", "value", "-s", "LABEL", path], capture_output=True, text=True)
    assert listing.stdout.strip() == "cidata"
    assert lift(path_of(pool).read_bytes()) == Seed(USER, "instance-id: plc-a\n")
    assert desk.read(DISK, state) == state
    DISK.delete(state, desk.context())
    assert names(pool) == []
    DISK.delete(state, desk.context())


def test_a_changed_text_is_read_at_the_next_boot_from_the_same_file(desk, pool):
    state = desk.create(DISK, inputs(pool))
    inode = path_of(pool).stat().st_ino
    new = inputs(pool, networkConfig="version: 2\n")
    assert [(change.path, change.effect) for change in DISK.diff(state, new)] == [("networkConfig", Effect.NEXT_BOOT)]
    after = DISK.update(state, new, desk.context())
    assert after.id == state.id
    assert path_of(pool).stat().st_ino == inode
    assert lift(path_of(pool).read_bytes()).network_config == "version: 2\n"
    assert desk.read(DISK, after) == after
    assert DISK.diff(after, new) == []


def test_a_text_that_shrinks_leaves_nothing_of_the_old_one(desk, pool):
    state = desk.create(DISK, inputs(pool, userData=USER + "# " + "x" * 900_000 + "\n"))
    DISK.update(state, inputs(pool), desk.context())
    data = path_of(pool).read_bytes()
    assert b"xxxxxxxx" not in data
    assert data.rstrip(b"\0") == build(Seed(USER, "instance-id: plc-a\n")).rstrip(b"\0")


def test_a_text_that_outgrows_the_disk_makes_it_larger(desk, pool):
    state = desk.create(DISK, inputs(pool))
    large = inputs(pool, userData=USER + "# " + "x" * 1_000_000 + "\n")
    DISK.update(state, large, desk.context())
    assert lift(path_of(pool).read_bytes()).user_data == large["userData"]


def test_a_seed_changed_by_hand_is_drift_and_is_healed(desk, pool):
    state = desk.create(DISK, inputs(pool))
    path_of(pool).write_bytes(build(Seed("#cloud-config\nhostname: evil\n", "instance-id: plc-a\n")))
    seen = desk.read(DISK, state)
    assert seen.inputs["userData"] == "#cloud-config\nhostname: evil\n"
    assert [change.path for change in DISK.diff(seen, inputs(pool))] == ["userData"]
    healed = DISK.update(seen, inputs(pool), desk.context())
    assert desk.read(DISK, healed).inputs == inputs(pool)


def test_rubbish_in_place_of_a_seed_is_drift_too(desk, pool):
    state = desk.create(DISK, inputs(pool))
    path_of(pool).write_bytes(b"rubbish" * 1000)
    assert "holds no seed image" in desk.read(DISK, state).inputs["userData"]


def test_a_touched_seed_with_the_same_content_is_no_drift(desk, pool):
    state = desk.create(DISK, inputs(pool))
    path_of(pool).touch()
    assert desk.read(DISK, state) == state


def test_a_seed_of_the_official_plugin_is_taken_over(desk, pool, tmp_path):
    for name, text in (("user-data", USER), ("meta-data", "instance-id: plc-a\n")):
        (tmp_path / name).write_text(text)
    made = tmp_path / "official.iso"
    command = ["genisoimage", "-quiet", "-output", made, "-volid", "cidata", "-joliet", "-rock"]
    try:
        subprocess.run([*command, tmp_path / "user-data", tmp_path / "meta-data"], check=True)
    except FileNotFoundError:
        pytest.skip("genisoimage is not installed")
    volume = pool.createXML(f"<volume><name>seed.iso</name><capacity>{made.stat().st_size}</capacity></volume>", 0)
    path_of(pool).write_bytes(made.read_bytes())
    saved = State(id=f"{volume.key()};59f2ebd5-8b4c-4b5b-b5a8-3f4bb4a2b2f7", inputs=inputs(pool), outputs=inputs(pool))
    seen = desk.read(DISK, saved)
    assert seen.id == saved.id
    assert DISK.diff(seen, inputs(pool)) == []
    imported = desk.read(DISK, State(id=volume.key()))
    assert DISK.diff(imported, inputs(pool)) == []
    DISK.update(seen, inputs(pool, userData="#!/bin/sh\n"), desk.context())
    DISK.delete(seen, desk.context())
    assert names(pool) == []


def test_what_an_interrupted_run_left_is_written_anew(desk, pool):
    claim = Claim(pool, "seed.iso", desk.context().mark, DISK.token, blocks=False)
    claim.begin()
    pool.createXML("<volume><name>seed.iso</name><capacity>1048576</capacity></volume>", 0)
    state = desk.create(DISK, inputs(pool))
    assert lift(path_of(pool).read_bytes()) == Seed(USER, "instance-id: plc-a\n")
    again = desk.create(DISK, inputs(pool))
    assert (again.id, again.outputs["contentSha256"]) == (state.id, state.outputs["contentSha256"])
    assert len(names(pool)) == 2


def test_a_foreign_volume_under_the_name_is_left(desk, pool):
    theirs = pool.createXML("<volume><name>seed.iso</name><capacity>4096</capacity></volume>", 0)
    with pytest.raises(HandlerError) as caught:
        desk.create(DISK, inputs(pool))
    expected = f"pulumi import libvirt:index/cloudInitDisk:CloudInitDisk thing {theirs.key()}"
    assert expected in caught.value.hint
    assert path_of(pool).read_bytes() == bytes(4096)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ({"userData": "#cloud-config\na: [1\n"}, "is not valid YAML: line 3, column 1"),
        ({"userData": "hostname: a\n"}, "the first line does not say what it is"),
        ({"userData": "#cloud-config\n" + "#" * (1 << 20)}, "allowed: 1048576"),
        ({"userData": "#cloud-config\n- a\n"}, "must be a YAML mapping, it is a list"),
        ({"userData": {"a": 1}}, "must be text, given a dict"),
        ({"metaData": "a: b: c\n"}, "is not valid YAML"),
        ({"networkConfig": "ethernets: {}\n"}, "must say version: 1 or version: 2"),
    ],
)
def test_texts_that_no_guest_could_read_are_refused(desk, text, reason):
    _, failures = DISK.check({"name": "s", **text}, None, desk.context().mark)
    assert [failure.path for failure in failures] == list(text)
    assert reason in failures[0].reason


@pytest.mark.parametrize(
    "text",
    [
        {"userData": USER, "networkConfig": "network: {version: 1, config: []}\n", "metaData": ""},
        {"userData": "#!/bin/sh\necho: [\n"},
        {"userData": "## template: jinja\n#cloud-config\n{% if x %}\n"},
        {"userData": UNKNOWN, "metaData": UNKNOWN, "pool": UNKNOWN},
        {},
    ],
)
def test_texts_that_are_fine_or_unknown_pass(desk, text):
    _, failures = DISK.check(text, None, desk.context().mark)
    assert failures == []
