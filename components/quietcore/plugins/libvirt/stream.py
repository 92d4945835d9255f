"""Content to and from a volume over libvirt's own stream: bounded memory, progress, holes kept, stoppable."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

import libvirt

from .content import BLOCK_BYTES

Progress = Callable[[int, int], None]
"""Told the bytes done and the bytes in all."""
_TELL_SECONDS: Final = 1.0
_SEND_BYTES: Final = 256 * 1024
_ZEROES: Final = bytes(BLOCK_BYTES)


class Stopped(Exception):
    """The transfer was given up between two blocks because `stop` said so."""


def upload(
    volume: libvirt.virStorageVol,
    blocks: Iterable[bytes],
    length: int,
    *,
    sparse: bool,
    progress: Progress,
    stop: Callable[[], bool],
) -> None:
    """Write `length` bytes from the start of the volume; zeroes become holes where `sparse` and libvirt allow.

    Raises libvirtError, Stopped, and whatever `blocks` raises; the stream is aborted then, and the volume holds a part.
    """
    stream = volume.connect().newStream(0)
    holes = _begin(volume, stream, length, sparse)
    try:
        _send(stream, blocks, length, holes, progress, stop)
    except BaseException:
        _abort(stream)
        raise
    stream.finish()


def download(volume: libvirt.virStorageVol, length: int) -> bytes:
    """Read the first `length` bytes, or all where the volume is shorter. For small contents: it is held in memory."""
    stream = volume.connect().newStream(0)
    volume.download(stream, 0, length, 0)
    parts: list[bytes] = []
    try:
        while part := stream.recv(_SEND_BYTES):
            parts.append(part)
    except BaseException:
        _abort(stream)
        raise
    stream.finish()
    return b"".join(parts)


def _begin(volume: libvirt.virStorageVol, stream: libvirt.virStream, length: int, sparse: bool) -> bool:
    if sparse:
        try:
            volume.upload(stream, 0, length, libvirt.VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM)
        except libvirt.libvirtError as error:
            if error.get_error_code() not in (
                libvirt.VIR_ERR_NO_SUPPORT,
                libvirt.VIR_ERR_INVALID_ARG,
                libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED,
            ):
                raise
        else:
            return True
    volume.upload(stream, 0, length, 0)
    return False


def _send(
    stream: libvirt.virStream,
    blocks: Iterable[bytes],
    length: int,
    holes: bool,
    progress: Progress,
    stop: Callable[[], bool],
) -> None:
    done = hole = 0
    told = time.monotonic()
    for block in blocks:
        if stop():
            raise Stopped
        if holes and block == _ZEROES[: len(block)]:
            hole += len(block)
        else:
            if hole:
                stream.sendHole(hole)
                hole = 0
            _send_all(stream, block)
        done += len(block)
        if time.monotonic() - told >= _TELL_SECONDS:
            told = time.monotonic()
            progress(done, length)
    if hole:
        stream.sendHole(hole)


def _send_all(stream: libvirt.virStream, block: bytes) -> None:
    while block:
        sent = stream.send(block[:_SEND_BYTES])
        block = block[sent:]


def _abort(stream: libvirt.virStream) -> None:
    # The first error is the one to tell; an abort over a broken connection fails too.
    try:
        stream.abort()
    except libvirt.libvirtError:
        return
