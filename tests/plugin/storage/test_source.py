"""Sources, checksums and image headers."""

from __future__ import annotations

import hashlib
import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from quietcore.plugins.handler import Effect, HandlerError, State
from quietcore.plugins.libvirt import checksum
from quietcore.plugins.libvirt.checksum import file_sha256
from quietcore.plugins.libvirt.content import SourceError
from quietcore.plugins.libvirt.qcow2 import ImageError, ImageFacts, image_facts
from quietcore.plugins.libvirt.source import Source
from quietcore.plugins.libvirt.volume import VolumeHandler

needs_qemu_img = pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed")
VOLUME = VolumeHandler()
DATA = b"\x07" * 3_000_000
SHA = hashlib.sha256(DATA).hexdigest()


class Server(http.server.BaseHTTPRequestHandler):
    """Serves DATA in the several ways that servers have."""

    def do_GET(self) -> None:
        if self.path == "/missing":
            self.send_error(404)
            return
        self.send_response(200)
        if self.path != "/endless":
            self.send_header("Content-Length", str(len(DATA)))
        self.send_header("ETag", '"v1"')
        self.end_headers()
        self.wfile.write(DATA[: 1_000_000 if self.path == "/broken" else None])

    def log_message(self, *_args: object) -> None:
        """Silent."""


@pytest.fixture
def server() -> Iterator[str]:
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()


def read(text: str) -> bytes:
    with Source.parse(text).open() as content:
        return b"".join(content.blocks())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ftp://x/y", "scheme 'ftp' is not supported"),
        ("file://host/x", "three slashes"),
        ("/x#sha256=12", "sha256 checksum must be 64 hex digits, given 2 characters"),
        ("/x#md5=12", "checksum algorithm 'md5' is not known; allowed: sha256, sha512"),
        ("", "is empty"),
    ],
)
def test_a_source_that_cannot_be_is_refused(desk, text, reason):
    _, failures = VOLUME.check({"source": text, "name": "v"}, None, desk.context().mark)
    assert [(failure.path, reason in failure.reason) for failure in failures] == [("source", True)]


def test_a_hash_sign_that_states_no_checksum_belongs_to_the_path(tmp_path):
    (tmp_path / "a#b").write_bytes(b"x")
    assert read(str(tmp_path / "a#b")) == b"x"


def test_a_file_url_may_have_escaped_letters(tmp_path):
    (tmp_path / "a b").write_bytes(b"x")
    assert read(f"file://{tmp_path}/a%20b") == b"x"


def test_a_url_is_streamed_with_its_facts(server):
    with Source.parse(f"{server}/image").open() as content:
        assert (content.length, content.etag) == (len(DATA), '"v1"')
        assert max(len(block) for block in content.blocks()) <= 256 * 1024


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/missing", "the server answered 404"),
        ("/broken", "ended after 1000000 of 3000000 bytes|broke off"),
        ("/endless", "does not say how long"),
    ],
)
def test_a_server_that_does_not_deliver_is_told(server, path, reason):
    with pytest.raises(SourceError, match=reason):
        read(server + path)


def test_a_server_that_is_not_there_is_told():
    with pytest.raises(SourceError, match="refused"):
        read("http://127.0.0.1:9/image")


def test_a_volume_comes_from_a_url_and_a_broken_transfer_leaves_nothing(desk, pool, server):
    given = {"pool": pool.name(), "name": "disk"}
    with pytest.raises(HandlerError, match=r"1000000 of 3000000 bytes.*nothing of it is left"):
        desk.create(VOLUME, {**given, "source": f"{server}/broken"})
    pool.refresh(0)
    assert pool.listVolumes() == []
    state = desk.create(VOLUME, {**given, "source": f"{server}/image#sha256={SHA}"})
    assert Path(state.id).read_bytes() == DATA
    assert state.outputs["sourceEtag"] == '"v1"'
    assert desk.create(VOLUME, {**given, "source": f"{server}/image#sha256={SHA}"}).id == state.id


def test_a_digest_is_computed_once_until_the_file_changes(tmp_path, monkeypatch):
    path = tmp_path / "image"
    path.write_bytes(DATA)
    assert file_sha256(path) == SHA
    monkeypatch.setattr(checksum, "_hash", lambda _path: pytest.fail("computed again"))
    assert file_sha256(path) == SHA
    checksum._seen.clear()
    assert file_sha256(path) == SHA
    monkeypatch.undo()
    path.write_bytes(b"other")
    assert file_sha256(path) == hashlib.sha256(b"other").hexdigest()


def test_changed_content_of_a_source_makes_the_volume_anew_with_the_reason(tmp_path):
    path = tmp_path / "image"
    path.write_bytes(DATA)
    inputs = {"name": "disk", "pool": "p", "source": str(path)}
    old = State("/p/disk", inputs, {**inputs, "contentSha256": SHA, "format": "raw", "size": len(DATA)})
    assert VOLUME.diff(old, inputs) == []
    moved = tmp_path / "moved"
    moved.write_bytes(DATA)
    assert [change.effect for change in VOLUME.diff(old, {**inputs, "source": str(moved)})] == [Effect.LIVE]
    stated = {**inputs, "source": f"/elsewhere#sha256={SHA}"}
    assert [change.effect for change in VOLUME.diff(old, stated)] == [Effect.LIVE]
    path.write_bytes(b"new")
    change = VOLUME.diff(old, inputs)[0]
    assert (change.path, change.effect, change.keeps_name) == ("source", Effect.REPLACE, True)
    assert change.text.startswith(f"content changed: sha256 {SHA[:12]} -> ")
    path.unlink()
    assert VOLUME.diff(old, inputs) == []


@needs_qemu_img
def test_an_image_is_known_by_its_header(tmp_path):
    path = tmp_path / "i"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "7M"], check=True)
    assert image_facts(path.read_bytes()) == ImageFacts("qcow2", 7 << 20)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-o", "compat=0.10", path, "7M"], check=True)
    assert image_facts(path.read_bytes()) == ImageFacts("qcow2", 7 << 20)
    assert image_facts(b"\0" * 512) == ImageFacts("raw")


@needs_qemu_img
def test_an_image_that_cannot_become_a_volume_says_how_to_make_it_one(tmp_path):
    base, top = tmp_path / "b", tmp_path / "t"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", base, "7M"], check=True)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", top], check=True)
    with pytest.raises(ImageError, match=f"overlay on '{base}'"):
        image_facts(top.read_bytes())
    with pytest.raises(ImageError, match=r"xz-compressed; unpack it first \(xz -d\)"):
        image_facts(b"\xfd7zXZ\x00" + b"\0" * 100)
    with pytest.raises(ImageError, match="vmdk"):
        image_facts(b"KDMV" + b"\0" * 100)


def test_what_is_declared_raw_may_be_compressed_as_an_initrd_is():
    assert image_facts(b"\x1f\x8b" + b"\0" * 100, "raw") == ImageFacts("raw")


@pytest.mark.parametrize(
    ("given", "path", "reason"),
    [
        ({"format": "raw"}, "format", "says 'raw', but the image is qcow2"),
        ({"size": 1 << 20}, "size", "must be at least the size of the image, 7340032 bytes"),
        ({"baseVolumeId": "/x"}, "baseVolumeId", "cannot stand beside source"),
        ({"baseVolumePool": "x"}, "baseVolumePool", "which is missing"),
        ({"size": 0}, "size", "must be a whole number of bytes above 0, given 0"),
        ({"format": "vdi"}, "format", "must be one of qcow2, raw, given 'vdi'"),
        ({"name": ".a.quietcore"}, "name", "is the name of a marker"),
        ({"xml": {"xslt": "<no"}}, "xml.xslt", "cannot be applied"),
    ],
)
def test_inputs_that_do_not_fit_the_image_are_refused_before_any_host_is_asked(desk, tmp_path, given, path, reason):
    image = tmp_path / "i"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", image, "7M"], check=True)
    inputs = {"source": str(image), "name": "v"} | given
    _, failures = VOLUME.check(inputs, None, desk.context().mark)
    assert [failure.path for failure in failures] == [path]
    assert reason in failures[0].reason


def test_an_empty_volume_needs_a_size(desk):
    _, failures = VOLUME.check({"name": "v"}, None, desk.context().mark)
    assert failures[0].path == "size"
