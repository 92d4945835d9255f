"""What a change of a Volume's inputs means: grown in place, made anew, or only written down."""

from __future__ import annotations

from typing import Any, Final

from quietcore.plugins.handler import UNKNOWN, Change, Effect, Props, State
from quietcore.units import Size

from .checksum import Checksum
from .source import Source
from .storage_owner import IMPORTED
from .storage_xml import same_stylesheet, xslt_of

ANEW: Final = "the volume is made anew and what was written to it is lost"


def diff_volume(old: State, new: Props) -> list[Change]:
    """The changes, in the order of the inputs' importance."""
    changes = [
        *_place(old, new),
        *_base(old, new),
        *_source(old, new),
        *_format(old, new),
        *_size(old, new),
        *_stylesheet(old, new),
    ]
    collides = all(old.inputs.get(key) == new.get(key) for key in ("name", "pool"))
    return [Change(each.path, each.effect, each.text, collides) for each in changes]


def wanted_sha256(source: Any) -> str | None:
    """Digest of what a source would give, where that can be told here."""
    if not isinstance(source, str):
        return None
    try:
        return Source.parse(source).sha256()
    except ValueError:
        return None


def _place(old: State, new: Props) -> list[Change]:
    return [
        _anew(key, f"{key} {told(old.inputs.get(key))} -> {told(new.get(key))}")
        for key in ("name", "pool")
        if old.inputs.get(key) != new.get(key)
    ]


def _base(old: State, new: Props) -> list[Change]:
    keys = ("baseVolumeId", "baseVolumeName", "baseVolumePool")
    changed = [key for key in keys if old.inputs.get(key) != new.get(key)]
    if not changed:
        return []
    # The same base by its id instead of its name, or the other way round, is no other base.
    resolved = old.outputs.get("basePath") or old.outputs.get("copiedFrom")
    if resolved and new.get("baseVolumeId") == resolved:
        return [Change(changed[0], Effect.LIVE, "the same base, named by its id: only the state changes")]
    before = old.inputs.get("baseVolumeId") or old.inputs.get("baseVolumeName")
    after = new.get("baseVolumeId") or new.get("baseVolumeName")
    return [_anew(changed[0], f"base volume {told(before)} -> {told(after)}")]


def _source(old: State, new: Props) -> list[Change]:
    before, after = old.inputs.get("source"), new.get("source")
    if after is None:
        return [_anew("source", f"source {told(before)} -> none")] if before is not None else []
    if after is UNKNOWN:
        return [_anew("source", "source is known after apply")]
    has, wants = old.outputs.get("contentSha256"), wanted_sha256(after)
    if has and wants and has != wants:
        return [_anew("source", f"content changed: sha256 {has[:12]} -> {wants[:12]}")]
    if before == after:
        return []
    if has and wants:
        return [Change("source", Effect.LIVE, "the same content from another place: only the state changes")]
    if before is None and old.outputs.get("owner") == IMPORTED:
        return [Change("source", Effect.LIVE, "an imported volume keeps its content: only the state changes")]
    if _location(before) == _location(after):
        return [_other_checksum(old, Source.parse(after).expected)]
    return [_anew("source", f"source {told(before)} -> {told(after)}")]


def _other_checksum(old: State, expected: Checksum | None) -> Change:
    """The same place, but another expectation of what is there."""
    if expected is None:
        return Change("source", Effect.LIVE, "the checksum is no longer stated: only the state changes")
    if not old.outputs.get("contentSha256"):
        return Change("source", Effect.LIVE, "content from before this plugin is not checked: only the state changes")
    return _anew("source", f"the expected checksum is now {expected}")


def _location(source: Any) -> str:
    return Source.parse(source).location if isinstance(source, str) else ""


def _format(old: State, new: Props) -> list[Change]:
    after = new.get("format")
    before = old.outputs.get("format") or old.inputs.get("format")
    if after is None or before is None or after == before:
        return []
    return [_anew("format", f"format {told(before)} -> {told(after)}")]


def _size(old: State, new: Props) -> list[Change]:
    after = new.get("size")
    before = old.inputs.get("size") or old.outputs.get("size")
    if after is None or before is None or after == before:
        return []
    if after is UNKNOWN:
        return [Change("size", Effect.LIVE, "size is known after apply")]
    step = f"size {_human(before)} -> {_human(after)}"
    if after < before:
        return [_anew("size", f"{step}: a volume cannot shrink")]
    if old.outputs.get("kind") == "block":
        return [_anew("size", f"{step}: libvirt cannot grow a logical volume")]
    return [Change("size", Effect.LIVE, f"{step}: grown in place")]


def _stylesheet(old: State, new: Props) -> list[Change]:
    if same_stylesheet(xslt_of(old.inputs), xslt_of(new)):
        return []
    return [_anew("xml.xslt", "the stylesheet changed")]


def _anew(path: str, why: str) -> Change:
    return Change(path, Effect.REPLACE, f"{why}: {ANEW}")


def told(value: object) -> str:
    """A value as a sentence has it."""
    if value is UNKNOWN:
        return "(known after apply)"
    return "none" if value is None else f"{value}"


def _human(size: int) -> str:
    return str(Size(size))
