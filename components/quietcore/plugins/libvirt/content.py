"""The content of a volume as a stream of blocks, and what is known of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

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
