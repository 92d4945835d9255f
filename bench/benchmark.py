"""A benchmark as a value: what is ours, which peer runs beside it, and the ratio that must hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.sample import Figures, Sample


@dataclass(frozen=True)
class Contest:
    """Two things to run in turns. ``remarks`` are further figures, asked for once all runs are done."""

    ours: Callable[[], Sample]
    theirs: Callable[[], Sample]
    remarks: Callable[[], list[str]] = field(default=list)


@dataclass(frozen=True)
class Benchmark:
    """``bound`` is the ratio that the project promises, None where it promises none; ``runs`` the default number."""

    name: str
    ours: str
    peer: str
    prepare: Callable[[Path], Contest]
    """Gets an empty folder that is removed afterwards."""
    bound: float | None = None
    runs: int = 5
    warm: bool = True
    """Whether to run both once beforehand: that fills caches and compiles bytecode. Long runs need no such help."""


@dataclass(frozen=True)
class Outcome:
    """What came out. Ratios are those of the minima: everything else that a machine does can only add to a run."""

    benchmark: Benchmark
    ours: list[Sample]
    theirs: list[Sample]
    remarks: list[str]

    @property
    def ratio(self) -> float:
        """Wall time, ours to the peer's."""
        return min(sample.wall for sample in self.ours) / min(sample.wall for sample in self.theirs)

    @property
    def cpu_ratio(self) -> float:
        """CPU time, ours to the peer's: steadier than wall time on a machine that does other work too."""
        return min(sample.cpu for sample in self.ours) / min(sample.cpu for sample in self.theirs)

    def as_json(self) -> dict[str, Any]:
        """The outcome as plain data; all times are seconds."""
        return {
            "name": self.benchmark.name,
            "peer": self.benchmark.peer,
            "ratio": round(self.ratio, 3),
            "bound": self.benchmark.bound,
            "ours": _wall(self.ours).as_json(),
            "theirs": _wall(self.theirs).as_json(),
            "cpu": {
                "ratio": round(self.cpu_ratio, 3),
                "ours": _cpu(self.ours).as_json(),
                "theirs": _cpu(self.theirs).as_json(),
            },
            "runs": len(self.ours),
            "remarks": self.remarks,
        }

    def text(self) -> str:
        """The outcome as a small table."""
        bound = f"  (promised: at most {self.benchmark.bound:g})" if self.benchmark.bound else ""
        rows = [
            f"{self.benchmark.name}: {len(self.ours)} runs each, in turns; seconds",
            f"  {'':<6} {'minimum':>8} {'median':>8} {'maximum':>8}   CPU minimum",
            _row("ours", self.ours, self.benchmark.ours),
            _row("peer", self.theirs, self.benchmark.peer),
            f"  ratio  {self.ratio:.2f} wall, {self.cpu_ratio:.2f} CPU{bound}",
        ]
        return "\n".join([*rows, *(f"  {remark}" for remark in self.remarks)])


def _wall(samples: list[Sample]) -> Figures:
    return Figures.of([sample.wall for sample in samples])


def _cpu(samples: list[Sample]) -> Figures:
    return Figures.of([sample.cpu for sample in samples])


def _row(who: str, samples: list[Sample], what: str) -> str:
    wall, cpu = _wall(samples), _cpu(samples)
    return f"  {who:<6} {wall.minimum:>8.3f} {wall.median:>8.3f} {wall.maximum:>8.3f}   {cpu.minimum:>8.3f}     {what}"


def race(benchmark: Benchmark, runs: int, folder: Path) -> Outcome:
    """Run both in turns."""
    contest = benchmark.prepare(folder)
    if benchmark.warm:
        contest.theirs()
        contest.ours()
    ours, theirs = [], []
    for _ in range(runs):
        theirs.append(contest.theirs())
        ours.append(contest.ours())
    return Outcome(benchmark, ours, theirs, contest.remarks())
