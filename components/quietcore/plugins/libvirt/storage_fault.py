"""How a storage failure is told: the object, what was being done, the host, libvirt's own words, and the next step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import libvirt

from quietcore.plugins.connection import explain
from quietcore.plugins.handler import Context, HandlerError


def fault(ctx: Context, subject: str, problem: str, hint: str = "") -> HandlerError:
    """An error about one object on one host."""
    return HandlerError(f"{subject} on {ctx.host} ({ctx.uri}): {problem}", hint=hint)


@contextmanager
def told(ctx: Context, subject: str, doing: str, hint: str = "") -> Iterator[None]:
    """Turn libvirt's exceptions into errors that name object, step and host; a lost connection into `Unreachable`."""
    try:
        yield
    except libvirt.libvirtError as error:
        raise explain(error, ctx, f"{subject}: {doing}", hint) from error
