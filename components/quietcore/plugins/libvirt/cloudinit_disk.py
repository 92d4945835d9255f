"""The seed disk of a guest: a small ISO volume with its cloud-init texts, rewritten in place when they change.

A changed text does not make a new disk: the domain keeps its CD-ROM and reads the new seed at its next boot, because
that is when cloud-init looks. The image keeps its size (see `seed_iso.ROUND_BYTES`), so that QEMU, which remembers the
size of what it opened, reads all of it.
"""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar, Final

import libvirt

from quietcore.plugins.handler import Cancelled, Change, Context, Effect, Failure, Handler, Mark, Props, Severity, State
from quietcore.plugins.ownership import derived_uuid

from .seed_check import check_texts
from .seed_iso import Seed, build, lift
from .storage_fault import fault, told
from .storage_lookup import observe_volume, user_of, volume_named
from .storage_name import foreign_inputs, not_text, settle_name
from .storage_owner import IMPORTED, owner
from .storage_xml import PRIVATE, VolumeFacts, facts_of, volume_xml
from .stream import Stopped, download, upload
from .volume_check import DEFAULT_POOL
from .volume_site import Site, address_of, foreign, refreshed, remove, site_of, whose

_INPUTS: Final = ("metaData", "name", "networkConfig", "pool", "userData")
_TEXTS: Final = ("userData", "metaData", "networkConfig")
_LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a volume that may be read back as a seed; a larger one is none of ours."""
_LABEL_AT: Final = slice(32768 + 40, 32768 + 40 + 6)


class CloudInitDiskHandler(Handler):
    """`libvirt:index/cloudInitDisk:CloudInitDisk`. Its id is `PATH;UUID`, as the official plugin has it."""

    token: ClassVar[str] = "libvirt:index/cloudInitDisk:CloudInitDisk"
    derived: ClassVar[frozenset[str]] = frozenset({"contentSha256"})

    def check(
        self,
        new: Props,
        old: Props | None,
        mark: Mark,
    ) -> tuple[Props, list[Failure]]:
        """Texts must be what cloud-init can read; see `seed_check`."""
        made = {key: value for key, value in new.items() if value is not None}
        made.setdefault("pool", DEFAULT_POOL)
        failures = [*foreign_inputs(made, _INPUTS, "CloudInitDisk"), *not_text(made, ("pool",))]
        failures += settle_name(made, old, mark, self.token, ".iso")
        return made, failures + check_texts(made)

    def diff(self, old: State, new: Props) -> list[Change]:
        """Another place is another disk; another text is read at the next boot."""
        places = [key for key in ("name", "pool") if old.inputs.get(key) != new.get(key)]
        if places:
            return [Change(key, Effect.REPLACE, f"{key} changed: the disk is made anew", False) for key in places]
        return [
            Change(key, Effect.NEXT_BOOT, f"{key} changed: the disk is rewritten, the guest reads it when it boots")
            for key in _TEXTS
            if (old.inputs.get(key) or "") != (new.get(key) or "")
        ]

    def predict(self, new: Props, old: State | None) -> Props:
        """All but the host's facts is in the inputs."""
        return (old.outputs if old else {}) | new

    def create(self, inputs: Props, ctx: Context) -> State:
        """Make it, or take over and rewrite what an interrupted run of this resource left."""
        site = site_of(inputs["pool"], inputs["name"], ctx.mark, ctx, self.token)
        data = build(_seed(inputs))
        with told(ctx, site.subject, "looking for what is there"):
            standing = site.claim.standing()
        volume = volume_named(ctx, site.pool, inputs["name"])
        if volume is None:
            volume = self._new(site, inputs["name"], len(data), ctx)
        else:
            facts = refreshed(volume, site.subject, ctx)
            if not standing.ours or not (standing.finished or _could_be_seed(volume, facts, site, ctx)):
                raise foreign(self.token, site, facts, ctx)
        try:
            state = self._write(site, volume, inputs, data, {"owner": owner(ctx.mark)}, ctx)
            with told(ctx, site.subject, "finishing it"):
                if standing.finished:
                    state.outputs["holder"] = site.claim.take_up()
                else:
                    site.claim.finish()
        except BaseException:
            if not standing.finished:
                _undo(site, volume)
            raise
        return state

    def read(self, state: State, ctx: Context) -> State | None:
        """Its texts too, when it changed on the host since we wrote it."""
        key, pool, name = _address(state)
        seen = observe_volume(ctx, key, pool, name)
        if seen is None:
            return None
        volume, where, facts = seen
        inputs = {**state.inputs, "name": facts.name, "pool": str(where.name())}
        outputs = {"owner": IMPORTED, **state.outputs}
        if not facts.changed or facts.changed != outputs.get("changed"):
            inputs, outputs = _content(volume, facts, inputs, outputs, ctx)
        return State(id=self._id(state, facts, ctx), inputs=inputs, outputs={**outputs, **_texts(inputs)})

    def update(self, old: State, new: Props, ctx: Context) -> State:
        """Rewrite it in place; a domain that has it attached goes on running."""
        seen = observe_volume(ctx, *_address(old))
        if seen is None:
            raise fault(ctx, f"volume {new['name']!r}", "it is gone", "pulumi refresh, then pulumi up")
        volume, pool, facts = seen
        site, ours = whose(old, pool, facts.name, ctx, self.token)
        if not ours:
            raise foreign(self.token, site, facts, ctx)
        kept = {"owner": IMPORTED} | {key: old.outputs[key] for key in ("owner", "holder") if key in old.outputs}
        state = self._write(site, volume, new, build(_seed(new)), kept, ctx)
        return State(id=old.id, inputs=state.inputs, outputs=state.outputs)

    def delete(self, state: State, ctx: Context) -> None:
        """See `volume_site.remove`."""
        remove(state, _address(state), ctx, self.token)

    def _new(self, site: Site, name: str, length: int, ctx: Context) -> libvirt.virStorageVol:
        ctx.checkpoint(site.subject)
        xml = volume_xml(name, length, "raw", blocks=site.facts.blocks, mode=PRIVATE)
        with told(ctx, site.subject, "making it"):
            site.claim.clear()
            site.claim.begin()
            try:
                return site.pool.createXML(xml, 0)
            except libvirt.libvirtError:
                site.claim.clear()
                raise

    def _write(self, site: Site, volume: Any, inputs: Props, data: bytes, kept: Props, ctx: Context) -> State:
        """Write the image over what is there."""
        facts = _rewrite(site, volume, data, ctx)
        outputs = {**kept, "contentSha256": _sha256(data), "changed": facts.changed, **_texts(inputs)}
        key = f"{facts.key};{derived_uuid(f'{self.token}/{facts.name}', ctx.mark)}"
        return State(id=key, inputs=inputs, outputs=outputs)

    def _id(self, state: State, facts: VolumeFacts, ctx: Context) -> str:
        if state.id.startswith(f"{facts.key};"):
            return state.id
        return f"{facts.key};{derived_uuid(f'{self.token}/{facts.name}', ctx.mark)}"


def _seed(inputs: Props) -> Seed:
    return Seed(*(inputs.get(key) or "" for key in _TEXTS))


def _texts(inputs: Props) -> Props:
    return {key: inputs[key] for key in (*_TEXTS, "name", "pool") if key in inputs}


def _sha256(data: bytes) -> str:
    """Digest of an image without the zeroes behind it: a disk may be larger than what was written."""
    return hashlib.sha256(data.rstrip(b"\0")).hexdigest()


def _address(state: State) -> tuple[str, str, str]:
    """The id is PATH;UUID; an import may give the path alone or POOL/NAME."""
    return address_of(state.id.partition(";")[0], state)


def _rewrite(site: Site, volume: libvirt.virStorageVol, data: bytes, ctx: Context) -> VolumeFacts:
    before = refreshed(volume, site.subject, ctx)
    if before.capacity < len(data):
        user = user_of(ctx, before.path)
        if user is not None:
            text = f"{site.subject} grew: domain {user.name!r} reads all of it after a full stop and start"
            ctx.log(Severity.WARNING, text)
        if site.facts.blocks:
            hint = f"name the disk anew, or make the volume larger by hand: lvextend {before.path}"
            raise fault(ctx, site.subject, f"the seed has {len(data)} bytes, the volume {before.capacity}", hint)
    whole = data.ljust(before.capacity if not site.facts.blocks else 0, b"\0")
    with told(ctx, site.subject, "writing the seed"):
        try:
            upload(volume, [whole], len(whole), sparse=False, progress=_silent, stop=ctx.cancelled.is_set)
        except Stopped:
            raise Cancelled(f"{site.subject}: stopped before the seed was written") from None
        return facts_of(volume)


def _silent(_done: int, _length: int) -> None:
    """A seed is written at once: there is no progress to tell."""


def _undo(site: Site, volume: libvirt.virStorageVol) -> None:
    # The failure that led here is the one to tell; what stays is unfinished by its marker, and made anew.
    try:
        volume.delete(0)
        site.claim.clear()
    except libvirt.libvirtError:
        return


def _could_be_seed(volume: libvirt.virStorageVol, facts: VolumeFacts, site: Site, ctx: Context) -> bool:
    """Whether an unfinished volume under a claimed name is empty or a seed: nothing else may be written over."""
    if facts.capacity > _LARGEST:
        return False
    with told(ctx, site.subject, "reading it"):
        data = download(volume, facts.capacity)
    return not any(data) or data[_LABEL_AT].lower() == b"cidata" or not any(data[: _LABEL_AT.stop])


def _content(
    volume: libvirt.virStorageVol, facts: VolumeFacts, inputs: Props, outputs: Props, ctx: Context
) -> tuple[Props, Props]:
    """Inputs with the texts that are on the host now."""
    data = b""
    if facts.capacity <= _LARGEST:
        with told(ctx, f"volume {facts.name!r}", "reading its content"):
            data = download(volume, facts.capacity)
    digest = _sha256(data)
    if digest == outputs.get("contentSha256"):
        return inputs, outputs
    there = lift(data)
    if there is None:
        return {**inputs, "userData": f"({facts.path} holds no seed image)"}, {**outputs, "contentSha256": digest}
    texts = dict(zip(_TEXTS, (there.user_data, there.meta_data, there.network_config), strict=True))
    changed = {key: text for key, text in texts.items() if text != (inputs.get(key) or "")}
    return {**inputs, **changed}, {**outputs, "contentSha256": digest, "changed": facts.changed}
