"""Where a volume's content comes from: a file of the machine that runs the engine, or an http(s) URL.

`Source.parse` reads what the program says; `Source.open` gives the bytes as a stream together with what is known of
them. Nothing is resumed: a broken transfer is an error and the next `up` starts over.
"""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .checksum import Checksum, file_sha256, split_fragment
from .content import Content, SourceError


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
