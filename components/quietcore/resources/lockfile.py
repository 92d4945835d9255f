"""Reading and writing a stack's assignment lock, atomically."""

from __future__ import annotations

import tempfile
from pathlib import Path

from quietcore.derive.lock import Lock


def read_lock(path: Path) -> Lock:
    """The lock in the file; an empty one where there is no file. Raises Refused for a file that cannot be read."""
    return Lock.parse(path.read_text(encoding="utf-8"), f"lock {path.name}") if path.exists() else Lock()


def write_lock(path: Path, lock: Lock) -> None:
    """Put the lock into the file in one step: a reader, or a run that is killed, sees the old or the new text."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as new:
        new.write(lock.text())
    Path(new.name).chmod(0o644)
    Path(new.name).replace(path)
