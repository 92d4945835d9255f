"""2 MiB pages for the guests, reserved through sysfs and given back.

Labs and the user share one pool: a lab adds its share to what is there and takes the same share away.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from quietcore.lab.processes import boot_id

POOL = Path("/sys/kernel/mm/hugepages/hugepages-2048kB")
PAGE = 2 * 1024 * 1024  # bytes


@dataclass(frozen=True)
class Share:
    """The pages that one lab added to the machine's pool, in this boot."""

    pages: int
    boot: str


def supported() -> bool:
    """Whether the kernel has a pool of 2 MiB pages."""
    return (POOL / "nr_hugepages").exists()


def share(file: Path) -> int:
    """Pages that this lab holds now; 0 after a reboot, which emptied the pool."""
    try:
        held = Share(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return 0
    return held.pages if held.boot == boot_id() else 0


def reserve(file: Path, pages: int) -> int:
    """Bring the lab's share to ``pages`` and return what it has: fragmented memory may give fewer.

    The caller holds the machine-wide lock. The share is written before the pool grows, so that a crash in between
    is undone by ``release``, and corrected afterwards.
    """
    held = share(file)
    if held == pages or not supported():
        return held
    before = _total()
    file.write_text(json.dumps(asdict(Share(pages, boot_id()))))
    _set(max(before - held + pages, 0))
    got = max(_total() - (before - held), 0)
    file.write_text(json.dumps(asdict(Share(got, boot_id()))))
    return got


def release(file: Path) -> None:
    """Give the lab's share back. The caller holds the machine-wide lock."""
    reserve(file, 0)
    file.unlink(missing_ok=True)


def _total() -> int:
    return int((POOL / "nr_hugepages").read_text())


def _set(pages: int) -> None:
    (POOL / "nr_hugepages").write_text(str(pages))
