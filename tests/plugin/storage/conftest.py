"""A libvirtd of one's own: a session daemon in a folder of its own, without root and away from the machine's."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from quietcore.plugins.connection import Connections
from quietcore.plugins.handler import Context, Handler, Mark, Props, Severity, State

libvirt = pytest.importorskip("libvirt")
NOBODY = 65534


@dataclass
class Daemon:
    """A running session libvirtd; `restart` kills it the hard way first."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None
    connections: Connections = field(default_factory=Connections)

    @property
    def socket(self) -> Path:
        return self.folder / "run" / "libvirt" / "libvirt-sock"

    @property
    def uri(self) -> str:
        return f"qemu+unix:///session?socket={self.socket}"

    def start(self) -> None:
        for name in ("run", "config", "cache", "data"):
            (self.folder / name).mkdir(exist_ok=True, mode=0o700)
            os.chown(self.folder / name, *self.identity)
        places = {f"XDG_{key}": str(self.folder / name) for key, name in _PLACES.items()}
        user: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
        self.process = subprocess.Popen(
            ["libvirtd", "-p", str(self.folder / "run" / "pid")],
            env={"PATH": f"{os.environ['PATH']}:/usr/sbin", "HOME": str(self.folder), **places},
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "log").open("ab"),
            **user,
        )
        for _ in range(600):
            if self.socket.exists() and self._answers():
                return
            threading.Event().wait(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def _answers(self) -> bool:
        try:
            libvirt.open(self.uri).close()
        except libvirt.libvirtError:
            return False
        return True

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.socket.unlink(missing_ok=True)

    def restart(self) -> None:
        self.kill()
        self.start()

    @property
    def identity(self) -> tuple[int, int]:
        return (NOBODY, NOBODY) if os.getuid() == 0 else (os.getuid(), os.getgid())

    def directory(self, name: str) -> Path:
        """A folder that the daemon may write in."""
        path = self.folder / name
        path.mkdir()
        os.chown(path, *self.identity)
        return path


_PLACES = {"RUNTIME_DIR": "run", "CONFIG_HOME": "config", "CACHE_HOME": "cache", "DATA_HOME": "data"}


@pytest.fixture(scope="session")
def daemon() -> Iterator[Daemon]:
    path = f"{os.environ['PATH']}:/usr/sbin"
    missing = [name for name in ("libvirtd", "qemu-img", "qemu-io") if shutil.which(name, path=path) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    # Socket paths are limited to 108 bytes, so not pytest's own folder.
    folder = Path(tempfile.mkdtemp(prefix="qc-storage-"))
    folder.chmod(0o755)
    running = Daemon(folder)
    running.start()
    yield running
    running.kill()
    shutil.rmtree(folder)


class Desk:
    """Runs a handler the way the engine does: check, then create, read, update or delete."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.lines: list[tuple[Severity, str]] = []
        self.progress: list[str] = []
        self.cancelled = threading.Event()

    def context(self, name: str = "thing") -> Context:
        urn = f"urn:pulumi:lab::plant::some:index:Type::{name}"
        return Context(
            urn=urn,
            mark=Mark.of(urn),
            uri=self.daemon.uri,
            connect=lambda: self.daemon.connections.get(self.daemon.uri),
            log=lambda severity, text: self.lines.append((severity, text)),
            status=self.progress.append,
            cancelled=self.cancelled,
        )

    def check(self, handler: Handler, inputs: Props, name: str = "thing", old: Props | None = None) -> Props:
        made, failures = handler.check(inputs, old, self.context(name).mark)
        assert not failures, failures
        return made

    def create(self, handler: Handler, inputs: Props, name: str = "thing") -> State:
        return handler.create(self.check(handler, inputs, name), self.context(name))

    def read(self, handler: Handler, state: State, name: str = "thing") -> State | None:
        return handler.read(state, self.context(name))

    @property
    def connection(self) -> Any:
        return self.daemon.connections.get(self.daemon.uri)


@pytest.fixture
def desk(daemon: Daemon) -> Desk:
    return Desk(daemon)


@pytest.fixture
def pool(daemon: Daemon, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A running directory pool that belongs to nobody's stack."""
    name = f"p{abs(hash(request.node.nodeid)) % 10**9}"
    path = daemon.directory(name)
    connection = daemon.connections.get(daemon.uri)
    xml = f"<pool type='dir'><name>{name}</name><target><path>{path}</path></target></pool>"
    made = connection.storagePoolDefineXML(xml, 0)
    made.create(0)
    yield made
    shutil.rmtree(path, ignore_errors=True)
    found = daemon.connections.get(daemon.uri).storagePoolLookupByName(name)
    if found.isActive():
        found.destroy()
    found.undefine()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUIETCORE_CACHE", str(tmp_path / "cache"))
