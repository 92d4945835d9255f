"""What one run of a command costs, and what several runs amount to."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Sample:
    """One run: seconds on the wall, and seconds of CPU (user and system) of the process and all that it waited for."""

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
    output = cwd / "output.txt"
    with output.open("wb") as sink:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        said = output.read_text(encoding="utf-8", errors="replace")
        raise CommandFailed(f"{' '.join(command)}: exit code {process.returncode}\n{said[-4000:]}")
    return Sample(wall, usage.ru_utime + usage.ru_stime)
