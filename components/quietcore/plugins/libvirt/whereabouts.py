"""Whether two URIs lead to the same libvirtd: another way to it changes nothing, another host everything."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from quietcore.plugins.handler import Unreachable, host_of
from quietcore.plugins.provider import Move

if TYPE_CHECKING:
    import libvirt

Connect = Callable[[str], "libvirt.virConnect"]


def move_between(old: str, new: str, connect: Connect) -> Move:
    """Compare by the URIs where they tell, else by what both hosts say of themselves."""
    if old == new:
        return Move()
    before, after = _address(old), _address(new)
    if before == after and before[1]:
        return Move()
    try:
        elsewhere = before[0] != after[0] or _differ(old, new, connect)
    except Unreachable as refusal:
        return Move(
            warning=f"cannot tell whether {new} is another host than {old}: {refusal.message}. If it is, what "
            f"was made on {host_of(old)} stays there, and the next preview makes it anew on {host_of(new)}"
        )
    if not elsewhere:
        return Move()
    return Move(
        elsewhere=True,
        warning=f"{new} is another host than {old}: what moves is made there first and then removed from "
        f"{host_of(old)}; disks are made anew, their content does not come along",
    )


def _address(uri: str) -> tuple[tuple[str, str], tuple[Any, ...]]:
    """Give driver and path, then the host as far as the URI names one."""
    parts = urlsplit(uri)
    socket = parse_qs(parts.query).get("socket")
    return (parts.scheme.partition("+")[0], parts.path), (parts.hostname, parts.port, socket) if parts.hostname else ()


def _differ(old: str, new: str, connect: Connect) -> bool:
    with ThreadPoolExecutor(2) as pool:
        before, after = pool.map(lambda uri: _identity(connect(uri)), (old, new))
    return before != after


def _identity(connection: libvirt.virConnect) -> tuple[str, str]:
    """The UUID alone does not do: machines of one make may share theirs."""
    from quietcore.render.stylesheet import parse_xml

    return str(parse_xml(connection.getCapabilities()).findtext("host/uuid")), connection.getHostname()
