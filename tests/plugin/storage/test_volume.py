"""Volumes on a real libvirtd."""

from __future__ import annotations

import hashlib
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from quietcore.plugins.handler import UNKNOWN, Cancelled, Effect, HandlerError, Severity, State
from quietcore.plugins.libvirt.claim import Claim
from quietcore.plugins.libvirt.volume import VolumeHandler

MIB = 1 << 20
VOLUME = VolumeHandler()


def names(pool: Any) -> list[str]:
    pool.refresh(0)
    return sorted(pool.listVolumes())


def mine(pool: Any) -> list[str]:
    return [name for name in names(pool) if not name.endswith(".quietcore")]


def path_of(pool: Any, name: str) -> Path:
    return Path(pool.storageVolLookupByName(name).path())


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A qcow2 of 40 MiB virtual size with something in it."""
    path = tmp_path / "image.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "40M"], check=True)
    subprocess.run(["qemu-io", "-c", "write -q -P 0x5a 1M 3M", path], check=True, stdout=subprocess.DEVNULL)
    return path


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A raw image: data, a hole of 20 MiB, data, and a length that is no multiple of a block."""
    path = tmp_path / "image.raw"
    with path.open("wb") as file:
        file.write(os.urandom(MIB))
        file.seek(21 * MIB)
        file.write(os.urandom(MIB + 512))
    return path


def test_an_empty_volume_is_made_and_removed_without_a_trace(desk, pool):
    state = desk.create(VOLUME, {"pool": pool.name(), "size": 10 * MIB, "name": "disk"})
    assert state.id == str(path_of(pool, "disk"))
    assert state.outputs["format"] == "qcow2"
    assert state.outputs["size"] == 10 * MIB
    VOLUME.delete(state, desk.context())
    assert names(pool) == []
    VOLUME.delete(state, desk.context())


def test_a_name_that_is_not_given_follows_from_the_mark_and_is_the_same_in_every_run(desk, pool):
    first = desk.check(VOLUME, {"pool": pool.name(), "size": MIB}, "plc-a")
    assert first["name"].startswith("plc-a-")
    again, _ = VOLUME.check({"pool": pool.name(), "size": MIB}, None, desk.context("plc-a").mark)
    assert again["name"] == first["name"]
    assert desk.check(VOLUME, {"pool": pool.name(), "size": MIB}, "plc-b")["name"] != first["name"]


def test_a_raw_image_arrives_byte_for_byte_and_keeps_its_holes(desk, pool, raw):
    state = desk.create(VOLUME, {"pool": pool.name(), "source": str(raw), "name": "disk"})
    there = path_of(pool, "disk")
    assert there.read_bytes() == raw.read_bytes()
    assert there.stat().st_blocks * 512 < 4 * MIB
    assert state.outputs["format"] == "raw"
    assert state.outputs["contentSha256"] == hashlib.sha256(raw.read_bytes()).hexdigest()


def test_a_qcow2_image_keeps_its_format_and_virtual_size(desk, pool, image):
    state = desk.create(VOLUME, {"pool": pool.name(), "source": f"file://{image}", "name": "disk"})
    assert state.outputs["format"] == "qcow2"
    assert state.outputs["size"] == 40 * MIB
    assert path_of(pool, "disk").read_bytes() == image.read_bytes()


def test_an_image_is_grown_to_the_size_the_program_gives(desk, pool, image):
    state = desk.create(VOLUME, {"pool": pool.name(), "source": str(image), "name": "disk", "size": 64 * MIB})
    assert state.outputs["size"] == 64 * MIB


def test_the_checksum_in_the_source_is_verified(desk, pool, raw):
    good = hashlib.sha512(raw.read_bytes()).hexdigest()
    state = desk.create(VOLUME, {"pool": pool.name(), "source": f"{raw}#sha512={good}", "name": "disk"})
    assert state.outputs["contentSha256"] == hashlib.sha256(raw.read_bytes()).hexdigest()


def test_a_wrong_checksum_leaves_nothing_behind(desk, pool, raw):
    bad = "0" * 64
    with pytest.raises(HandlerError, match=r"expected sha256=0000.*nothing of it is left"):
        desk.create(VOLUME, {"pool": pool.name(), "source": f"{raw}#sha256={bad}", "name": "disk"})
    assert names(pool) == []


def test_an_overlay_lies_on_its_base_and_is_as_large(desk, pool, image):
    base = desk.create(VOLUME, {"pool": pool.name(), "source": str(image), "name": "base"}, "base")
    state = desk.create(VOLUME, {"pool": pool.name(), "baseVolumeId": base.id, "name": "top"}, "top")
    assert state.outputs["size"] == 40 * MIB
    facts = subprocess.run(["qemu-img", "info", path_of(pool, "top")], capture_output=True, text=True, check=True)
    assert f"backing file: {base.id}" in facts.stdout
    assert "backing file format: qcow2" in facts.stdout


def test_a_base_may_be_named_by_pool_and_name(desk, pool, image):
    base = desk.create(VOLUME, {"pool": pool.name(), "source": str(image), "name": "base"}, "base")
    inputs = {"pool": pool.name(), "baseVolumeName": "base", "name": "top", "size": 80 * MIB}
    state = desk.create(VOLUME, inputs, "top")
    assert state.outputs["basePath"] == base.id
    assert state.outputs["size"] == 80 * MIB
    assert VOLUME.diff(state, {**inputs, "baseVolumePool": pool.name()})[0].effect is Effect.REPLACE
    named = {key: value for key, value in inputs.items() if key != "baseVolumeName"} | {"baseVolumeId": base.id}
    assert VOLUME.diff(state, named)[0].effect is Effect.LIVE


def test_a_raw_volume_on_a_base_is_a_copy_of_it(desk, pool, image):
    base = desk.create(VOLUME, {"pool": pool.name(), "source": str(image), "name": "base"}, "base")
    state = desk.create(VOLUME, {"pool": pool.name(), "baseVolumeId": base.id, "format": "raw", "name": "copy"}, "copy")
    assert state.outputs["format"] == "raw"
    data = path_of(pool, "copy").read_bytes()
    assert len(data) == 40 * MIB
    assert data[MIB : 4 * MIB] == b"\x5a" * (3 * MIB)


def test_a_base_that_is_not_there_is_named(desk, pool):
    with pytest.raises(HandlerError, match=r"its base volume 'nope' in pool .* is not there"):
        desk.create(VOLUME, {"pool": pool.name(), "baseVolumeName": "nope", "name": "top"})
    assert names(pool) == []


def test_a_size_that_grows_is_grown_in_place(desk, pool):
    state = desk.create(VOLUME, {"pool": pool.name(), "size": 10 * MIB, "name": "disk"})
    new = {**state.inputs, "size": 20 * MIB}
    changes = VOLUME.diff(state, new)
    assert [(change.path, change.effect) for change in changes] == [("size", Effect.LIVE)]
    assert "10MiB -> 20MiB" in changes[0].text
    assert VOLUME.update(state, new, desk.context()).outputs["size"] == 20 * MIB
    assert VOLUME.diff(state, {**new, "size": 5 * MIB})[0].effect is Effect.REPLACE


def test_a_foreign_volume_under_the_name_is_left_as_it_is_and_the_import_is_told(desk, pool):
    xml = "<volume><name>disk</name><capacity>4096</capacity><target><format type='raw'/></target></volume>"
    theirs = pool.createXML(xml, 0)
    path_of(pool, "disk").write_bytes(b"precious".ljust(4096))
    with pytest.raises(HandlerError) as caught:
        desk.create(VOLUME, {"pool": pool.name(), "size": 10 * MIB, "name": "disk"})
    assert caught.value.hint == f"take it over with: pulumi import libvirt:index/volume:Volume thing {theirs.key()}"
    assert desk.daemon.uri in str(caught.value)
    assert path_of(pool, "disk").read_bytes() == b"precious".ljust(4096)
    assert names(pool) == ["disk"]


def test_an_imported_volume_shows_no_change_and_may_be_removed(desk, pool, image):
    theirs = pool.createXML("<volume><name>disk</name><capacity>4096</capacity></volume>", 0)
    state = desk.read(VOLUME, State(id=theirs.key()))
    assert state is not None
    assert state.outputs["owner"] == "imported"
    assert VOLUME.diff(state, {"pool": pool.name(), "name": "disk"}) == []
    assert VOLUME.diff(state, {"pool": pool.name(), "name": "disk", "source": str(image)})[0].effect is Effect.LIVE
    assert desk.read(VOLUME, State(id=f"{pool.name()}/disk")).id == theirs.key()
    VOLUME.delete(state, desk.context())
    assert names(pool) == []


def test_a_volume_whose_mark_is_gone_is_not_removed(desk, pool):
    state = desk.create(VOLUME, {"pool": pool.name(), "size": MIB, "name": "disk"})
    marker = next(name for name in names(pool) if name.endswith(".quietcore"))
    pool.storageVolLookupByName(marker).delete(0)
    VOLUME.delete(state, desk.context())
    assert mine(pool) == ["disk"]
    assert desk.lines[-1][0] is Severity.WARNING
    assert "does not bear the mark" in desk.lines[-1][1]


def test_a_volume_that_another_run_took_up_is_not_removed_by_the_one_before(desk, pool):
    """Two hosts that see the same storage: the resource moved, and then the old host is told to remove it."""
    inputs = {"pool": pool.name(), "size": MIB, "name": "disk"}
    old, new = (desk.create(VOLUME, inputs) for _ in range(2))
    VOLUME.delete(old, desk.context())
    assert mine(pool) == ["disk"]
    assert "does not bear the mark of this resource any more: left alone" in desk.lines[-1][1]
    VOLUME.delete(new, desk.context())
    assert names(pool) == []


def test_a_volume_removed_by_hand_is_gone(desk, pool):
    state = desk.create(VOLUME, {"pool": pool.name(), "size": MIB, "name": "disk"})
    assert desk.read(VOLUME, state) == state
    path_of(pool, "disk").unlink()
    assert desk.read(VOLUME, state) is None
    again = desk.create(VOLUME, {"pool": pool.name(), "size": MIB, "name": "disk"})
    assert again == state


def test_a_volume_grown_by_hand_is_drift(desk, pool):
    inputs = {"pool": pool.name(), "size": MIB, "name": "disk", "format": "qcow2"}
    state = desk.create(VOLUME, inputs)
    pool.storageVolLookupByName("disk").resize(2 * MIB)
    seen = desk.read(VOLUME, state)
    assert seen.inputs["size"] == 2 * MIB
    assert [change.effect for change in VOLUME.diff(seen, inputs)] == [Effect.REPLACE]


def test_a_stopped_pool_says_nothing_of_its_volumes(desk, pool):
    state = desk.create(VOLUME, {"pool": pool.name(), "size": MIB, "name": "disk"})
    pool.destroy()
    with pytest.raises(HandlerError, match=r"is stopped") as caught:
        desk.read(VOLUME, state)
    assert caught.type.__name__ == "Unreachable"
    assert "pool-start" in caught.value.hint


class TestInterrupted:
    """What a killed run leaves, at each of its steps, and what the next create does with it."""

    def claim(self, desk, pool, name: str = "disk") -> Claim:
        return Claim(pool, name, desk.context().mark, VOLUME.token, blocks=False)

    def test_after_the_claim(self, desk, pool, image):
        self.claim(desk, pool).begin()
        state = desk.create(VOLUME, {"pool": pool.name(), "source": str(image), "name": "disk"})
        assert state.outputs["size"] == 40 * MIB
        assert len(names(pool)) == 2

    def test_half_way_through_the_upload(self, desk, pool, image):
        self.claim(desk, pool).begin()
        data = image.read_bytes()
        pool.createXML(f"<volume><name>disk</name><capacity>{len(data)}</capacity></volume>", 0)
        half = data[: len(data) // 2].ljust(len(data), b"\0")
        path_of(pool, "disk").write_bytes(half)
        desk.create(VOLUME, {"pool": pool.name(), "source": str(image), "name": "disk"})
        assert path_of(pool, "disk").read_bytes() == data
        assert "left it unfinished; it is made anew" in desk.lines[-1][1]

    def test_after_the_last_byte_but_before_it_was_called_finished(self, desk, pool, image):
        state = desk.create(VOLUME, {"pool": pool.name(), "source": str(image), "name": "disk"})
        self.claim(desk, pool).clear()
        self.claim(desk, pool).begin()
        assert desk.create(VOLUME, {"pool": pool.name(), "source": str(image), "name": "disk"}) == state

    def test_when_finished_it_is_adopted_as_it_is(self, desk, pool, image):
        state = desk.create(VOLUME, {"pool": pool.name(), "source": str(image), "name": "disk"})
        before = path_of(pool, "disk").stat()
        again = desk.create(VOLUME, {"pool": pool.name(), "source": str(image), "name": "disk"})
        assert {**again.outputs, "holder": ""} == {**state.outputs, "holder": ""}
        assert path_of(pool, "disk").stat().st_ino == before.st_ino
        assert "adopted" in desk.lines[-1][1]

    def test_when_finished_with_the_sign_of_making_still_there(self, desk, pool):
        state = desk.create(VOLUME, {"pool": pool.name(), "size": MIB, "name": "disk"})
        self.claim(desk, pool)._put("making")
        again = desk.create(VOLUME, {"pool": pool.name(), "size": MIB, "name": "disk"})
        assert (again.id, again.inputs) == (state.id, state.inputs)
        assert len(names(pool)) == 2

    def test_when_the_image_changed_since(self, desk, pool, image):
        desk.create(VOLUME, {"pool": pool.name(), "source": str(image), "name": "disk"})
        subprocess.run(["qemu-io", "-c", "write -q -P 0x11 9M 1M", image], check=True, stdout=subprocess.DEVNULL)
        desk.create(VOLUME, {"pool": pool.name(), "source": str(image), "name": "disk"})
        assert path_of(pool, "disk").read_bytes() == image.read_bytes()

    def test_a_marker_without_volume_is_taken_away(self, desk, pool):
        self.claim(desk, pool).finish("ab" * 32)
        desk.create(VOLUME, {"pool": pool.name(), "size": MIB, "name": "disk"})
        assert len(names(pool)) == 2

    def test_a_foreign_volume_put_under_a_claimed_name_is_refused(self, desk, pool, image):
        self.claim(desk, pool).begin()
        pool.createXML("<volume><name>disk</name><capacity>8192</capacity></volume>", 0)
        path_of(pool, "disk").write_bytes(b"precious" * 1024)
        with pytest.raises(HandlerError, match=r"not what it would have made"):
            desk.create(VOLUME, {"pool": pool.name(), "source": str(image), "name": "disk"})
        assert path_of(pool, "disk").read_bytes() == b"precious" * 1024

    def test_another_resource_of_the_same_stack_does_not_adopt_it(self, desk, pool):
        desk.create(VOLUME, {"pool": pool.name(), "size": MIB, "name": "disk"}, "one")
        with pytest.raises(HandlerError, match=r"is not of this resource"):
            desk.create(VOLUME, {"pool": pool.name(), "size": MIB, "name": "disk"}, "two")


def test_a_cancelled_upload_leaves_nothing(desk, pool, raw, monkeypatch):
    from quietcore.plugins.libvirt import volume_make

    real = volume_make.upload

    def stopped_midway(volume, blocks, length, **options):
        def some():
            for number, block in enumerate(blocks):
                if number == 3:
                    desk.cancelled.set()
                yield block

        real(volume, some(), length, **options)

    monkeypatch.setattr(volume_make, "upload", stopped_midway)
    with pytest.raises(Cancelled, match=r"the upload was stopped; nothing of it is left"):
        desk.create(VOLUME, {"pool": pool.name(), "source": str(raw), "name": "disk"})
    assert names(pool) == []


def test_an_upload_that_takes_longer_than_allowed_is_undone(desk, pool, raw):
    context = desk.context()
    context.timeout = 1e-9
    inputs = desk.check(VOLUME, {"pool": pool.name(), "source": str(raw), "name": "disk"})
    with pytest.raises(HandlerError, match=r"longer than 1e-09 s; nothing of it is left") as caught:
        VOLUME.create(inputs, context)
    assert "custom_timeouts" in caught.value.hint
    assert names(pool) == []


def test_a_daemon_killed_during_an_upload_is_told_and_the_next_create_makes_it_whole(
    desk, daemon, pool, raw, monkeypatch
):
    from quietcore.plugins.libvirt import volume_make

    real = volume_make.upload

    def killed_midway(volume, blocks, length, **options):
        def some():
            for number, block in enumerate(blocks):
                if number == 3:
                    daemon.restart()
                yield block

        real(volume, some(), length, **options)

    name = pool.name()
    monkeypatch.setattr(volume_make, "upload", killed_midway)
    with pytest.raises(HandlerError, match=r"the next `pulumi up` makes it anew|nothing of it is left"):
        desk.create(VOLUME, {"pool": name, "source": str(raw), "name": "disk"})
    monkeypatch.setattr(volume_make, "upload", real)
    again = desk.connection.storagePoolLookupByName(name)
    if not again.isActive():
        again.create(0)
    desk.create(VOLUME, {"pool": name, "source": str(raw), "name": "disk"})
    assert path_of(again, "disk").read_bytes() == raw.read_bytes()
    assert len(names(again)) == 2


def test_progress_is_told_with_the_elapsed_time(desk, pool, raw, monkeypatch):
    from quietcore.plugins.libvirt import stream

    monkeypatch.setattr(stream, "_TELL_SECONDS", 0.0)
    desk.create(VOLUME, {"pool": pool.name(), "source": str(raw), "name": "disk"})
    assert desk.progress[0].startswith("uploading disk to ")
    assert " % of 22MiB, " in desk.progress[-1]


def test_a_missing_source_is_told_with_its_full_path(desk, pool):
    with pytest.raises(HandlerError, match=r"/nowhere/x.img: No such file"):
        desk.create(VOLUME, {"pool": pool.name(), "source": "/nowhere/x.img", "name": "disk"})
    assert names(pool) == []


def test_a_missing_pool_is_told(desk):
    with pytest.raises(HandlerError, match=r"pool 'nope' on .*: there is no such pool"):
        desk.create(VOLUME, {"pool": "nope", "size": MIB, "name": "disk"})


def test_a_stylesheet_changes_the_volume(desk, pool):
    xslt = """<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
      <xsl:template match="node()|@*"><xsl:copy><xsl:apply-templates select="node()|@*"/></xsl:copy></xsl:template>
      <xsl:template match="permissions/mode"><mode>0600</mode></xsl:template></xsl:stylesheet>"""
    state = desk.create(VOLUME, {"pool": pool.name(), "size": MIB, "name": "disk", "xml": {"xslt": xslt}})
    assert path_of(pool, "disk").stat().st_mode & 0o777 == 0o600
    assert VOLUME.diff(state, {**state.inputs, "xml": {"xslt": xslt.replace("\n      ", "\n  ")}}) == []


def test_many_volumes_are_made_and_removed_in_one_pool_at_once(desk, pool, image):
    base = desk.create(VOLUME, {"pool": pool.name(), "source": str(image), "name": "base"}, "base")

    def one(number: int) -> State:
        origin = {"source": str(image)} if number % 2 else {"baseVolumeId": base.id}
        return desk.create(VOLUME, {"pool": pool.name(), "name": f"disk{number}", **origin}, f"disk{number}")

    with ThreadPoolExecutor(12) as threads:
        states = list(threads.map(one, range(24)))
        assert {state.outputs["size"] for state in states} == {40 * MIB}
        assert len(names(pool)) == 50
        list(threads.map(lambda state: VOLUME.delete(state, desk.context(state.inputs["name"])), states))
    assert len(names(pool)) == 2


def test_a_base_is_not_removed_under_an_overlay(desk, pool, image):
    base = desk.create(VOLUME, {"pool": pool.name(), "source": str(image), "name": "base"}, "base")
    top = desk.create(VOLUME, {"pool": pool.name(), "baseVolumeId": base.id, "name": "top"}, "top")
    with pytest.raises(HandlerError, match=r"/top is an overlay on it"):
        VOLUME.delete(base, desk.context("base"))
    VOLUME.delete(top, desk.context("top"))
    VOLUME.delete(base, desk.context("base"))
    assert names(pool) == []


def test_a_volume_that_somebody_makes_at_the_same_moment_is_left(desk, pool, raw, monkeypatch):
    begin = Claim.begin

    def slow(claim: Claim) -> None:
        begin(claim)
        pool.createXML("<volume><name>disk</name><capacity>8192</capacity></volume>", 0)

    monkeypatch.setattr(Claim, "begin", slow)
    with pytest.raises(HandlerError, match=r"exists already"):
        desk.create(VOLUME, {"pool": pool.name(), "source": str(raw), "name": "disk"})
    assert names(pool) == ["disk"]


def test_a_source_that_changes_while_it_is_uploaded_is_refused(desk, pool, raw, monkeypatch):
    from quietcore.plugins.libvirt.checksum import Digester

    feed = Digester.feed

    def touching(digester: Digester, block: bytes) -> None:
        os.utime(raw, ns=(1, 1))
        feed(digester, block)

    monkeypatch.setattr(Digester, "feed", touching)
    with pytest.raises(HandlerError, match=r"changed while it was uploaded; nothing of it is left"):
        desk.create(VOLUME, {"pool": pool.name(), "source": str(raw), "name": "disk"})
    assert names(pool) == []


@pytest.mark.parametrize(
    ("given", "path", "effect"),
    [
        ({"size": UNKNOWN}, "size", Effect.LIVE),
        ({"pool": UNKNOWN}, "pool", Effect.REPLACE),
        ({"baseVolumeId": UNKNOWN}, "baseVolumeId", Effect.REPLACE),
        ({"source": UNKNOWN, "size": MIB}, "source", Effect.REPLACE),
    ],
)
def test_what_is_not_known_yet_may_stand_anywhere(desk, given, path, effect):
    made, failures = VOLUME.check({"name": "disk", "pool": "p", "size": MIB} | given, None, desk.context().mark)
    assert [failure for failure in failures if failure.path != "source"] == []
    old = State("/p/disk", {"name": "disk", "pool": "p", "size": MIB}, {"format": "qcow2", "size": MIB})
    assert (path, effect) in [(change.path, change.effect) for change in VOLUME.diff(old, made)]
    assert VOLUME.predict(made, None)["format"] is UNKNOWN
