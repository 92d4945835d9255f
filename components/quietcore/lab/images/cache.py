"""Built once, used by every lab: images in the cache folder, each under a digest of what it is made from.

A finished image appears by rename, so an interrupted build is never taken for one.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from quietcore.lab.layout import cache_root


def digest(inputs: Iterable[str | Path]) -> str:
    """Digest of texts and of files (a folder means every file below it)."""
    seen = hashlib.sha256()
    for one in inputs:
        if isinstance(one, str):
            seen.update(one.encode() + b"\0")
            continue
        for file in sorted(one.rglob("*")) if one.is_dir() else [one]:
            if file.is_file() and "__pycache__" not in file.parts:
                seen.update(f"{file.relative_to(one.parent)}\0".encode() + file.read_bytes() + b"\0")
    return seen.hexdigest()[:16]


def folder(kind: str, key: str) -> Path:
    """Where the finished image of that kind and digest is, or will be."""
    return cache_root() / "images" / f"{kind}-{key}"


def ensure(kind: str, key: str, build: Callable[[Path], None]) -> Path:
    """The folder of the image; ``build`` fills a new one when it is not there. A second builder waits for the first."""
    done = folder(kind, key)
    if done.exists():
        return done
    done.parent.mkdir(parents=True, exist_ok=True)
    with (done.parent / f".{kind}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists():
            return done
        for stale in done.parent.glob(f".{kind}-build-*"):
            shutil.rmtree(stale, ignore_errors=True)
        part = Path(tempfile.mkdtemp(prefix=f".{kind}-build-", dir=done.parent))
        try:
            build(part)
            part.chmod(0o755)
            part.rename(done)
        finally:
            with suppress(OSError):
                shutil.rmtree(part, ignore_errors=True)
    return done
