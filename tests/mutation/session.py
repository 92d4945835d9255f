"""One session of pytest that collects a family's tests once, and runs them in a fork for each mutant."""

from __future__ import annotations

import gc
import importlib
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FunctionType

import hypothesis
import pytest
from tests.mutation.mutants import Mutant, mutants

from quietcore.rules.rule import Rule

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "components" / "quietcore" / "rules"
SECONDS = 120
GENERAL = ("examples", "domains", "hosts", "plans")
"""The files of tests/rules on rules of every family; of the examples, only the family's are run."""

COMMON = "common"
"""What stands beside the families: judging itself, exemptions, and rules on shapes and locks."""
WITHOUT_CONDITIONS = ("examples", "docs", "sources", "catalogue")
"""Modules that build subjects and texts; no finding depends on a condition in them."""

hypothesis.settings.register_profile("mutation", deadline=None, database=None, derandomize=True)


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

    def put(self) -> None:
        """Put the mutant's code in place of the function's."""
        function = getattr(importlib.import_module(self.module), self.mutant.function)
        while hasattr(function, "__wrapped__"):
            if hasattr(function, "cache_clear"):
                function.cache_clear()
            function = function.__wrapped__
        assert isinstance(function, FunctionType)
        place(function, self.mutant.code)

    def codes(self) -> list[str]:
        """The codes of the module's own rules, whose examples are tried first."""
        return [each.code for each in vars(importlib.import_module(self.module)).values() if isinstance(each, Rule)]


def place(function: FunctionType, code: CodeType) -> None:
    """Put the code in place of the function's; of a decorator, also in place of what it has made already."""
    inner = {each.co_qualname: each for each in _made(code)}
    old = {id(each): inner[each.co_qualname] for each in _made(function.__code__)}
    for live in gc.get_objects() if old else ():
        if isinstance(live, FunctionType) and id(live.__code__) in old:
            live.__code__ = old[id(live.__code__)]
    function.__code__ = code


def _made(code: CodeType) -> Iterator[CodeType]:
    """The code of the functions with a name that a function makes."""
    for each in code.co_consts:
        if isinstance(each, CodeType) and each.co_name.isidentifier():
            yield each


def candidates(families: Sequence[str], *, halves: bool = False) -> Iterator[Candidate]:
    """All mutants of the rules of these families; with ``halves`` those of parts of conditions too."""
    for family in families:
        package = [] if family == COMMON else [family]
        for file in sorted(RULES.joinpath(*package).glob("*.py")):
            if file.stem not in ("__init__", *WITHOUT_CONDITIONS):
                module = ".".join(["quietcore.rules", *package, file.stem])
                for mutant in mutants(file.read_text(encoding="utf-8"), str(file), halves=halves):
                    yield Candidate(family, module, mutant)


@dataclass
class Session:
    """A plugin of pytest: its run of the tests is one run for each candidate, `jobs` at once, told by `report`."""

    chosen: Sequence[Candidate]
    jobs: int
    survivors: list[Candidate] = field(default_factory=list)
    broken: bool = False
    child: bool = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """In the first process: start the others and wait for them. In each other: run the tests in pytest's way."""
        running: dict[int, Candidate | None] = {}
        queue: list[Candidate | None] = [*reversed(self.chosen), None]
        while queue or running:
            while queue and len(running) < self.jobs:
                candidate = queue.pop()
                pid = os.fork()
                if pid == 0:
                    self._become(session, candidate)
                    return None
                running[pid] = candidate
                if candidate is None:
                    break
            pid, status = os.wait()
            self._note(running.pop(pid), noticed=os.waitstatus_to_exitcode(status) != 0)
            if self.broken:
                break
        return True

    def _become(self, session: pytest.Session, candidate: Candidate | None) -> None:
        """Be the process of one mutant, or of none. One that never ends is ended, and was noticed."""
        self.child = True
        signal.signal(signal.SIGALRM, lambda *_: os._exit(1))
        signal.alarm(SECONDS if candidate else 0)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        if candidate is not None:
            candidate.put()
            codes = candidate.codes()
            session.items.sort(key=lambda item: _rank(item, codes))

    def _note(self, candidate: Candidate | None, *, noticed: bool) -> None:
        if candidate is None:
            self.broken = noticed
        elif not noticed:
            self.survivors.append(candidate)
            say(f"survived: {candidate}")


def _rank(item: pytest.Item, codes: list[str]) -> int:
    """What is quick and near comes first: the rule's examples, then other tests, then those that draw many values."""
    if any(f"[{code}]" in item.name for code in codes):
        return 0
    drawn = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    return 2 if drawn or "corpus" in item.nodeid else 1


def run(family: str, chosen: Sequence[Candidate], jobs: int) -> Session:
    """Run the family's tests on each of the candidates."""
    session = Session(chosen, jobs)
    status = pytest.main(arguments(family), plugins=[session])
    if session.child:
        os._exit(int(status != 0))
    session.broken = session.broken or status != 0
    return session


def arguments(family: str) -> list[str]:
    """What pytest is asked: the family's own tests, the examples of its rules, and what the corpus must give."""
    rules, asked = ROOT / "tests" / "rules", ["-x", "-q", "-s", "-p", "no:cacheprovider", "-p", "no:terminalreporter"]
    if family == COMMON:
        return [*(str(path) for path in sorted(rules.glob("test_*.py")) if path.stem != "test_pages"), *asked]
    codes = " or ".join(sorted({rule.code for rule in importlib.import_module(f"quietcore.rules.{family}").RULES}))
    general = [rules / f"test_{name}.py" for name in GENERAL]
    chosen = [str(path) for path in (rules / family, *general, ROOT / "tests" / "corpus") if path.exists()]
    names = f"{family} or domains or hosts or plans or gives_these_findings or {codes}"
    return [*chosen, *asked, "-k", names]


def say(text: str) -> None:
    """Print a line at once."""
    os.write(1, f"{text}\n".encode())
