"""Connections to libvirt: one per URI and process, made when first needed, made anew when libvirtd was restarted."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from quietcore.plugins.handler import Context, HandlerError, Unreachable, host_of

if TYPE_CHECKING:
    import libvirt

CONNECT_SECONDS: Final = 20.0
"""How long a host may take to answer; libvirt itself sets no limit (ssh and TCP wait for minutes)."""

RETRY_SECONDS: Final = 20.0
"""For how long a host that did not answer counts as unreachable without asking again."""

KEEPALIVE: Final = (5, 3)
"""Seconds between probes and how many may go unanswered: a host that hangs is noticed within 15 s."""


@dataclass(slots=True)
class _Line:
    lock: threading.Lock = field(default_factory=threading.Lock)
    connection: libvirt.virConnect | None = None
    refusal: Unreachable | None = None
    refused_at: float = 0.0
    name: str = ""


class Connections:
    """The connections of one process. Thread-safe; threads that want the same host wait for one attempt."""

    def __init__(self, timeout: float = CONNECT_SECONDS) -> None:
        self._timeout = timeout
        self._lines: dict[str, _Line] = {}
        self._lock = threading.Lock()

    def host(self, uri: str) -> str:
        """Name the host behind a URI: by the URI, or by what the host called itself where the URI names none."""
        line = self._lines.get(uri)
        return line.name if line is not None and line.name else host_of(uri)

    def get(self, uri: str) -> libvirt.virConnect:
        """Give a live connection.

        Raises:
            Unreachable: the host, the URI and libvirt's own reason.
        """
        with self._lock:
            line = self._lines.setdefault(uri, _Line())
        with line.lock:
            if line.connection is not None and _alive(line.connection):
                return line.connection
            if line.refusal is not None and time.monotonic() - line.refused_at < RETRY_SECONDS:
                raise line.refusal
            try:
                line.connection, line.refusal = _open(uri, self._timeout), None
                line.name = line.name or _name(uri, line.connection)
            except Unreachable as refusal:
                line.connection, line.refusal, line.refused_at = None, refusal, time.monotonic()
                raise
            return line.connection


def explain(error: libvirt.libvirtError, ctx: Context, doing: str, hint: str = "") -> HandlerError:
    """Turn libvirt's error into ours: the host, what was being done, libvirt's message."""
    text = f"{doing} on {ctx.host} ({ctx.uri}): {error.get_error_message() or error}"
    return Unreachable(text) if _is_lost(error) else HandlerError(text, hint=hint)


def _is_lost(error: libvirt.libvirtError) -> bool:
    import libvirt

    message = error.get_error_message() or ""
    return error.get_error_code() in (libvirt.VIR_ERR_NO_CONNECT, libvirt.VIR_ERR_INVALID_CONN) or any(
        sign in message for sign in ("client socket is closed", "End of file while reading", "keepalive timeout")
    )


def _alive(connection: libvirt.virConnect) -> bool:
    import libvirt

    try:
        return bool(connection.isAlive())
    except libvirt.libvirtError:
        return False


def _open(uri: str, timeout: float) -> libvirt.virConnect:
    """Open within the time limit: the attempt runs in a thread of its own, which is left behind when it hangs."""
    _prepare()
    result: list[Any] = []
    done = threading.Event()

    def attempt() -> None:
        import libvirt

        try:
            result.append(libvirt.open(_without_prompts(uri)))
        except libvirt.libvirtError as error:
            result.append(error)
        done.set()

    threading.Thread(target=attempt, name=f"connect {uri}", daemon=True).start()
    where = f"{host_of(uri)} ({uri})"
    if not done.wait(timeout):
        raise Unreachable(f"{where} did not answer within {timeout:g} s", hint=f"virsh -c '{uri}' version")
    connection = result[0]
    if isinstance(connection, Exception):
        reason = getattr(connection, "get_error_message", lambda: "")() or str(connection)
        raise Unreachable(f"{where} cannot be reached: {' '.join(reason.split())}", hint=f"virsh -c '{uri}' version")
    _keep_alive(connection)
    return connection


def _keep_alive(connection: libvirt.virConnect) -> None:
    import libvirt

    try:
        connection.setKeepAlive(*KEEPALIVE)
    except libvirt.libvirtError:
        return  # the test driver and old servers have none; a dead socket is still noticed


def _name(uri: str, connection: libvirt.virConnect) -> str:
    """Ask the host's own name where the URI is local: a socket's path tells a person little."""
    import libvirt

    if urlsplit(uri).hostname:
        return host_of(uri)
    try:
        return str(connection.getHostname())
    except libvirt.libvirtError:
        return host_of(uri)


def _without_prompts(uri: str) -> str:
    """Keep ssh from asking on the user's terminal: nobody is there to answer a plugin."""
    scheme = uri.partition("://")[0]
    if "ssh" not in scheme or "no_tty=" in uri:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}no_tty=1"


_prepared = threading.Lock()
_running: list[threading.Thread] = []


def _prepare() -> None:
    """Start libvirt's event loop once (keepalive and lost sockets need it) and silence its own printing."""
    import libvirt

    with _prepared:
        if _running:
            return
        libvirt.registerErrorHandler(lambda _context, _error: None, None)
        libvirt.virEventRegisterDefaultImpl()
        loop = threading.Thread(target=_events, name="libvirt events", daemon=True)
        _running.append(loop)
        loop.start()


def _events() -> None:
    import libvirt

    # A timer keeps the loop turning when no socket is open: without one it would wait for ever on its first turn.
    libvirt.virEventAddTimeout(1000, lambda _timer, _opaque: None, None)
    while True:
        libvirt.virEventRunDefaultImpl()
