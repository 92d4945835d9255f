"""A cpio archive in the kernel's "newc" form (initramfs buffer-format.rst), written without root or device nodes."""

from __future__ import annotations

import gzip
import stat
from pathlib import Path

_TRAILER = "TRAILER!!!"


def write(files: dict[str, bytes | Path], target: Path, *, executable: set[str]) -> None:
    """Write a gzip-compressed archive of files (name -> content, or a file to copy); folders are made as needed."""
    folders = sorted({str(parent) for name in files for parent in Path(name).parents if str(parent) != "."})
    out = bytearray()
    for number, folder in enumerate(folders, 1):
        out += _entry(number, folder, stat.S_IFDIR | 0o755, b"")
    for number, (name, content) in enumerate(sorted(files.items()), len(folders) + 1):
        body = content if isinstance(content, bytes) else content.read_bytes()
        out += _entry(number, name, stat.S_IFREG | (0o755 if name in executable else 0o644), body)
    out += _entry(0, _TRAILER, 0, b"")
    with gzip.GzipFile(target, "wb", compresslevel=1, mtime=0) as archive:
        archive.write(bytes(out))


def _entry(inode: int, name: str, mode: int, body: bytes) -> bytes:
    """One entry: magic, 13 fields of 8 hex digits, the name, the body; both padded to 4 bytes."""
    fields = [inode, mode, 0, 0, 1, 0, len(body), 0, 0, 0, 0, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return _padded(head) + _padded(body)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
