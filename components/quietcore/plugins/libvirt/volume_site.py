"""Where a volume stands: its pool, the claim on its name, the base it is to have; and who has it open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import libvirt

from quietcore.plugins.handler import Context, Mark, Props, Severity, State

from .claim import Claim, is_claim
from .storage_fault import fault, told
from .storage_lookup import facts_or_none, found, observe_volume, pool_named, running_pool, user_of
from .storage_owner import imported, mark_of
from .storage_xml import BLOCK_POOLS, FILE_POOLS, PoolFacts, VolumeFacts, facts_of, lift_pool

TOKEN: Final = "libvirt:index/volume:Volume"


@dataclass(frozen=True, slots=True)
class Site:
    """Where a volume is made: the pool, what it is, the claim on the name, and how to call it in an error."""

    pool: libvirt.virStoragePool
    facts: PoolFacts
    claim: Claim
    subject: str


def site_of(pool_name: str, name: str, mark: Mark, ctx: Context, token: str = TOKEN) -> Site:
    """Find the pool of a volume to be made. Raises HandlerError for one that is missing, stopped or of another type."""
    subject = f"volume {name!r} in pool {pool_name!r}"
    pool, facts = running_pool(ctx, pool_name)
    if facts.type not in (*FILE_POOLS, *BLOCK_POOLS):
        allowed = ", ".join((*FILE_POOLS, *BLOCK_POOLS))
        hint = "make the volume by hand and import it, or give the domain its path"
        raise fault(ctx, subject, f"pool type {facts.type!r} is not supported; allowed: {allowed}", hint)
    return Site(pool, facts, Claim(pool, name, mark, token, blocks=facts.blocks), subject)


def site_around(pool: libvirt.virStoragePool, name: str, mark: Mark, token: str = TOKEN) -> Site:
    """The site of a volume that is there. Raises libvirtError."""
    facts = lift_pool(pool.XMLDesc(0))
    subject = f"volume {name!r} in pool {facts.name!r}"
    return Site(pool, facts, Claim(pool, name, mark, token, blocks=facts.blocks), subject)


def address_of(key: str, state: State) -> tuple[str, str, str]:
    """Key, pool and name of a volume in the state; an import may give POOL/NAME instead of the key."""
    pool = state.inputs.get("pool") or state.outputs.get("pool") or ""
    name = state.inputs.get("name") or state.outputs.get("name") or ""
    if not key.startswith("/") and "/" in key:
        pool, _, name = key.partition("/")
    return key, str(pool), str(name)


def whose(state: State, pool: libvirt.virStoragePool, name: str, ctx: Context, token: str = TOKEN) -> tuple[Site, bool]:
    """The site of a volume that is there, and whether it is that of the state. Raises HandlerError."""
    with told(ctx, f"volume {name!r}", "looking whose it is"):
        site = site_around(pool, name, mark_of(state, ctx), token)
        return site, imported(state) or site.claim.holds(state.outputs.get("holder", ""))


def remove(state: State, address: tuple[str, str, str], ctx: Context, token: str = TOKEN) -> None:
    """Remove it and its marker; what is not of the state stays. Raises HandlerError while somebody needs it."""
    seen = observe_volume(ctx, *address)
    if seen is None:
        _clear_claim(state, address, ctx, token)
        return
    volume, pool, facts = seen
    site, ours = whose(state, pool, facts.name, ctx, token)
    if not ours:
        text = f"{site.subject} on {ctx.host} does not bear the mark of this resource any more: left alone"
        ctx.log(Severity.WARNING, text)
        return
    refuse_if_open(site.subject, facts, ctx)
    refuse_if_below(site, facts, ctx)
    with told(ctx, site.subject, "removing it"):
        volume.delete(0)
        site.claim.clear()


def _clear_claim(state: State, address: tuple[str, str, str], ctx: Context, token: str) -> None:
    """Take away the marker of a volume that is gone already."""
    _key, pool_name, name = address
    pool = pool_named(ctx, pool_name) if pool_name and name else None
    with told(ctx, f"volume {name!r}", "removing its marker"):
        if pool is not None and pool.isActive():
            site_around(pool, name, mark_of(state, ctx), token).claim.clear()


def base_of(inputs: Props, site: Site, ctx: Context) -> libvirt.virStorageVol | None:
    """The base volume that the inputs name, or None when they name none. Raises HandlerError when it is missing."""
    key, name = str(inputs.get("baseVolumeId") or ""), str(inputs.get("baseVolumeName") or "")
    if not key and not name:
        return None
    with told(ctx, site.subject, "looking up its base volume"):
        if key:
            connection = ctx.connect()
            base = found(connection.storageVolLookupByKey, key) or found(connection.storageVolLookupByPath, key)
        else:
            pool = pool_named(ctx, inputs.get("baseVolumePool") or inputs["pool"])
            base = found(pool.storageVolLookupByName, name) if pool is not None else None
    if base is None:
        where = f" in pool {inputs.get('baseVolumePool') or inputs['pool']!r}" if name else ""
        hint = f"virsh -c '{ctx.uri}' vol-list {inputs.get('baseVolumePool') or inputs['pool']}"
        raise fault(ctx, site.subject, f"its base volume {key or name!r}{where} is not there", hint)
    return base


def wants_copy(site: Site, inputs: Props) -> bool:
    """Whether a base is to be copied whole instead of laid under: raw volumes and block devices have no overlay."""
    return site.facts.blocks or inputs.get("format") == "raw"


def foreign(token: str, site: Site, facts: VolumeFacts, ctx: Context) -> Exception:
    """The error for a volume of somebody else under our name."""
    hint = f"take it over with: pulumi import {token} {ctx.mark.name} {facts.key}"
    return fault(ctx, site.subject, f"{facts.path} is there and is not of this resource", hint)


def refuse_if_open(subject: str, facts: VolumeFacts, ctx: Context) -> None:
    """Raises HandlerError while a running domain has the volume open, as a disk or under an overlay."""
    user = user_of(ctx, facts.path)
    if user is not None:
        hint = f"stop the domain first: virsh -c '{ctx.uri}' shutdown {user.name}"
        raise fault(ctx, subject, f"the running domain {user.name!r} has it open", hint)


def refuse_if_below(site: Site, facts: VolumeFacts, ctx: Context) -> None:
    """Raises HandlerError while another volume of the pool is an overlay on this one: it would lose its content."""
    with told(ctx, site.subject, "looking for overlays on it"):
        for other in site.pool.listAllVolumes():
            name = other.name()
            if name == facts.name or is_claim(name):
                continue
            above = facts_or_none(other)
            if above is not None and above.backing == facts.path:
                hint = f"if it is of no use: virsh -c '{ctx.uri}' vol-delete '{above.path}'"
                raise fault(ctx, site.subject, f"{above.path} is an overlay on it", hint)


def grow(volume: libvirt.virStorageVol, facts: VolumeFacts, size: int, subject: str, ctx: Context) -> None:
    """Make it `size` bytes large; through the domain that has it open, so that the guest sees it at once."""
    user = user_of(ctx, facts.path)
    with told(ctx, subject, f"growing it to {size} bytes"):
        if user is None:
            volume.resize(size, 0)
        elif user.target:
            user.domain.blockResize(user.target, size, libvirt.VIR_DOMAIN_BLOCK_RESIZE_BYTES)
        else:
            hint = f"stop the domain first: virsh -c '{ctx.uri}' shutdown {user.name}"
            raise fault(ctx, subject, f"the running domain {user.name!r} has it open under an overlay", hint)


def refreshed(volume: libvirt.virStorageVol, subject: str, ctx: Context) -> VolumeFacts:
    """What the host says of it now."""
    with told(ctx, subject, "reading it"):
        return facts_of(volume)
