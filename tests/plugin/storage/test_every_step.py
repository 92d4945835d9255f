"""A kill at every single call that changes something on the host, before and after it; then the run that recovers."""

from __future__ import annotations

import http.server
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from quietcore.plugins.handler import Handler
from quietcore.plugins.libvirt import cloudinit_disk
from quietcore.plugins.libvirt.cloudinit_disk import CloudInitDiskHandler
from quietcore.plugins.libvirt.pool import PoolHandler
from quietcore.plugins.libvirt.volume import VolumeHandler
from quietcore.plugins.libvirt.volume_attempt import Attempt

libvirt = pytest.importorskip("libvirt")
MIB = 1 << 20
CHANGING = {
    libvirt.virConnect: ("storagePoolDefineXML",),
    libvirt.virStoragePool: (
        "createXML",
        "createXMLFrom",
        "create",
        "build",
        "setAutostart",
        "destroy",
        "delete",
        "undefine",
    ),
    libvirt.virStorageVol: ("delete", "upload", "resize"),
    libvirt.virStream: ("send", "finish"),
}


class Killed(BaseException):
    """What a killed process sees: it tidies nothing, so what would tidy is kept from working."""


@contextmanager
def killed_at(call: int, *, after: bool) -> Iterator[list[str]]:
    """Let `call` changing calls through and kill at the next, before or after it was made; gives what was called."""
    made: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Attempt, "undo", lambda _self: "")
        patch.setattr(cloudinit_disk, "_undo", lambda _site, _volume: None)
        for kind, names in CHANGING.items():
            for name in names:
                patch.setattr(kind, name, _counting(getattr(kind, name), made, call, after))
        yield made


def _counting(real: Any, made: list[str], call: int, after: bool) -> Any:
    def wrapped(*arguments: Any, **options: Any) -> Any:
        if len(made) > call:
            raise Killed
        made.append(real.__name__)
        if len(made) > call and not after:
            raise Killed
        result = real(*arguments, **options)
        if len(made) > call:
            raise Killed
        return result

    return wrapped


def every_kill(run: Any) -> Iterator[tuple[int, bool]]:
    """Kill `run` at each of its calls in turn, until it gets through; yields after each kill."""
    for call in range(100):
        for after in (False, True):
            with killed_at(call, after=after) as made:
                try:
                    run()
                except Killed:
                    pass
                else:
                    return
            yield len(made), after
    raise AssertionError("it never got through")


HOLDER = re.compile(r"\.[0-9a-f]{6}\.quietcore\Z")


def contents(pool: Any) -> dict[str, bytes]:
    """What each volume holds; of markers by the name without a holder, which is another each time."""
    pool.refresh(0)
    names = {each.name(): Path(each.path()) for each in pool.listAllVolumes()}
    return {HOLDER.sub(".quietcore", name): path.read_bytes() for name, path in names.items()}


def cases(pool: Any, tmp_path: Path) -> dict[str, tuple[Handler, dict[str, Any]]]:
    image = tmp_path / "image.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", image, "3M"], check=True)
    raw = tmp_path / "image.raw"
    raw.write_bytes(os.urandom(600_000))
    base = f"<volume><name>theirs</name><capacity>{3 * MIB}</capacity><target><format type='qcow2'/></target></volume>"
    theirs = pool.createXML(base, 0).key()
    given = {"pool": pool.name(), "name": "thing"}
    volume = VolumeHandler()
    return {
        "empty": (volume, given | {"size": MIB}),
        "overlay": (volume, given | {"baseVolumeId": theirs}),
        "copy": (volume, given | {"baseVolumeId": theirs, "format": "raw"}),
        "image": (volume, given | {"source": str(image), "size": 4 * MIB}),
        "raw": (volume, given | {"source": str(raw)}),
        "seed": (CloudInitDiskHandler(), given | {"userData": "#cloud-config\n"}),
    }


@pytest.mark.parametrize("case", ["empty", "overlay", "copy", "image", "raw", "seed"])
def test_a_create_killed_at_any_call_is_recovered_by_the_next(desk, pool, tmp_path, case):
    handler, inputs = cases(pool, tmp_path)[case]
    others = contents(pool)
    clean = desk.create(handler, inputs)
    whole = contents(pool)
    handler.delete(clean, desk.context())
    kills = []
    for kill in every_kill(lambda: desk.create(handler, inputs)):
        kills.append(kill)
        recovered = desk.create(handler, inputs)
        assert (recovered.id, recovered.inputs) == (clean.id, clean.inputs)
        assert contents(pool).keys() == whole.keys()
        if case != "copy":
            assert contents(pool) == whole
        handler.delete(recovered, desk.context())
        assert contents(pool) == others
    assert len(kills) >= 6


@pytest.mark.parametrize("case", ["overlay", "raw", "seed"])
def test_a_delete_killed_at_any_call_is_finished_by_the_next(desk, pool, tmp_path, case):
    handler, inputs = cases(pool, tmp_path)[case]
    others = contents(pool)
    clean = desk.create(handler, inputs)
    for _ in every_kill(lambda: handler.delete(clean, desk.context())):
        handler.delete(clean, desk.context())
        assert contents(pool) == others
        assert desk.create(handler, inputs).id == clean.id
    handler.delete(clean, desk.context())
    assert contents(pool) == others


def test_a_seed_whose_rewriting_was_killed_is_seen_and_healed(desk, pool, tmp_path):
    handler, inputs = cases(pool, tmp_path)["seed"]
    first = desk.create(handler, inputs)
    new = inputs | {"userData": "#cloud-config\nhostname: b\n"}
    for _ in every_kill(lambda: handler.update(first, new, desk.context())):
        seen = desk.read(handler, first)
        healed = handler.update(seen, new, desk.context()) if handler.diff(seen, new) else seen
        assert handler.diff(desk.read(handler, healed), new) == []
        handler.update(healed, inputs, desk.context())


def test_a_pool_killed_at_any_call_is_recovered_by_the_next(desk, daemon):
    where = daemon.directory("every-step")
    handler = PoolHandler()
    inputs = {"name": "every-step", "type": "dir", "target": {"path": str(where / "pool")}}
    for _, _ in every_kill(lambda: desk.create(handler, inputs)):
        state = desk.create(handler, inputs)
        assert state.outputs["active"]
        handler.delete(state, desk.context())
        assert "every-step" not in [each.name() for each in desk.connection.listAllStoragePools()]
    clean = desk.create(handler, inputs)
    for _, _ in every_kill(lambda: handler.delete(clean, desk.context())):
        handler.delete(clean, desk.context())
        assert "every-step" not in [each.name() for each in desk.connection.listAllStoragePools()]
        assert desk.create(handler, inputs).id == clean.id


class Dribbling(http.server.BaseHTTPRequestHandler):
    """Serves 300 kB whose first kilobyte comes alone."""

    data = bytes(range(1, 251)) * 1200

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.data)))
        self.end_headers()
        for part in (self.data[:1000], self.data[1000:]):
            self.wfile.write(part)
            self.wfile.flush()
            threading.Event().wait(0.02)

    def log_message(self, *_args: object) -> None:
        """Silent."""


def test_a_killed_upload_from_a_server_that_sends_small_pieces_is_recovered(desk, pool):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Dribbling)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    source = f"http://127.0.0.1:{server.server_port}/image"
    handler, inputs = VolumeHandler(), {"name": "slow", "pool": pool.name(), "source": source, "format": "raw"}
    for _ in every_kill(lambda: desk.create(handler, inputs)):
        state = desk.create(handler, inputs)
        assert contents(pool)["slow"] == Dribbling.data
        handler.delete(state, desk.context())
    handler.delete(desk.create(handler, inputs), desk.context())
    server.shutdown()
    assert contents(pool) == {}
