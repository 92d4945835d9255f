"""Run the tests of each family of rules on each mutant of its conditions: `python -m tests.mutation [FAMILY]...`.

Every process forks from one that has all imported, puts the mutant's code in place of the function's and runs the
family's tests until the first one fails. A mutant that none of them notices is printed: it wants a test, or the
condition is not needed. Mutants that change nothing are listed in ``equivalent.txt`` with the reason, and not run.
"""

from __future__ import annotations

import argparse
import importlib
import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType

import pytest
from tests.mutation.equivalent import listed
from tests.mutation.mutants import Mutant, mutants

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "components" / "quietcore" / "rules"
FAMILIES = ("cluster", "cross", "domain", "kernel", "kubelet", "tuned", "workload")
SECONDS = 120


@dataclass(frozen=True)
class Candidate:
    """A mutant, the module that it belongs to and the family whose tests should notice it."""

    family: str
    module: str
    mutant: Mutant

    @property
    def place(self) -> str:
        """How ``equivalent.txt`` calls it, such as ``kernel/pages.py:held:not (x)``."""
        return f"{self.family}/{self.module.rpartition('.')[2]}.py:{self.mutant.function}:{self.mutant.change}"

    def __str__(self) -> str:
        return f"{self.place} (line {self.mutant.line})"


def candidates(families: list[str]) -> Iterator[Candidate]:
    """All mutants of the rules of these families."""
    for family in families:
        for file in sorted((RULES / family).glob("*.py")):
            if file.stem not in ("__init__", "examples"):
                for mutant in mutants(file.read_text(encoding="utf-8"), str(file)):
                    yield Candidate(family, f"quietcore.rules.{family}.{file.stem}", mutant)


def notice(candidate: Candidate) -> bool:
    """Whether a test fails with the mutant in place. Runs in a process of its own, which ends with it."""
    function = getattr(importlib.import_module(candidate.module), candidate.mutant.function)
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    if not isinstance(function, FunctionType):
        return True
    function.__code__ = candidate.mutant.code
    _silent()
    return pytest.main(arguments(candidate.family)) != 0


def broken(family: str) -> bool:
    """Whether the family's tests fail on the rules as they are: then every mutant would seem to be noticed."""
    pid = os.fork()
    if pid == 0:
        _silent()
        os._exit(int(pytest.main(arguments(family)) != 0))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0


def _silent() -> None:
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)


def arguments(family: str) -> list[str]:
    """What pytest is asked: the family's own tests first, then the examples of its rules, then the corpus."""
    module: ModuleType = importlib.import_module(f"quietcore.rules.{family}")
    codes = " or ".join(sorted({rule.code for rule in module.RULES}))
    rules = ROOT / "tests" / "rules"
    general = [rules / f"test_{name}.py" for name in ("examples", "domains", "hosts", "plans")]
    chosen = [str(path) for path in (rules / family, *general, ROOT / "tests" / "corpus") if path.exists()]
    names = f"{family} or domains or hosts or plans or corpus or {codes}"
    return [*chosen, "-x", "-q", "-p", "no:cacheprovider", "-p", "no:terminalreporter", "-k", names]


def main() -> int:
    """Print the mutants that no test noticed; the exit code says whether there are any, or lines that name none."""
    options = parsed()
    families = options.families or [each for each in FAMILIES if (RULES / each).is_dir()]
    known, every = listed(), list(candidates(families))
    chosen = [each for each in every if each.place not in known]
    stale = [
        place for place in known if place.partition("/")[0] in families and place not in {each.place for each in every}
    ]
    for place in stale:
        say(f"no such mutant: {place}")
    total = len(chosen)
    if options.sample and options.sample < total:
        chosen = random.Random(options.seed).sample(chosen, options.sample)
    say(f"{len(chosen)} of {total} mutants, seed {options.seed}; {len(every) - total} more are equivalent")
    for family in sorted({each.family for each in chosen}):
        _imported(family)
        if broken(family):
            say(f"the tests of {family} fail without any mutant: mend them first")
            return 2
    started, survivors = time.monotonic(), []
    running: dict[int, Candidate] = {}
    queue = list(chosen)
    while queue or running:
        while queue and len(running) < options.jobs:
            candidate = queue.pop()
            running[_fork(candidate)] = candidate
        pid, status = os.wait()
        candidate = running.pop(pid)
        if os.waitstatus_to_exitcode(status) != 0:
            survivors.append(candidate)
            say(f"survived: {candidate}")
    say(f"{len(survivors)} of {len(chosen)} survived, {time.monotonic() - started:.0f} s")
    return 1 if survivors or stale else 0


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _fork(candidate: Candidate) -> int:
    """Start a process that ends with 0 where the mutant was noticed. One that never ends is noticed too."""
    pid = os.fork()
    if pid == 0:
        import signal

        signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
        signal.alarm(SECONDS)
        noticed = True
        try:
            noticed = notice(candidate)
        finally:
            os._exit(0 if noticed else 1)
    return pid


def _imported(family: str) -> None:
    """Import all that the family's tests need, once, by collecting them."""
    pytest.main([*arguments(family), "--collect-only"])


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("families", nargs="*", metavar="FAMILY", help=f"one of {', '.join(FAMILIES)}; default: all")
    parser.add_argument("--sample", type=int, default=0, help="try so many, chosen at random (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="which ones (default: 0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once")
    return parser.parse_args()


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
