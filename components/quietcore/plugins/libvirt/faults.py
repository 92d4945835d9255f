"""Errors of domains and networks: whose object it is, what libvirt said, what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import libvirt

from quietcore.plugins.connection import explain
from quietcore.plugins.handler import Context, HandlerError, Mark, State

KEY: Final = "__quietcore"
TYPES: Final = {"domain": "libvirt:index/domain:Domain", "network": "libvirt:index/network:Network"}


@contextmanager
def faults(doing: str, ctx: Context) -> Iterator[None]:
    """Name what was being done and the host in what libvirt says."""
    try:
        yield
    except libvirt.libvirtError as error:
        raise explain(error, ctx, doing, hint_for(str(error))) from None


def refuse_foreign(kind: str, name: str, uuid: str, mark: Mark | None, ctx: Context, state: State) -> None:
    """Stop before touching what another program owns. No mark at all is ours: its UUID is in our state."""
    if mark is not None and mark not in {ctx.mark, _marked(state)}:
        raise foreign(kind, name, uuid, mark, ctx)


def foreign(kind: str, name: str, uuid: str, mark: Mark | None, ctx: Context) -> HandlerError:
    """Say that the object is another's, and how to take it over."""
    whose = f"it belongs to {mark}" if mark is not None else "it was not made by this program"
    return HandlerError(
        f"{ctx.host} ({ctx.uri}) has a {kind} {name} already ({uuid}): {whose}",
        hint=f"take it over with `pulumi import {TYPES[kind]} {ctx.mark.name} {uuid}`, or give this one another name",
    )


def mark_text(mark: Mark) -> str:
    """Write a mark for the state: it must be known after the resource itself was renamed."""
    return "\x1f".join((mark.project, mark.stack, mark.name))


def _marked(state: State) -> Mark | None:
    told: Any = (state.outputs.get(KEY) or {}).get("mark")
    return Mark(*told.split("\x1f")) if isinstance(told, str) and told.count("\x1f") == 2 else None


def hint_for(message: str) -> str:
    """What to do about a message of libvirt's; empty where nothing is known."""
    if "could not get preferred machine" in message and "kvm" in message:
        return "this host has no KVM for that: check /dev/kvm there, or say type='qemu' for emulation"
    if "Cannot get interface MTU" in message or "Network not found" in message:
        return "the network that an interface names is not there or not active: virsh net-list --all"
    if "cannot acquire state change lock" in message:
        return (
            "libvirt there is busy with this domain. If it stays so, libvirtd was killed while it started it: on the "
            "host, stop libvirtd, remove the domain's files from /run/libvirt/qemu, start libvirtd, then pulumi up"
        )
    return ""
