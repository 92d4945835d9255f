"""Checksums of images: the one a program expects, and the digest of a local file, kept so that previews stay fast.

A program states what it expects in the source's fragment: `file:///srv/debian.qcow2#sha256=9f86…`. The official plugin
ignores a fragment, so the same program runs there too.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ALGORITHMS: Final = {"sha256": 64, "sha512": 128}
"""Name of each algorithm and the hex digits of its digest."""

_FRAGMENT = re.compile(r"#(?P<algorithm>[a-z][a-z0-9]*)=(?P<value>[^#]*)$")
_seen: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Checksum:
    """A digest that content must have."""

    algorithm: str
    value: str

    def __str__(self) -> str:
        return f"{self.algorithm}={self.value}"

    @classmethod
    def parse(cls, algorithm: str, value: str) -> Checksum:
        """Raises ValueError naming what is allowed."""
        digits = ALGORITHMS.get(algorithm)
        if digits is None:
            raise ValueError(f"checksum algorithm {algorithm!r} is not known; allowed: {', '.join(ALGORITHMS)}")
        value = value.strip().lower()
        if not re.fullmatch(rf"[0-9a-f]{{{digits}}}", value):
            raise ValueError(f"{algorithm} checksum must be {digits} hex digits, given {len(value)} characters")
        return cls(algorithm, value)


def split_fragment(text: str) -> tuple[str, Checksum | None]:
    """Take `#ALGORITHM=HEX` off the end of a source. A `#` that introduces no checksum belongs to the path."""
    found = _FRAGMENT.search(text)
    if found is None:
        return text, None
    return text[: found.start()], Checksum.parse(found["algorithm"], found["value"])


class Digester:
    """Digests of a stream as it passes: always sha256 (the identity of content), and what `expected` needs."""

    def __init__(self, expected: Checksum | None = None) -> None:
        self._expected = expected
        names = {"sha256"} | ({expected.algorithm} if expected else set())
        self._running = {name: hashlib.new(name) for name in sorted(names)}

    def feed(self, block: bytes) -> None:
        """Take the next block of content."""
        for running in self._running.values():
            running.update(block)

    @property
    def sha256(self) -> str:
        """Hex digest of all content so far."""
        return self._running["sha256"].hexdigest()

    def mismatch(self) -> str:
        """Empty when the content is what was expected; else both checksums in words."""
        if self._expected is None:
            return ""
        actual = self._running[self._expected.algorithm].hexdigest()
        if actual == self._expected.value:
            return ""
        return f"expected {self._expected}, the content has {self._expected.algorithm}={actual}"


def file_sha256(path: Path) -> str:
    """Hex sha256 of a local file; computed once per (path, size, mtime, inode). Raises OSError."""
    key = _stamp(path)
    known = _seen.get(key) or _recall(key)
    if known is None:
        known = _hash(path)
        if _stamp(path) != key:
            return known
        _remember(key, known)
    _seen[key] = known
    return known


def remember_file_sha256(path: Path, before: os.stat_result, digest: str) -> None:
    """Keep a digest that was computed while the file was streamed, unless the file changed since `before`."""
    key = _stamp(path)
    if key == _key(path, before):
        _seen[key] = digest
        _remember(key, digest)


def _stamp(path: Path) -> str:
    return _key(path, path.stat())


def _key(path: Path, facts: os.stat_result) -> str:
    text = f"{path.resolve()}\0{facts.st_size}\0{facts.st_mtime_ns}\0{facts.st_ino}"
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _cache() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("QUIETCORE_CACHE") or Path(cache) / "quietcore") / "digests"


def _recall(key: str) -> str | None:
    try:
        text = (_cache() / key).read_text("ascii")
    except (OSError, RuntimeError, UnicodeError):
        return None
    return text if re.fullmatch(r"[0-9a-f]{64}", text) else None


def _remember(key: str, digest: str) -> None:
    # A digest that cannot be kept is computed again next time: no reason to fail.
    try:
        folder = _cache()
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f".{key}.{os.getpid()}"
        temporary.write_text(digest, "ascii")
        temporary.replace(folder / key)
    except (OSError, RuntimeError):
        return
