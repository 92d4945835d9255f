"""The plugin processes of one engine: forks of one server, each bound to the process that the engine started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty

from quietcore.plugins.protocol import provider_pb2_grpc

MODULE = "quietcore.plugins.libvirt"


class Plugin:
    """A plugin process as the engine starts it; this test is the engine."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-u", "-m", MODULE]
        self.process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.port = int(self.process.stdout.readline())

    def version(self) -> str:
        """What it answers when asked for its version."""
        with grpc.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            return provider_pb2_grpc.ResourceProviderStub(channel).GetPluginInfo(Empty(), timeout=10).version

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; gives the exit code."""
        self.process.send_signal(number)
        return self.process.wait(20)


@pytest.fixture
def plugin(tmp_path) -> Iterator[Callable[[], Plugin]]:
    started: list[Plugin] = []

    def start() -> Plugin:
        started.append(Plugin(tmp_path))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.end(signal.SIGKILL)
    until(lambda: not forks())


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    """Each test starts its plugins in a folder of its own, by which their forks are known."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def forks() -> dict[int, int]:
    """Processes of the plugin that this test did not start itself, with their parents: the server and its forks."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            here = (folder / "cwd").readlink() == Path.cwd()
        except OSError:
            continue
        if here and int(parent) != os.getpid() and state not in "ZX" and MODULE.encode() in words:
            found[int(folder.name)] = int(parent)
    return found


def served() -> list[int]:
    """The forks that serve."""
    found = forks()
    return [pid for pid, parent in found.items() if parent in found]


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, forks()
        time.sleep(0.01)


def test_the_plugins_of_one_engine_are_forks_of_one_server(plugin):
    first, second, third = plugin(), plugin(), plugin()
    assert {first.version(), second.version(), third.version()} == {"0.5.4"}
    assert len({first.port, second.port, third.port}) == 3
    assert len(served()) == 3
    assert len(forks()) == 4


def test_a_fork_runs_in_the_folder_of_the_process_that_it_serves_for(plugin, tmp_path):
    plugin()
    assert [Path(f"/proc/{pid}/cwd").readlink() for pid in served()] == [tmp_path]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_plugin_with_its_fork_and_the_last_one_with_the_server(plugin, number):
    first, second = plugin(), plugin()
    assert first.end(number) == 0
    until(lambda: len(served()) == 1)
    assert second.version() == "0.5.4"
    assert second.end(number) == 0
    until(lambda: not forks())


def test_a_plugin_that_is_killed_takes_its_fork_with_it_and_no_other(plugin):
    first, second = plugin(), plugin()
    first.end(signal.SIGKILL)
    until(lambda: len(served()) == 1)
    assert second.version() == "0.5.4"


def test_the_engine_sees_that_a_fork_was_killed(plugin):
    one = plugin()
    os.kill(served()[0], signal.SIGKILL)
    assert one.process.wait(20) == 1


def test_a_plugin_that_comes_after_the_server_was_killed_gets_a_new_one(plugin):
    plugin()
    server = set(forks().values()) & set(forks())
    os.kill(server.pop(), signal.SIGKILL)
    assert plugin().version() == "0.5.4"


def test_a_plugin_serves_by_itself_where_there_are_no_pidfds(tmp_path):
    alone = (
        "import os, runpy, sys; del os.pidfd_open; "
        f"sys.argv = ['plugin']; runpy.run_module({MODULE!r}, run_name='__main__')"
    )
    process = subprocess.Popen([sys.executable, "-c", alone], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    port = int(process.stdout.readline())
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        assert provider_pb2_grpc.ResourceProviderStub(channel).GetPluginInfo(Empty(), timeout=10).version == "0.5.4"
    assert not forks()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_gets_no_fork(plugin, tmp_path):
    plugin()
    code = (
        "import os, socket, sys\n"
        "address = next(line.split()[-1] for line in open('/proc/net/unix') if sys.argv[1] in line)\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "peer = socket.socket(socket.AF_UNIX); peer.connect(chr(0) + address[1:])\n"
        "peer.settimeout(10); print(peer.recv(1))\n"
    )
    command = [sys.executable, "-c", code, f"@quietcore-libvirt-{os.getpid()}-"]
    stranger = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert stranger.stdout == "b''\n", stranger.stderr
    until(lambda: len(served()) == 1)
