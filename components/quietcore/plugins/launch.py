"""Serve a plugin on a free port, say which, and end when told to or when the engine is gone."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Final

import grpc

from quietcore.garbage import look_less_often
from quietcore.plugins.protocol import provider_pb2_grpc
from quietcore.plugins.provider import Provider
from quietcore.plugins.server import Servicer
from quietcore.plugins.voice import Voice

THREADS: Final = 48
"""Calls served at once; they mostly wait for hosts. The engine's default parallelism is 4 per CPU."""

MESSAGE_BYTES: Final = 400 * 1024 * 1024
"""Largest message, as the engine allows (sdk/go/common/util/rpcutil)."""

LOOK_SECONDS: Final = 2.0
"""How often to look whether the engine lives still. A signal that comes between the look at signals and the wait does
not end the wait, and the death of an engine of many threads sends several, close together."""


def launch(provider: Provider, arguments: list[str], lifeline: socket.socket | None = None) -> None:
    """Serve until the engine is gone or a signal comes; then finish or undo what runs, and return.

    `lifeline` is a connection to the process that the engine started, where that is another one: closed, it is gone.
    """
    engine = next((argument for argument in arguments if not argument.startswith("-")), "")
    end = threading.Event()
    look_less_often()
    servicer = Servicer(provider, Voice(engine))
    parent = os.getppid()
    _on_signals(end)
    if lifeline is None:
        _die_with_parent(end, parent)
    else:
        _die_with(lifeline, end)
    options = [("grpc.max_receive_message_length", MESSAGE_BYTES), ("grpc.max_send_message_length", MESSAGE_BYTES)]
    server = grpc.server(ThreadPoolExecutor(THREADS, thread_name_prefix="call"), options=options)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while not end.wait(LOOK_SECONDS) and os.getppid() == parent:
        pass
    servicer.cancel()
    servicer.wait_idle()
    server.stop(grace=2).wait()


def _on_signals(end: threading.Event) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        end.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def _die_with(lifeline: socket.socket, end: threading.Event) -> None:
    def wait() -> None:
        with contextlib.suppress(OSError):
            lifeline.recv(1)
        end.set()

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


def _die_with_parent(end: threading.Event, parent: int) -> None:
    """End when the engine dies, however it dies: the kernel says so by a signal (prctl(2), PR_SET_PDEATHSIG).

    It says so too when only the engine's *thread* that started us ends; so the signal is one of its own, and counts
    only when the parent is another one.
    """
    import ctypes

    def orphaned(_number: int, _frame: FrameType | None) -> None:
        if os.getppid() != parent:
            end.set()

    signal.signal(signal.SIGUSR1, orphaned)
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGUSR1, 0, 0, 0)
    orphaned(signal.SIGUSR1, None)  # it may have died before we asked
