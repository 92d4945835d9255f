"""Finding pools, volumes, and the domains that use them, on one host."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import libvirt

from quietcore.plugins.handler import Context, Unreachable
from quietcore.render.stylesheet import parse_xml

from .storage_fault import fault, told
from .storage_xml import PoolFacts, VolumeFacts, facts_of, lift_pool

T = TypeVar("T")

BUSY_SECONDS: Final = 120.0
"""For how long a pool may be too busy to be looked at: uploads and copies of others hold it."""
_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class User:
    """A running domain that has a file open: directly as `target`, or under an overlay (`target` is empty)."""

    domain: libvirt.virDomain
    target: str

    @property
    def name(self) -> str:
        """The domain's name."""
        return str(self.domain.name())


def running_pool(ctx: Context, name: str) -> tuple[libvirt.virStoragePool, PoolFacts]:
    """The pool and what it is. Raises HandlerError when there is none or it is stopped."""
    subject = f"pool {name!r}"
    pool = pool_named(ctx, name)
    if pool is None:
        hint = "declare a libvirt.Pool and give its name, or see what there is: virsh -c '{}' pool-list --all"
        raise fault(ctx, subject, "there is no such pool", hint.format(ctx.uri))
    with told(ctx, subject, "looking at it"):
        if not pool.isActive():
            raise fault(ctx, subject, "it is stopped", f"virsh -c '{ctx.uri}' pool-start {name}")
        return pool, lift_pool(pool.XMLDesc(0))


def pool_named(ctx: Context, name: str) -> libvirt.virStoragePool | None:
    """The pool of that name, or None."""
    with told(ctx, f"pool {name!r}", "looking it up"):
        return found(ctx.connect().storagePoolLookupByName, name)


def volume_named(ctx: Context, pool: libvirt.virStoragePool, name: str) -> libvirt.virStorageVol | None:
    """The volume of that name in the pool, or None."""
    with told(ctx, f"volume {name!r}", "looking it up"):
        return found(pool.storageVolLookupByName, name)


def found(lookup: Callable[[str], T], key: str) -> T | None:
    """Call a libvirt lookup; None when there is no such object. Raises libvirtError for anything else."""
    try:
        return lookup(key)
    except libvirt.libvirtError as error:
        if error.get_error_code() in (libvirt.VIR_ERR_NO_STORAGE_VOL, libvirt.VIR_ERR_NO_STORAGE_POOL):
            return None
        raise


def observe_volume(
    ctx: Context, key: str, pool_name: str, name: str
) -> tuple[libvirt.virStorageVol, libvirt.virStoragePool, VolumeFacts] | None:
    """The volume with its pool and facts, by key or else by pool and name; None when it is gone.

    Raises Unreachable when its pool is stopped: then nothing can be said of the volume.
    """
    subject = f"volume {name or key!r}"
    with told(ctx, subject, "reading it"):
        connection = ctx.connect()
        volume = found(connection.storageVolLookupByKey, key) if key else None
        if volume is not None and (facts := facts_or_none(volume)) is not None:
            return volume, volume.storagePoolLookupByVolume(), facts
    pool = pool_named(ctx, pool_name) if pool_name else None
    if pool is None or not name:
        return None
    with told(ctx, subject, "reading it"):
        if not pool.isActive():
            hint = f"virsh -c '{ctx.uri}' pool-start {pool_name}"
            raise Unreachable(f"{subject} on {ctx.host}: its pool {pool_name!r} is stopped", hint=hint)
    # libvirt lists what it saw last: a file put there or removed by hand shows after a refresh only.
    refresh(ctx, pool)
    with told(ctx, subject, "reading it"):
        volume = found(pool.storageVolLookupByName, name)
        facts = facts_or_none(volume) if volume is not None else None
        return (volume, pool, facts) if volume is not None and facts is not None else None


def refresh(ctx: Context, pool: libvirt.virStoragePool) -> None:
    """Let libvirt look at the pool anew, waiting while others' work keeps it from doing so."""
    give_up = time.monotonic() + min(ctx.timeout or BUSY_SECONDS, BUSY_SECONDS)
    with told(ctx, f"pool {pool.name()!r}", "refreshing it"):
        while True:
            try:
                pool.refresh(0)
                return
            except libvirt.libvirtError as error:
                if "asynchronous jobs running" not in str(error) or time.monotonic() > give_up:
                    raise
            ctx.checkpoint(f"pool {pool.name()!r}: waiting until it is free")
            ctx.cancelled.wait(_POLL_SECONDS)


def user_of(ctx: Context, path: str) -> User | None:
    """The running domain that has the file at `path` open, if any."""
    with told(ctx, f"volume {path!r}", "looking for domains that use it"):
        for domain in ctx.connect().listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
            try:
                xml = domain.XMLDesc(0)
            except libvirt.libvirtError as error:
                if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                    continue
                raise
            target = _target_in(xml, path)
            if target is not None:
                return User(domain, target)
    return None


def _target_in(xml: str, path: str) -> str | None:
    if path not in xml:
        return None
    for disk in parse_xml(xml).iterfind("devices/disk"):
        for source in disk.iter("source"):
            if path in (source.get("file"), source.get("dev")):
                direct = source.getparent() is disk
                target = disk.find("target")
                return (target.get("dev") or "") if direct and target is not None else ""
    return None


def facts_or_none(volume: libvirt.virStorageVol) -> VolumeFacts | None:
    """What the host says of a volume; None when it went meanwhile. Raises libvirtError."""
    try:
        return facts_of(volume)
    except libvirt.libvirtError as error:
        # libvirt still lists a file that is gone.
        if error.get_error_code() in (libvirt.VIR_ERR_NO_STORAGE_VOL, libvirt.VIR_ERR_NO_STORAGE_POOL):
            return None
        if error.get_error_code() == libvirt.VIR_ERR_SYSTEM_ERROR and error.get_int1() == errno.ENOENT:
            return None
        raise
