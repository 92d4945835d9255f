"""The machine-wide register: which lab names and address slots are taken, and one lock for what labs share."""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from quietcore.errors import EnvironmentFault
from quietcore.lab import underlay
from quietcore.lab.layout import REGISTER, LabDir
from quietcore.lab.progress import Progress


@contextmanager
def machine_lock() -> Iterator[None]:
    """Hold the lock for what all labs of the machine share: slots and the pool of hugepages."""
    with _locked(REGISTER / ".lock"):
        yield


@contextmanager
def lab_lock(lab: LabDir, progress: Progress) -> Iterator[None]:
    """Hold the lock of one lab; a second command on it says that it waits."""
    with _locked(REGISTER / f".{lab.name}.lock", lambda: progress.say(f"  … {lab.name:<8} another command is at work")):
        yield


def claim(lab: LabDir) -> int:
    """Take the lab's name on this machine and return its address slot; a lab that has one keeps it."""
    with machine_lock():
        refuse_clash(lab)
        entries = _entries()
        if lab.name in entries:
            return entries[lab.name][1]
        slot = underlay.free_slot({taken for _, taken in entries.values()})
        _entry(lab.name).write_text(json.dumps({"dir": str(lab.root), "slot": slot}))
        return slot


def refuse_clash(lab: LabDir) -> None:
    """Raises EnvironmentFault where a lab in another folder has the name: namespaces go by the name alone."""
    held = _entries().get(lab.name)
    if held is not None and held[0] != str(lab.root):
        raise EnvironmentFault(
            "another lab of this machine has that name",
            where=held[0],
            given=lab.name,
            hint="--name OTHER, or QUIETCORE_LAB_DIR as the other lab has it",
        )


def drop(lab: LabDir) -> None:
    """Give the name and the slot back."""
    held = _entries().get(lab.name)
    if held is not None and held[0] == str(lab.root):
        _entry(lab.name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        (REGISTER / f".{lab.name}.lock").unlink()
        if not _entries():
            (REGISTER / ".lock").unlink()
            REGISTER.rmdir()


def _entry(name: str) -> Path:
    return REGISTER / f"{name}.json"


def _entries() -> dict[str, tuple[str, int]]:
    found = {}
    for file in REGISTER.glob("*.json"):
        with contextlib.suppress(OSError, ValueError, KeyError):
            entry = json.loads(file.read_text())
            found[file.stem] = (str(entry["dir"]), int(entry["slot"]))
    return found


@contextmanager
def _locked(file: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """An exclusive flock that stays true when the last holder removed the file meanwhile."""
    while True:
        file.parent.mkdir(mode=0o700, exist_ok=True)
        with file.open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(handle, fcntl.LOCK_EX)
            with contextlib.suppress(FileNotFoundError):
                if file.stat().st_ino == Path(f"/proc/self/fd/{handle.fileno()}").stat().st_ino:
                    yield
                    return
