"""Whose a volume is, and whether it is finished: told by the name of a small volume beside it.

A volume can carry no metadata. So beside a volume `disk.qcow2` of ours stands an empty one whose name holds the proof:

    .disk.qcow2.MARK.making.quietcore     before the volume is made: the name is taken, the content is not there yet
    .disk.qcow2.MARK.CONTENT.quietcore    after its last byte: the volume is ours and finished
    .disk.qcow2.MARK.CONTENT.HOLDER.quietcore    once a later run has taken the finished volume up

MARK is the UUID (version 5) of project, stack, resource name, type and volume name; CONTENT the SHA-256 of what was put
in, or `made` when nothing was. Both are base64 without padding. HOLDER is drawn anew each time: where two hosts see the
same storage and a resource moves from one to the other, the old one no longer holds what it is then told to remove.

Every step is one call of libvirt that happens or does not, so whatever moment a crash takes, what is found says how far
it had come.
"""

from __future__ import annotations

import base64
import secrets
import uuid
from dataclasses import dataclass
from typing import Final

import libvirt

from quietcore.plugins.handler import Mark
from quietcore.plugins.ownership import derived_uuid

from .storage_lookup import facts_or_none, found
from .storage_xml import volume_xml

SUFFIX: Final = ".quietcore"
_MAKING: Final = "making"
_MADE: Final = "made"
_BLOCK_MARKER_BYTES: Final = 1024 * 1024
"""A logical volume cannot be empty: it takes one extent."""


def is_claim(name: str) -> bool:
    """Whether a volume is such a marker, of whomever."""
    return name.startswith(".") and name.endswith(SUFFIX)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the markers beside a volume say: begun, finished, and the sha256 of its content where one was put in."""

    making: bool = False
    finished: bool = False
    sha256: str = ""

    @property
    def ours(self) -> bool:
        """Whether this resource made, or began to make, the volume."""
        return self.making or self.finished


class Claim:
    """The markers of one volume in one pool, for one resource. All methods raise libvirtError."""

    def __init__(self, pool: libvirt.virStoragePool, volume: str, mark: Mark, token: str, *, blocks: bool) -> None:
        self._pool = pool
        self._blocks = blocks
        digest = (
            base64.urlsafe_b64encode(uuid.UUID(derived_uuid(f"{token}/{volume}", mark)).bytes).rstrip(b"=").decode()
        )
        self._stem = f".{volume}.{digest}."

    def standing(self) -> Standing:
        """Look at the markers. One call."""
        ends = self._ends()
        finished = [end.partition(".")[0] for end in ends if end != _MAKING]
        return Standing(
            making=_MAKING in ends,
            finished=bool(finished),
            sha256=next((_hex(content) for content in finished if content != _MADE), ""),
        )

    def holds(self, holder: str) -> bool:
        """Whether the volume is that of this holder, "" for the run that made it.

        Asks the storage itself: libvirt lists what it saw last, and another host may have taken the volume up since.
        """
        return any(end == _MAKING or (end.partition(".")[2] == holder and self._there(end)) for end in self._ends())

    def begin(self) -> None:
        """Say that the volume is being made: what will stand under its name is ours and not finished."""
        if _MAKING not in self._ends():
            self._put(_MAKING)

    def finish(self, sha256: str = "") -> None:
        """Say that the volume is finished, with the digest of its content."""
        end = _content(sha256)
        if end not in self._ends():
            self._put(end)
        self._drop(_MAKING)

    def take_up(self, sha256: str = "") -> str:
        """Say that this run has the finished volume from now on; give the name under which it holds it."""
        holder = secrets.token_hex(3)
        end = f"{_content(sha256)}.{holder}"
        self._put(end)
        for other in self._ends():
            if other != end:
                self._drop(other)
        return holder

    def clear(self) -> None:
        """Take the markers away: the volume is gone."""
        for end in self._ends():
            self._drop(end)

    def _ends(self) -> list[str]:
        # listVolumes asks twice, for the count and for the names: what others make in between pushes names out.
        names = [volume.name() for volume in self._pool.listAllVolumes()]
        return [
            name[len(self._stem) : -len(SUFFIX)]
            for name in names
            if name.startswith(self._stem) and name.endswith(SUFFIX)
        ]

    def _put(self, end: str) -> None:
        size = _BLOCK_MARKER_BYTES if self._blocks else 0
        self._pool.createXML(volume_xml(self._stem + end + SUFFIX, size, "raw", blocks=self._blocks), 0)

    def _there(self, end: str) -> bool:
        marker = found(self._pool.storageVolLookupByName, self._stem + end + SUFFIX)
        return marker is not None and facts_or_none(marker) is not None

    def _drop(self, end: str) -> None:
        try:
            self._pool.storageVolLookupByName(self._stem + end + SUFFIX).delete(0)
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_STORAGE_VOL:
                raise


def _content(sha256: str) -> str:
    if not sha256:
        return _MADE
    return base64.urlsafe_b64encode(bytes.fromhex(sha256)).rstrip(b"=").decode()


def _hex(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex()
    except ValueError:
        return ""
