"""Making one volume: claimed, filled, checked, finished; or undone as if nothing had been."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import libvirt

from quietcore.errors import QuietcoreError
from quietcore.plugins.handler import Context, HandlerError, Props
from quietcore.units import Size

from .checksum import Digester, remember_file_sha256
from .content import Content, SourceError, head_of
from .qcow2 import HEAD_BYTES, ImageError, ImageFacts, image_facts
from .source import Source
from .storage_fault import fault, told
from .storage_lookup import refresh
from .storage_xml import VolumeFacts, facts_of, volume_xml, xslt_of
from .stream import upload
from .volume_attempt import Attempt, undone
from .volume_check import format_fault
from .volume_site import Site, refreshed, wants_copy

SETTLE_SECONDS: Final = 120.0
"""How long libvirt may take to see what was written to a volume."""


@dataclass(frozen=True, slots=True)
class Made:
    """A finished volume; `sha256` and `etag` are empty where nothing was put in."""

    facts: VolumeFacts
    sha256: str = ""
    etag: str = ""
    holder: str = ""
    """Who has it, as its marker says; empty for the run that made it."""


def make(site: Site, inputs: Props, base: libvirt.virStorageVol | None, ctx: Context) -> Made:
    """Make the volume that the inputs say. On any failure, and on cancel, nothing of it is left."""
    ctx.checkpoint(site.subject)
    if isinstance(inputs.get("source"), str):
        return _from_source(site, inputs, ctx)
    with undone(site, inputs["name"], ctx) as attempt:
        if base is None:
            form = inputs.get("format") or ("raw" if site.facts.blocks else "qcow2")
            volume = _create(site, attempt, inputs, inputs["size"], form, ctx)
        else:
            volume = _on_base(site, attempt, inputs, base, ctx)
        return _finish(site, volume, ctx)


def _on_base(
    site: Site, attempt: Attempt, inputs: Props, base: libvirt.virStorageVol, ctx: Context
) -> libvirt.virStorageVol:
    with told(ctx, site.subject, "reading its base volume"):
        below = facts_of(base)
    size = inputs.get("size") or below.capacity
    if size < below.capacity:
        problem = f"size {size} is below that of its base volume {below.path}, {below.capacity} bytes"
        raise fault(ctx, site.subject, problem, f"give at least {below.capacity}, or leave size out")
    if not wants_copy(site, inputs):
        return _create(site, attempt, inputs, size, "qcow2", ctx, below)
    ctx.status(f"copying {below.name} to {inputs['name']}")
    xml = _xml(site, inputs, size, "raw")
    with told(ctx, site.subject, f"copying {below.path}"):
        return attempt.create(xml, base)


def _from_source(site: Site, inputs: Props, ctx: Context) -> Made:
    source = Source.parse(inputs["source"])
    try:
        with source.open() as content:
            return _fill(site, inputs, source, content, ctx)
    except SourceError as error:
        raise fault(ctx, site.subject, str(error), error.hint) from error


def _fill(site: Site, inputs: Props, source: Source, content: Content, ctx: Context) -> Made:
    blocks = content.blocks()
    head = head_of(blocks, min(HEAD_BYTES, content.length))
    image = _judge(site, inputs, content, b"".join(head), ctx)
    digester = Digester(source.expected)
    with undone(site, inputs["name"], ctx) as attempt:
        volume = _create(site, attempt, inputs, max(content.length, _block_size(site, inputs)), "raw", ctx)
        with told(ctx, site.subject, f"uploading {content.name}"):
            upload(
                volume,
                _digested(head, blocks, digester),
                content.length,
                sparse=not site.facts.blocks,
                progress=_progress(inputs["name"], ctx),
                stop=_stop(ctx),
            )
        wrong = digester.mismatch()
        if wrong:
            hint = "get the image anew, or correct the checksum in source"
            raise fault(ctx, site.subject, f"{content.name} is not what the program expects: {wrong}", hint)
        if content.facts is not None:
            _refuse_if_changed(site, source, content.facts, ctx)
            remember_file_sha256(source.path, content.facts, digester.sha256)
        volume = _seen(site, inputs["name"], image, ctx)
        # Finished before it is grown: growing changes the header, and an adopting run grows what is too small.
        _finish(site, volume, ctx, digester.sha256)
        _grow(site, volume, inputs.get("size"), ctx)
        return Made(refreshed(volume, site.subject, ctx), digester.sha256, content.etag)


def _refuse_if_changed(site: Site, source: Source, before: os.stat_result, ctx: Context) -> None:
    try:
        after = source.path.stat()
    except OSError:
        return  # removed meanwhile: what was read is whole
    if (after.st_ino, after.st_size, after.st_mtime_ns) != (before.st_ino, before.st_size, before.st_mtime_ns):
        raise fault(ctx, site.subject, f"{source.path} changed while it was uploaded", "pulumi up, once it is written")


def _stop(ctx: Context) -> Callable[[], bool]:
    """Whether to give up: the user asked, or the time is over that the program allows (customTimeouts)."""
    end = time.monotonic() + ctx.timeout if ctx.timeout else None
    return lambda: ctx.cancelled.is_set() or (end is not None and time.monotonic() > end)


def _judge(site: Site, inputs: Props, content: Content, head: bytes, ctx: Context) -> ImageFacts:
    try:
        image = image_facts(head, inputs.get("format"))
    except ImageError as error:
        raise fault(ctx, site.subject, f"{content.name}: {error}") from error
    if content.length == 0:
        raise fault(ctx, site.subject, f"{content.name} is empty")
    wrong = format_fault(inputs.get("format"), image)
    if wrong:
        raise fault(ctx, site.subject, f"format {wrong}")
    if site.facts.blocks and image.format != "raw":
        hint = "convert it first: qemu-img convert -O raw"
        raise fault(ctx, site.subject, f"a {site.facts.type} pool holds raw volumes, the image is {image.format}", hint)
    smallest = image.virtual_size or content.length
    if inputs.get("size") and inputs["size"] < smallest:
        raise fault(ctx, site.subject, f"size {inputs['size']} is below that of the image, {smallest} bytes")
    return image


def _block_size(site: Site, inputs: Props) -> int:
    """A logical volume cannot grow later: it is made as large as it will be."""
    return int(inputs.get("size") or 0) if site.facts.blocks else 0


def _digested(head: list[bytes], rest: Iterator[bytes], digester: Digester) -> Iterator[bytes]:
    for blocks in (iter(head), rest):
        for block in blocks:
            digester.feed(block)
            yield block


def _create(
    site: Site,
    attempt: Attempt,
    inputs: Props,
    size: int,
    form: str,
    ctx: Context,
    backing: VolumeFacts | None = None,
) -> libvirt.virStorageVol:
    if site.facts.blocks and form != "raw":
        problem = f"a {site.facts.type} pool holds raw volumes, the program says {form}"
        raise fault(ctx, site.subject, problem, "leave format out")
    xml = _xml(site, inputs, size, form, backing)
    with told(ctx, site.subject, "making it", f"is there room? virsh -c '{ctx.uri}' pool-info {site.facts.name}"):
        return attempt.create(xml)


def _xml(site: Site, inputs: Props, size: int, form: str, backing: VolumeFacts | None = None) -> str:
    try:
        return volume_xml(inputs["name"], size, form, blocks=site.facts.blocks, backing=backing, xslt=xslt_of(inputs))
    except QuietcoreError as error:
        raise HandlerError(f"{site.subject}: {error}") from error


def _seen(site: Site, name: str, image: ImageFacts, ctx: Context) -> libvirt.virStorageVol:
    """The volume once libvirt has seen what is in it: the format and size in its header."""
    give_up = time.monotonic() + SETTLE_SECONDS
    while True:
        with told(ctx, site.subject, "reading it"):
            volume = site.pool.storageVolLookupByName(name)
            facts = facts_of(volume)
        if site.facts.blocks or image.format == "raw" or facts.format == image.format:
            return volume
        if time.monotonic() > give_up:
            raise fault(ctx, site.subject, f"the host takes it for {facts.format}, the image is {image.format}")
        refresh(ctx, site.pool)


def _grow(site: Site, volume: libvirt.virStorageVol, size: Any, ctx: Context) -> None:
    with told(ctx, site.subject, f"growing it to {size} bytes"):
        if size and facts_of(volume).capacity < size:
            volume.resize(size, 0)


def _finish(site: Site, volume: libvirt.virStorageVol, ctx: Context, sha256: str = "") -> Made:
    facts = refreshed(volume, site.subject, ctx)
    with told(ctx, site.subject, "finishing it"):
        site.claim.finish(sha256)
    return Made(facts, sha256)


def _progress(name: str, ctx: Context) -> Callable[[int, int], None]:
    began = time.monotonic()

    def tell(done: int, length: int) -> None:
        took = time.monotonic() - began
        part = f"{done * 100 // length} % of {Size(length >> 20 << 20)}"
        ctx.status(f"uploading {name} to {ctx.host}: {part}, {took:.0f} s")

    return tell
