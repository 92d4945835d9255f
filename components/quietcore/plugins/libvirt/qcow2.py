"""What the first bytes of a disk image say about it: format, virtual size, backing file.

Only the header is read, so this works on the head of a stream. Layout: QEMU's docs/interop/qcow2.txt.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

HEAD_BYTES: Final = 64 * 1024
"""How much of an image `image_facts` may look at: one default qcow2 cluster, which holds header and backing name."""

_MAGIC: Final = b"QFI\xfb"
_HEADER = struct.Struct(">4sIQIIQ")
_INCOMPATIBLE = struct.Struct(">Q")
_EXTERNAL_DATA: Final = 1 << 2

_NOT_IMAGES: Final = (
    (b"\xfd7zXZ\x00", "xz", "xz -d"),
    (b"\x1f\x8b", "gzip", "gunzip"),
    (b"\x28\xb5\x2f\xfd", "zstd", "zstd -d"),
    (b"BZh", "bzip2", "bunzip2"),
    (b"PK\x03\x04", "zip", "unzip"),
)
_OTHER_FORMATS: Final = (
    (b"KDMV", "vmdk"),
    (b"conectix", "vpc"),
    (b"vhdxfile", "vhdx"),
    (b"QED\x00", "qed"),
)


class ImageError(ValueError):
    """The bytes are no disk image that a volume can be made of; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What an image says of itself; `virtual_size` is in bytes and None for raw, where the length is the size."""

    format: str
    virtual_size: int | None = None


def image_facts(head: bytes, declared: object = None) -> ImageFacts:
    """Judge an image by its first `HEAD_BYTES` bytes. Raises `ImageError` for what must not become a volume.

    What the program declares as "raw" may be compressed: an initrd is.
    """
    for magic, name, command in _NOT_IMAGES:
        if head.startswith(magic) and declared != "raw":
            raise ImageError(f"it is {name}-compressed; unpack it first ({command})")
    for magic, name in _OTHER_FORMATS:
        if head.startswith(magic):
            raise ImageError(f"it is a {name} image; convert it first (qemu-img convert -O qcow2)")
    if not head.startswith(_MAGIC):
        return ImageFacts("raw")
    return _qcow2(head)


def _qcow2(head: bytes) -> ImageFacts:
    if len(head) < _HEADER.size + 8:
        raise ImageError("it begins like qcow2 but ends within the header")
    _magic, version, backing_offset, backing_length, _cluster_bits, size = _HEADER.unpack_from(head)
    if version not in (2, 3):
        raise ImageError(f"it is qcow2 version {version}; versions 2 and 3 are known")
    if backing_offset:
        backing = head[backing_offset : backing_offset + backing_length].decode("utf-8", "replace")
        raise ImageError(
            f"it is an overlay on {backing!r}, which the host may not have; flatten it (qemu-img convert -O qcow2)"
        )
    if version == 3 and len(head) >= 80 and _INCOMPATIBLE.unpack_from(head, 72)[0] & _EXTERNAL_DATA:
        raise ImageError("its data is in another file; make it one file first (qemu-img convert -O qcow2)")
    return ImageFacts("qcow2", size)
