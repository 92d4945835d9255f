"""Words to the user, through the engine: log lines on a resource and passing status."""

from __future__ import annotations

import threading
from typing import Any

from quietcore.plugins.handler import Severity
from quietcore.plugins.protocol import engine_pb2, engine_pb2_grpc

_LEVELS = {
    Severity.DEBUG: engine_pb2.DEBUG,
    Severity.INFO: engine_pb2.INFO,
    Severity.WARNING: engine_pb2.WARNING,
    Severity.ERROR: engine_pb2.ERROR,
}


class Voice:
    """Speaks to the engine. The same line on the same resource is said once: a refresh asks Diff again after Read."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._stub: Any = None
        self._said: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def at(self, engine: str) -> None:
        """Speak to this engine from now on: its address comes on the command line, or with the handshake."""
        self._engine = engine

    def log(self, urn: str, severity: Severity, text: str) -> None:
        """Say a line that stays, under the resource's row."""
        with self._lock:
            if (urn, text) in self._said:
                return
            self._said.add((urn, text))
        self._send(urn, _LEVELS[severity], text, ephemeral=False)

    def status(self, urn: str, text: str) -> None:
        """Say what is going on now; it is gone when the step ends."""
        self._send(urn, engine_pb2.INFO, text, ephemeral=True)

    def _send(self, urn: str, level: int, text: str, *, ephemeral: bool) -> None:
        import grpc

        if not self._engine:
            return
        if self._stub is None:
            self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(self._engine))
        request = engine_pb2.LogRequest(severity=level, urn=urn, message=text, ephemeral=ephemeral)
        try:
            self._stub.Log(request, timeout=10)
        except grpc.RpcError:
            return  # an engine that is going away no longer listens
