"""Daemons that the lab started: a record per daemon, which names one process for all time.

A pid alone may be somebody else's by now. The record holds pid, start time and boot, so that after a crash or a
reboot a stale record is recognised and no foreign process is ever ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from quietcore.lab.commands import surroundings

# $1 the record, $2 the boot, then the program. Field 22 of /proc/PID/stat is the 20th after the name in parentheses.
_RECORD = """
file=$1 boot=$2; shift 2
read -r stat < /proc/$$/stat
started=$(set -- ${stat##*)}; echo "${20}")
printf '{"pid": %s, "started": %s, "boot": "%s"}' $$ "$started" "$boot" > "$file.new" && mv "$file.new" "$file"
exec "$@"
"""


@dataclass(frozen=True)
class Process:
    """One process: pid, start time in clock ticks since boot (field 22 of /proc/PID/stat), boot identity."""

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The process that has this pid now; None when there is none or it is a zombie."""
        try:
            after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if after_name[0] in "ZX" else cls(pid, int(after_name[19]), boot_id())

    @property
    def alive(self) -> bool:
        """Whether the process runs still, and is no other one with its pid."""
        return Process.of(self.pid) == self

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless the process is gone. A pidfd makes check and signal one act."""
        with contextlib.suppress(OSError):
            handle = os.pidfd_open(self.pid)
            try:
                if self.alive:
                    signal.pidfd_send_signal(handle, number)
            finally:
                os.close(handle)


def boot_id() -> str:
    """The kernel's random identity of this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def recorded(file: Path) -> Process | None:
    """The living process that a record names; None when the record is missing, torn or stale."""
    try:
        process = Process(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return process if process.alive else None


def start(file: Path, argv: Sequence[str | Path], *, log: Path) -> None:
    """Start a program in a session of its own, stdout and stderr to ``log``, and record it in ``file``.

    The process writes its record itself before it becomes the program: a daemon without a record cannot be.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(
            ["/bin/sh", "-c", _RECORD, "sh", str(file), boot_id(), *(str(word) for word in argv)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd="/",
            env=surroundings(),
        )
    child.returncode = 0  # the daemon outlives this program: it is not ours to wait for


def end(processes: Iterable[Process], *, grace: float = 5.0) -> None:
    """End processes: SIGTERM, after ``grace`` seconds SIGKILL; returns when all are gone."""
    wanted = list(processes)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in _still(wanted):
            process.signal(number)
        if await_condition(lambda: not _still(wanted), seconds=grace):
            return


def reap(pid: int) -> None:
    """Collect a child that has ended; nothing happens when it is no child of ours."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def await_condition(holds: Callable[[], bool], *, seconds: float, every: float = 0.02) -> bool:
    """Wait until ``holds()``; False when it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def inside(namespaces: Iterable[tuple[str, int]]) -> list[Process]:
    """All processes that live in one of these namespaces, given as (kind, inode), e.g. ("net", 4026532180)."""
    wanted = set(namespaces)
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if any((kind, (entry / "ns" / kind).stat().st_ino) in wanted for kind in ("mnt", "net")):
                process = Process.of(int(entry.name))
                if process is not None:
                    found.append(process)
    return found


def _still(processes: Iterable[Process]) -> list[Process]:
    for process in processes:
        reap(process.pid)
    return [process for process in processes if process.alive]
