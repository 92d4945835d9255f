"""What one run of a command costs, and what several runs amount to."""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Sample:
    """One run: seconds on the wall, and seconds of CPU (user and system) of the process and all that it started."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Figures:
    """Minimum, median and maximum of several runs, in seconds."""

    minimum: float
    median: float
    maximum: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Figures:
        """The figures of at least one value."""
        return cls(min(values), median(values), max(values))

    def as_json(self) -> dict[str, float]:
        """The figures as plain data, to a tenth of a millisecond."""
        return {"minimum": round(self.minimum, 4), "median": round(self.median, 4), "maximum": round(self.maximum, 4)}


class CommandFailed(Exception):
    """A command under measurement did not succeed; the text is what it printed."""


def run(command: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None) -> Sample:
    """Run a command to its end. Raises CommandFailed, so that no failure is ever measured."""
    _adopt_orphans()
    output = cwd / "output.txt"
    with output.open("wb") as sink:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        cpu = usage.ru_utime + usage.ru_stime + _orphans()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        said = output.read_text(encoding="utf-8", errors="replace")
        raise CommandFailed(f"{' '.join(command)}: exit code {process.returncode}\n{said[-4000:]}")
    return Sample(wall, cpu)


def _adopt_orphans() -> None:
    """Become the parent of what a command leaves running, so that its CPU counts (prctl(2), PR_SET_CHILD_SUBREAPER)."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)


def _orphans() -> float:
    """Seconds of CPU of what the command left running, once it has ended too."""
    seconds = 0.0
    while True:
        try:
            _, _, usage = os.wait4(-1, 0)
        except ChildProcessError:
            return seconds
        seconds += usage.ru_utime + usage.ru_stime
