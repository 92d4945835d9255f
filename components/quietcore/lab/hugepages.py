"""2 MiB pages for the guests, reserved through sysfs and given back.

Labs and the user share one pool: a lab adds its share to what is there and takes the same share away.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from quietcore.lab.processes import boot_id
from quietcore.lab.state import replace

POOL = Path("/sys/kernel/mm/hugepages/hugepages-2048kB")
PAGE = 2 * 1024 * 1024  # bytes


@dataclass(frozen=True)
class Share:
    """The pages that one lab added to the machine's pool, in this boot.

    While the pool changes, ``others`` is what the pool holds without the lab: after a crash in the middle the share
    is what the pool has above it.
    """

    pages: int
    boot: str
    others: int | None = None


def supported() -> bool:
    """Whether the kernel has a pool of 2 MiB pages."""
    return (POOL / "nr_hugepages").exists()


def share(file: Path) -> int:
    """Pages that this lab holds now; 0 after a reboot, which emptied the pool."""
    try:
        held = Share(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return 0
    if held.boot != boot_id():
        return 0
    return held.pages if held.others is None else min(max(_total() - held.others, 0), held.pages)


def reserve(file: Path, pages: int) -> int:
    """Bring the lab's share to ``pages`` and return what it has: fragmented memory may give fewer.

    The caller holds the machine-wide lock.
    """
    held = share(file)
    if held == pages or not supported():
        return held
    others = max(_total() - held, 0)
    replace(file, json.dumps(asdict(Share(max(held, pages), boot_id(), others))))
    (POOL / "nr_hugepages").write_text(str(others + pages))
    got = max(_total() - others, 0)
    replace(file, json.dumps(asdict(Share(got, boot_id()))))
    return got


def release(file: Path) -> None:
    """Give the lab's share back. The caller holds the machine-wide lock."""
    reserve(file, 0)
    file.unlink(missing_ok=True)


def _total() -> int:
    return int((POOL / "nr_hugepages").read_text())
