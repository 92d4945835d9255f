"""Volumes: from a file, from a URL, on a base, or empty; made whole or not at all.

Whose a volume is and whether it is finished is told by a marker beside it (see `claim`).
"""

from __future__ import annotations

from typing import ClassVar

from quietcore.plugins.handler import UNKNOWN, Change, Context, Failure, Handler, Mark, Props, State

from .qcow2 import ImageError
from .storage_fault import fault
from .storage_lookup import observe_volume
from .storage_owner import IMPORTED, owner
from .storage_xml import VolumeFacts
from .volume_adopt import left_over
from .volume_check import FORMATS, check_volume, local_image
from .volume_diff import diff_volume, wanted_sha256
from .volume_make import make
from .volume_site import (
    TOKEN,
    address_of,
    base_of,
    grow,
    refreshed,
    remove,
    site_of,
    wants_copy,
    whose,
)


class VolumeHandler(Handler):
    """`libvirt:index/volume:Volume`. Its id is the volume's key, as the official plugin has it: the path."""

    token: ClassVar[str] = TOKEN

    def check(
        self,
        new: Props,
        old: Props | None,
        mark: Mark,
    ) -> tuple[Props, list[Failure]]:
        """See `volume_check`."""
        return check_volume(new, old, mark, self.token)

    def diff(self, old: State, new: Props) -> list[Change]:
        """See `volume_diff`. Reads a local source file when it changed since its digest was taken."""
        return diff_volume(old, new)

    def predict(self, new: Props, old: State | None) -> Props:
        """Format and size as far as the inputs or a local image tell them."""
        told: Props = {"format": UNKNOWN, "size": UNKNOWN}
        try:
            image = local_image(new)
        except ImageError:
            image = None
        if image is not None:
            told = {"format": image[0].format, "size": image[0].virtual_size or image[1]}
        return told | (old.outputs if old else {}) | new

    def create(self, inputs: Props, ctx: Context) -> State:
        """Make it, or adopt what an interrupted run of this resource left finished."""
        site = site_of(inputs["pool"], inputs["name"], ctx.mark, ctx)
        base = base_of(inputs, site, ctx)
        made = left_over(site, inputs, base, ctx) or make(site, inputs, base, ctx)
        extra: Props = {"owner": owner(ctx.mark)}
        if base is not None:
            key = "copiedFrom" if wants_copy(site, inputs) else "basePath"
            extra[key] = refreshed(base, site.subject, ctx).key
        if made.etag:
            extra["sourceEtag"] = made.etag
        if made.holder:
            extra["holder"] = made.holder
        return _state(inputs, made.facts, made.sha256, extra)

    def read(self, state: State, ctx: Context) -> State | None:
        """By key, else by pool and name; an import gives the key or POOL/NAME."""
        seen = observe_volume(ctx, *_address(state))
        if seen is None:
            return None
        _volume, pool, facts = seen
        inputs = _observed(state, facts, str(pool.name()))
        extra = {"owner": IMPORTED} | {key: state.outputs[key] for key in _KEPT if key in state.outputs}
        return _state(inputs, facts, state.outputs.get("contentSha256") or "", extra)

    def update(self, old: State, new: Props, ctx: Context) -> State:
        """Grow it, under a running domain through that domain; anything else is the state's alone."""
        seen = observe_volume(ctx, *_address(old))
        if seen is None:
            raise fault(ctx, f"volume {new['name']!r}", "it is gone", "pulumi refresh, then pulumi up")
        volume, pool, facts = seen
        site, ours = whose(old, pool, facts.name, ctx)
        if not ours:
            hint = f"pulumi state delete, then: pulumi import {TOKEN} {ctx.mark.name} {facts.key}"
            raise fault(ctx, site.subject, "it does not bear the mark of this resource any more", hint)
        size = new.get("size")
        if isinstance(size, int) and size > facts.capacity:
            grow(volume, facts, size, site.subject, ctx)
            facts = refreshed(volume, site.subject, ctx)
        sha256 = old.outputs.get("contentSha256") or wanted_sha256(new.get("source")) or ""
        return _state(new, facts, sha256, {key: old.outputs[key] for key in _KEPT if key in old.outputs})

    def delete(self, state: State, ctx: Context) -> None:
        """See `volume_site.remove`."""
        remove(state, _address(state), ctx)


_KEPT = ("owner", "holder", "basePath", "copiedFrom", "sourceEtag")
"""Outputs that only the call that made the volume knew."""


def _state(inputs: Props, facts: VolumeFacts, sha256: str, extra: Props) -> State:
    outputs = {**inputs, "format": facts.format, "size": facts.capacity, "kind": facts.kind, **extra}
    if sha256:
        outputs["contentSha256"] = sha256
    return State(id=facts.key, inputs=inputs, outputs=outputs)


def _address(state: State) -> tuple[str, str, str]:
    return address_of(state.id, state)


def _observed(state: State, facts: VolumeFacts, pool: str) -> Props:
    """The inputs as the host has them; on import (no inputs) those that a program would write."""
    place: Props = {"name": facts.name, "pool": pool}
    if not state.inputs:
        form = {"format": facts.format} if facts.format in FORMATS else {}
        base = {"baseVolumeId": facts.backing} if facts.backing else {}
        return place | {"size": facts.capacity} | form | base
    seen = {**state.inputs, **place}
    if "size" in seen and facts.capacity != state.outputs.get("size"):
        seen["size"] = facts.capacity
    if seen.get("format") in FORMATS and facts.format in FORMATS:
        seen["format"] = facts.format
    if "basePath" in state.outputs and state.outputs["basePath"] != facts.backing:
        for key in ("baseVolumeName", "baseVolumePool", "baseVolumeId"):
            seen.pop(key, None)
        seen |= {"baseVolumeId": facts.backing} if facts.backing else {}
    return seen
