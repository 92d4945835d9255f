"""What an interrupted run left under a volume's name: adopted, made anew, or somebody else's."""

from __future__ import annotations

import libvirt

from quietcore.plugins.handler import Context, Props, Severity

from .claim import Standing
from .content import SourceError, head_of
from .qcow2 import HEAD_BYTES, ImageError, image_facts
from .source import Source
from .storage_fault import fault, told
from .storage_lookup import volume_named
from .storage_xml import VolumeFacts, facts_of
from .stream import download
from .volume_diff import wanted_sha256
from .volume_make import Made
from .volume_site import TOKEN, Site, foreign, grow, refreshed, refuse_if_below, refuse_if_open, wants_copy

_SECTOR = 512


def left_over(site: Site, inputs: Props, base: libvirt.virStorageVol | None, ctx: Context) -> Made | None:
    """Adopt what is finished and as wanted; take away what is ours and is not; None when the name is free then.

    Raises HandlerError, with the import command, for a volume that is not provably of this resource.
    """
    with told(ctx, site.subject, "looking for what is there"):
        standing = site.claim.standing()
    volume = volume_named(ctx, site.pool, inputs["name"])
    if volume is None:
        with told(ctx, site.subject, "removing a marker that has no volume"):
            site.claim.clear()
        return None
    facts = refreshed(volume, site.subject, ctx)
    if not standing.ours:
        raise foreign(TOKEN, site, facts, ctx)
    if standing.finished and _fits(site, facts, standing, inputs, base, ctx):
        return _adopt(site, volume, facts, standing, inputs, ctx)
    if not standing.finished:
        _refuse_unless_begun_by_us(site, volume, facts, inputs, base, ctx)
    refuse_if_open(site.subject, facts, ctx)
    refuse_if_below(site, facts, ctx)
    state = "with other content" if standing.finished else "unfinished"
    ctx.log(Severity.INFO, f"{site.subject} on {ctx.host}: an interrupted run left it {state}; it is made anew")
    with told(ctx, site.subject, "removing what an interrupted run left"):
        volume.delete(0)
        site.claim.clear()
    return None


def _adopt(
    site: Site, volume: libvirt.virStorageVol, facts: VolumeFacts, standing: Standing, inputs: Props, ctx: Context
) -> Made:
    size = inputs.get("size")
    if size and facts.capacity < size:
        grow(volume, facts, size, site.subject, ctx)
        facts = refreshed(volume, site.subject, ctx)
    with told(ctx, site.subject, "adopting it"):
        holder = site.claim.take_up(standing.sha256)
    ctx.log(Severity.INFO, f"{site.subject} on {ctx.host}: adopted, an earlier run had finished it")
    return Made(facts, standing.sha256, holder=holder)


def _fits(
    site: Site, facts: VolumeFacts, standing: Standing, inputs: Props, base: libvirt.virStorageVol | None, ctx: Context
) -> bool:
    """Whether a finished volume is what the inputs ask for now."""
    wants = wanted_sha256(inputs.get("source"))
    if bool(standing.sha256) != ("source" in inputs) or (wants and wants != standing.sha256):
        return False
    if inputs.get("format") == "qcow2" and facts.format != "qcow2":
        return False
    if inputs.get("format") == "raw" and facts.format == "qcow2":
        return False
    if _backing(site, inputs, base, ctx) != facts.backing:
        return False
    size = inputs.get("size")
    return not size or facts.capacity <= size or site.facts.blocks


def _backing(site: Site, inputs: Props, base: libvirt.virStorageVol | None, ctx: Context) -> str:
    if base is None or wants_copy(site, inputs):
        return ""
    with told(ctx, site.subject, "reading its base volume"):
        return facts_of(base).path


def _refuse_unless_begun_by_us(
    site: Site,
    volume: libvirt.virStorageVol,
    facts: VolumeFacts,
    inputs: Props,
    base: libvirt.virStorageVol | None,
    ctx: Context,
) -> None:
    """An unfinished volume is about to be removed: its name is claimed, and it must also look like what we began."""
    if site.facts.blocks or _looks_begun(site, volume, facts, inputs, base, ctx):
        return
    hint = f"if it is of no use: virsh -c '{ctx.uri}' vol-delete '{facts.path}', then pulumi up"
    problem = f"{facts.path} is there, an interrupted run had claimed the name, but this is not what it would have made"
    raise fault(ctx, site.subject, problem, hint)


def _looks_begun(
    site: Site,
    volume: libvirt.virStorageVol,
    facts: VolumeFacts,
    inputs: Props,
    base: libvirt.virStorageVol | None,
    ctx: Context,
) -> bool:
    if "source" in inputs:
        return _has_begun_upload(site, volume, facts, inputs, ctx)
    if base is not None:
        below = refreshed(base, site.subject, ctx)
        return _backing(site, inputs, base, ctx) == facts.backing and facts.capacity <= max(
            below.capacity, inputs.get("size") or 0
        )
    return not facts.backing and bool(facts.capacity == inputs["size"])


def _has_begun_upload(
    site: Site, volume: libvirt.virStorageVol, facts: VolumeFacts, inputs: Props, ctx: Context
) -> bool:
    """The size of what we upload, and a head that is that of the source as far as it was written."""
    try:
        with Source.parse(inputs["source"]).open() as content:
            length = content.length
            head = b"".join(head_of(content.blocks(), min(HEAD_BYTES, length)))[:HEAD_BYTES]
            image = image_facts(head, inputs.get("format"))
    except (SourceError, ImageError) as error:
        raise fault(ctx, site.subject, f"an interrupted upload cannot be done again: {error}") from error
    if facts.capacity not in (length, image.virtual_size):
        return False
    with told(ctx, site.subject, "reading its first bytes"):
        there = download(volume, min(HEAD_BYTES, length))
    # What is not written yet reads as zeros, within a sector too: a piece may end anywhere.
    sectors = range(0, len(there), _SECTOR)
    return all(head[at : at + _SECTOR].startswith(there[at : at + _SECTOR].rstrip(b"\0")) for at in sectors)
