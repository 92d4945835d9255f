"""The plugin processes of one engine share what they import.

The engine starts a process for each provider, so one for each host, and each would import the same modules anew. The
first one forks a server instead, which imports once; every process asks it for a fork that serves in its place, and
from then on only watches: it passes signals on, and neither outlives the other. The server ends with the last of its
forks. Wherever this fails, and on systems without pidfds (Linux 5.3) or abstract sockets, a process serves by itself.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import struct
import sys
import time
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from quietcore.plugins.provider import Provider

READY: Final = b"r"
"""What a fork says when it has taken over."""
DONE: Final = b"d"
"""What a fork says when it has ended as it should."""
HEADER: Final = struct.Struct("!Q")
"""Length of a request in bytes; the three standard streams travel with it."""
IDLE_SECONDS: Final = 10
"""How long a server without forks waits for the first, and for a request to be complete."""
FAR_AWAY: Final = OSError, ValueError, AttributeError
"""What a system without the means for all this raises."""


def serve(name: str, provider: Callable[[], Provider], arguments: list[str]) -> NoReturn:
    """Serve the plugin `name` until the engine is done with it: through the server of this engine, else alone."""
    outcome = _through_server(name, provider, arguments)
    if outcome is None:
        from quietcore.plugins.launch import launch

        launch(provider(), arguments)
        outcome = 0
    # Threads of libvirt and of attempts to connect may hang in calls that never return; nothing of ours is left to do.
    sys.stdout.flush()
    os._exit(outcome)


def _through_server(name: str, provider: Callable[[], Provider], arguments: list[str]) -> int | None:
    """Have a fork serve, and give its exit code; None where there is none."""
    try:
        engine = os.pidfd_open(os.getppid())
        connection = _connection(_address(name, os.getppid()), provider)
        if connection is None or not _handed_over(connection, arguments):
            return None
    except FAR_AWAY:
        return None
    return _watch(connection, engine)


def _address(name: str, engine: int) -> str:
    """Name the socket of an engine's server: by the engine and when it started, by user, interpreter and code."""
    with open(f"/proc/{engine}/stat", encoding="utf-8", errors="replace") as stat:  # noqa: PTH123  # pathlib costs 4 ms
        started = stat.read().rpartition(")")[2].split()[19]
    sort = zlib.crc32(f"{os.getuid()} {sys.executable} {sys.prefix} {__file__}".encode())
    return f"\0quietcore-{name}-{engine}-{started}-{sort:08x}"


def _connection(address: str, provider: Callable[[], Provider]) -> socket.socket | None:
    """Connect to the server, which the first to come starts. None where another user holds the address."""
    for _ in range(200):
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(address)
        except ConnectionRefusedError:
            connection.close()
        else:
            return connection if _same_user(connection) else None
        with socket.socket(socket.AF_UNIX) as listener:
            try:
                listener.bind(address)
            except OSError:
                time.sleep(0.001)  # another process was faster and will listen at once
                continue
            listener.listen(4096)
            _start(listener, provider)
    return None


def _same_user(connection: socket.socket) -> bool:
    """Tell whether the other end is of our own user: anybody may bind or connect to an abstract socket."""
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return bool(struct.unpack("3i", told)[1] == os.getuid())


# --- the process that the engine started ---


def _handed_over(connection: socket.socket, arguments: list[str]) -> bool:
    """Hand arguments, environment, folder and standard streams to a fork, and wait until it has them."""
    folder = os.getcwd()  # noqa: PTH109  # pathlib costs 4 ms
    request = json.dumps({"arguments": arguments, "environment": dict(os.environ), "folder": folder}).encode()
    socket.send_fds(connection, [HEADER.pack(len(request))], [0, 1, 2])
    connection.sendall(request)
    return connection.recv(1) == READY


def _watch(connection: socket.socket, engine: int) -> int:
    """Wait for the fork's end, which comes early when a signal comes or the engine dies; give the exit code."""

    def end(*_signal: object) -> None:
        try:
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            return  # it ended by itself

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    ready, _, _ = select.select([connection.fileno(), engine], [], [])
    if connection.fileno() not in ready:
        end()
    try:
        return 0 if connection.recv(1) == DONE else 1
    except OSError:
        return 1


# --- the server ---


def _start(listener: socket.socket, provider: Callable[[], Provider]) -> None:
    """Fork the server, as no child of this process: the engine kills a plugin with its children."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        if os.fork() == 0:
            os.setpgid(0, 0)
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nothing, stream)
            _serve_forks(listener, provider)
    finally:
        os._exit(0)


def _serve_forks(listener: socket.socket, provider: Callable[[], Provider]) -> None:
    import gc

    from quietcore.plugins.launch import launch

    made = provider()
    forks: dict[int, int] = {}
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    while ready := poll.poll(None if forks else IDLE_SECONDS * 1000):
        for fd, _event in ready:
            if fd != listener.fileno():
                poll.unregister(fd)
                os.close(fd)
                os.waitpid(forks.pop(fd), 0)
                continue
            connection, _ = listener.accept()
            if forks:
                made.import_handlers()  # a single fork imports them itself, beside the engine's work
                gc.freeze()
            pid = os.fork()
            if pid == 0:
                for other in (listener.detach(), *forks):
                    os.close(other)
                launch(made, _taken_over(connection), connection)
                connection.sendall(DONE)
                os._exit(0)
            connection.close()
            pidfd = os.pidfd_open(pid)
            forks[pidfd] = pid
            poll.register(pidfd, select.POLLIN)
        if not forks:
            return


def _taken_over(connection: socket.socket) -> list[str]:
    """Become the process that asks; gives its arguments."""
    connection.settimeout(IDLE_SECONDS)
    if not _same_user(connection):
        os._exit(1)
    header, streams, _flags, _from = socket.recv_fds(connection, HEADER.size, 3)
    (length,) = HEADER.unpack(header)
    with connection.makefile("rb") as incoming:
        request = json.loads(incoming.read(length))
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    os.setpgid(0, 0)
    connection.settimeout(None)
    connection.sendall(READY)
    arguments: list[str] = request["arguments"]
    return arguments
