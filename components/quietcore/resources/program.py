"""Running a project's program under Pulumi's mocks: no engine, no hosts, under a second."""

from __future__ import annotations

import os
import runpy
import sys
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import pulumi
import yaml
from pulumi.runtime.stack import run_pulumi_func

from quietcore.errors import EnvironmentFault
from quietcore.resources.ledger import Ledger, begin
from quietcore.resources.lockfile import read_lock, write_lock
from quietcore.resources.mocks import Recorder, start
from quietcore.resources.site import Registered, site_from, unreadable
from quietcore.rules.catalogue import CODES
from quietcore.rules.exempting import Ruling, exempt, on_exemptions
from quietcore.rules.judge import findings
from quietcore.spec.exemption import ExemptionSpec
from quietcore.spec.finding import Finding, Severity, in_order
from quietcore.spec.site import SiteSpec
from quietcore.spec.topology import Loader


@dataclass(frozen=True)
class Run:
    """What a program declares: the picture, every finding, the registered resources, what the lock took in.

    ``spared`` are findings that exemptions cover. ``left`` are nodes that the lock knows and a program without errors
    declares no more; ``dropped`` left it. ``failure`` ended a program that findings refuse before its end.
    """

    project: Path
    stack: str
    site: SiteSpec
    findings: list[Finding]
    resources: list[Registered]
    lock_changes: list[str]
    left: list[str]
    dropped: list[str]
    spared: list[tuple[ExemptionSpec, Finding]]
    failure: BaseException | None = None


def run_program(project: Path, stack: str, *, frozen: bool, prune: bool = False) -> Run:
    """Run the program of ``project`` (a folder with Pulumi.yaml) for a stack.

    Writes the stack's assignment lock unless ``frozen``; with ``prune`` nodes that are no longer declared leave it.
    Raises EnvironmentFault where there is no project, and whatever else the user's own program raises, unless it is
    refused by findings: then that may follow from them, and is the run's ``failure``.
    """
    root, main, name = _entry(project)
    monitor = Recorder()
    ledger = Ledger(lock_path=main / f"{stack}.lock.yaml", frozen=frozen, write=False)
    ledger.lock = before = read_lock(ledger.lock_path)
    if prune:
        _execute(monitor, ledger, root, main, name, stack)
        ledger.lock = before.only(ledger.declared)
        monitor, ledger = Recorder(), Ledger(ledger.lock_path, frozen, write=False, lock=ledger.lock)
    failure = _execute(monitor, ledger, root, main, name, stack)
    registered = sorted(monitor.registered, key=lambda found: found.urn)  # they arrive in no certain order
    site = site_from(registered)
    whole = [*findings(site), *unreadable(registered)]
    today = date.today()
    ruling = exempt(whole, ledger.exemptions, today)
    spared = list(dict.fromkeys([*ledger.spared, *ruling.spared]))
    decided = on_exemptions(ledger.exemptions, Ruling([], spared), today, CODES)
    found = in_order([*ledger.findings, *_unsaid([*ruling.kept, *decided], ledger.findings)])
    refused = any(one.severity is Severity.ERROR for one in found)
    written = not frozen and not refused and ledger.lock != before
    if written:
        write_lock(ledger.lock_path, ledger.lock)
    left = [] if refused else sorted(set(ledger.lock.nodes) - ledger.declared)
    dropped = sorted(set(before.nodes) - set(ledger.lock.nodes)) if written else []
    changes = ledger.changed if written else []
    return Run(root, stack, site, found, registered, changes, left, dropped, spared, failure)


def _unsaid(whole: list[Finding], told: list[Finding]) -> list[Finding]:
    """The findings of the whole picture that no component told before: those of raw resources, and between them."""
    known = {(finding.code, finding.where) for finding in told}
    return [finding for finding in whole if (finding.code, finding.where) not in known]


def _entry(project: Path) -> tuple[Path, Path, str]:
    for folder in (project.resolve(), *project.resolve().parents):
        file = folder / "Pulumi.yaml"
        if file.exists():
            settings = yaml.load(file.read_text(encoding="utf-8"), Loader) or {}
            return folder, folder / settings.get("main", "."), settings.get("name", folder.name)
    raise EnvironmentFault(
        "no Pulumi project", where=str(project.resolve()), hint="run `quietcore init`, or give the folder with -C DIR"
    )


def _run_main(main: Path, failures: list[BaseException]) -> None:
    """Run the program; the engine's loop would put the ledger's refusal in the place of what it raises."""
    try:
        runpy.run_path(str(main), run_name="__main__")
    except BaseException as failure:
        failures.append(failure)
        raise


def _execute(monitor: Recorder, ledger: Ledger, root: Path, main: Path, name: str, stack: str) -> BaseException | None:
    """Run the program once, and give what ended it early where that came beside refusals; else it is raised."""
    loop = start(monitor, root, name, stack)
    begin(ledger)
    cwd, path, imported = Path.cwd(), list(sys.path), set(sys.modules)
    failures: list[BaseException] = []
    os.chdir(main)
    sys.path.insert(0, str(main))
    try:
        loop.run_until_complete(run_pulumi_func(partial(_run_main, main, failures)))
    except pulumi.RunError:
        if not ledger.failing:
            raise
    finally:
        os.chdir(cwd)
        sys.path[:] = path
        _forget(main, set(sys.modules) - imported)
        loop.close()
    return failures[0] if failures else None


def _forget(main: Path, imported: set[str]) -> None:
    """Drop the program's own modules, which declare resources as they are imported: the next run imports them anew."""
    for name in imported:
        file = Path(getattr(sys.modules[name], "__file__", None) or os.devnull)
        if file.is_relative_to(main) and not {"site-packages", "quietcore"} & set(file.relative_to(main).parts):
            del sys.modules[name]
