"""The cache folder: tools are built aside and published by one rename, under a lock."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def root() -> Path:
    """Return $QUIETCORE_CACHE, else $XDG_CACHE_HOME/quietcore, else ~/.cache/quietcore."""
    named = os.environ.get("QUIETCORE_CACHE")
    if named:
        return Path(named).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "quietcore"


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock called name: two set-ups never build the same thing. The kernel frees it when a holder dies."""
    root().mkdir(parents=True, exist_ok=True)
    with (root() / f".{name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{name}: waiting for another set-up to end", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def published(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside target that becomes target when the body succeeds, and is gone when it does not."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f".{target.name}.*"):  # of a set-up that was killed; the lock says nobody uses it
        shutil.rmtree(left, ignore_errors=True)
    building = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    building.chmod(0o755)
    try:
        yield building
        if target.exists():
            shutil.rmtree(target)
        building.rename(target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
