"""How a storage failure is told: host, object, what was being done, libvirt's own words, and the next step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import libvirt

from ..handler import Context, HandlerError, Unreachable

_LOST = (libvirt.VIR_ERR_RPC, libvirt.VIR_ERR_NO_CONNECT, libvirt.VIR_ERR_INVALID_CONN)


def fault(ctx: Context, subject: str, problem: str, hint: str = "") -> HandlerError:
    """An error about one object on one host."""
    return HandlerError(f"{ctx.host} ({ctx.uri}): {subject}: {problem}", hint=hint)


def words(error: libvirt.libvirtError) -> str:
    """Libvirt's message, in one line."""
    return " ".join((error.get_error_message() or str(error)).split())


def lost(error: libvirt.libvirtError) -> bool:
    """Whether the connection is gone, as opposed to the host refusing."""
    code, domain = error.get_error_code(), error.get_error_domain()
    return code in _LOST or (
        domain == libvirt.VIR_FROM_RPC and code in (libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_ERR_INTERNAL_ERROR)
    )


@contextmanager
def told(ctx: Context, subject: str, doing: str, hint: str = "") -> Iterator[None]:
    """Turn libvirt's exceptions into errors that name host, object and step; a lost connection into `Unreachable`."""
    try:
        yield
    except libvirt.libvirtError as error:
        if lost(error):
            problem = f"{doing}: the connection broke: {words(error)}"
            raise Unreachable(
                f"{ctx.host} ({ctx.uri}): {subject}: {problem}", hint=f"virsh -c '{ctx.uri}' list"
            ) from error
        raise fault(ctx, subject, f"{doing}: {words(error)}", hint) from error
