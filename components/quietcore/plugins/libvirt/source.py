"""Where a volume's content comes from: a file of the machine that runs the engine, or an http(s) URL.

`Source.parse` reads what the program says; `Source.open` gives the bytes as a stream together with what is known of
them. Nothing is resumed: a broken transfer is an error and the next `up` starts over.
"""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .checksum import Checksum, file_sha256, split_fragment

BLOCK_BYTES: Final = 256 * 1024
"""Content is read, digested and sent in blocks of this many bytes: the memory that an upload takes."""


class SourceError(Exception):
    """The content cannot be had; the message names the source and the reason. `hint` is the next step."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(slots=True)
class Content:
    """An open source: `length` in bytes, the server's `etag` if any, and the bytes in blocks by `blocks`.

    `read` raises OSError.
    """

    name: str
    length: int
    read: Callable[[int], bytes]
    etag: str = ""
    facts: os.stat_result | None = None

    def blocks(self) -> Iterator[bytes]:
        """The content in blocks of at most `BLOCK_BYTES`. Raises SourceError when it is not exactly `length` long."""
        got = 0
        while got < self.length:
            try:
                block = self.read(min(BLOCK_BYTES, self.length - got))
            except OSError as error:
                raise SourceError(f"{self.name}: broke off after {got} of {self.length} bytes: {error}") from error
            if not block:
                raise SourceError(f"{self.name}: ended after {got} of {self.length} bytes")
            got += len(block)
            yield block


def head_of(blocks: Iterator[bytes], amount: int) -> list[bytes]:
    """The first blocks, `amount` bytes of them or more: a server may send them in small pieces."""
    taken: list[bytes] = []
    while sum(len(block) for block in taken) < amount:
        taken.append(next(blocks))
    return taken


@dataclass(frozen=True, slots=True)
class Source:
    """A place that content comes from, and the checksum that the program expects of it."""

    location: str
    expected: Checksum | None = None

    @classmethod
    def parse(cls, text: str) -> Source:
        """Read a path, `file://` or http(s) URL, with an optional `#sha256=HEX`. Raises ValueError with the reason."""
        location, expected = split_fragment(text)
        if not location:
            raise ValueError("is empty; allowed: a local path, file:///PATH or http(s)://HOST/PATH")
        scheme = urllib.parse.urlsplit(location).scheme if "://" in location else ""
        if scheme not in ("", "file", "http", "https"):
            raise ValueError(f"scheme {scheme!r} is not supported; allowed: a local path, file://, http://, https://")
        if scheme == "file" and urllib.parse.urlsplit(location).netloc not in ("", "localhost"):
            raise ValueError("names another host in a file:// URL; write file:///PATH with three slashes")
        return cls(location, expected)

    @property
    def remote(self) -> bool:
        """Whether the content is fetched from a server."""
        return self.location.startswith(("http://", "https://"))

    @property
    def path(self) -> Path:
        """The local file; meaningless when `remote`."""
        if self.location.startswith("file://"):
            return Path(urllib.parse.unquote(urllib.parse.urlsplit(self.location).path))
        return Path(self.location).expanduser()

    def sha256(self) -> str | None:
        """Digest of the content, where it can be told without a server: stated by the program, or of the local file."""
        if self.expected is not None and self.expected.algorithm == "sha256":
            return self.expected.value
        if self.remote:
            return None
        try:
            return file_sha256(self.path)
        except OSError:
            return None

    @contextmanager
    def open(self) -> Iterator[Content]:
        """Open the content for one pass. Raises SourceError."""
        if self.remote:
            from .fetch import fetched

            with fetched(self.location) as content:
                yield content
            return
        path = self.path
        try:
            file = path.open("rb")
        except OSError as error:
            where = path.absolute()
            hint = "paths are those of the machine that runs pulumi, relative to the program's folder"
            raise SourceError(f"{where}: {error.strerror}", hint) from error
        with file:
            # The end, not st_size: a block device has no size in its inode.
            length = file.seek(0, os.SEEK_END)
            file.seek(0)
            yield Content(str(path), length, file.read, facts=os.fstat(file.fileno()))
