"""Running a project's program under Pulumi's mocks: no engine, no hosts, under a second."""

from __future__ import annotations

import asyncio
import logging
import os
import runpy
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pulumi.runtime import mocks as pulumi_mocks
from pulumi.runtime.settings import reset_options
from pulumi.runtime.stack import run_pulumi_func

from quietcore.errors import EnvironmentFault
from quietcore.resources.ledger import Ledger, begin
from quietcore.resources.lockfile import read_lock, write_lock
from quietcore.resources.site import Registered, site_from
from quietcore.rules.judge import findings
from quietcore.spec.finding import Finding, in_order
from quietcore.spec.site import SiteSpec
from quietcore.spec.topology import Loader

_QUIET = logging.getLogger("quietcore.quiet")  # findings are told by who called, not by a log
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


@dataclass(frozen=True)
class Run:
    """What a program declares: the picture, every finding, the registered resources, and what changed in the lock."""

    project: Path
    stack: str
    site: SiteSpec
    findings: list[Finding]
    resources: list[Registered]
    lock_changes: list[str]


class _Recorder(pulumi_mocks.MockMonitor):
    """Keeps every registration as it was asked for; all outputs but the given inputs are unknown."""

    def __init__(self) -> None:
        super().__init__(_Echo())
        self.registered: list[Registered] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the monitor's own name
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        props = pulumi.runtime.rpc.deserialize_properties(request.object, keep_unknowns=True)
        self.registered.append(
            Registered(
                response.urn, request.type, request.name, props, request.parent, request.provider.rpartition("::")[0]
            )
        )
        return response


class _Echo(pulumi_mocks.Mocks):
    def call(self, args: pulumi_mocks.MockCallArgs) -> tuple[dict[Any, Any], None]:  # noqa: ARG002 - no function of ours is asked
        return {}, None

    def new_resource(self, args: pulumi_mocks.MockResourceArgs) -> tuple[str, dict[Any, Any]]:
        return f"{args.name}-id", dict(args.inputs)


def run_program(project: Path, stack: str, *, frozen: bool, prune: bool = False) -> Run:
    """Run the program of ``project`` (a folder with Pulumi.yaml) for a stack.

    Writes the stack's assignment lock unless ``frozen``; with ``prune`` nodes that are no longer declared leave it.
    Raises EnvironmentFault where there is no project, and whatever else the user's own program raises.
    """
    root, main, name = _entry(project)
    monitor = _Recorder()
    ledger = Ledger(lock_path=main / f"{stack}.lock.yaml", frozen=frozen, write=False)
    ledger.lock = before = read_lock(ledger.lock_path)
    if prune:
        ledger.lock = before.only(_execute(monitor, ledger, root, main, name, stack).declared)
        monitor, ledger = _Recorder(), Ledger(ledger.lock_path, frozen, write=False, lock=ledger.lock)
    _execute(monitor, ledger, root, main, name, stack)
    if not frozen and ledger.lock != before:
        write_lock(ledger.lock_path, ledger.lock)
    registered = sorted(monitor.registered, key=lambda found: found.urn)  # they arrive in no certain order
    site = site_from(registered)
    found = in_order([*ledger.findings, *_unsaid(findings(site), ledger.findings)])
    return Run(root, stack, site, found, registered, ledger.changed)


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


def _run_main(main: Path) -> None:
    runpy.run_path(str(main), run_name="__main__")


def _execute(monitor: _Recorder, ledger: Ledger, root: Path, main: Path, name: str, stack: str) -> Ledger:
    """Run the program once; a failure that only repeats the ledger's findings is not one."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    reset_options()
    pulumi_mocks.set_mocks(_Echo(), project=name, stack=stack, preview=True, monitor=monitor, logger=_QUIET)
    pulumi.runtime.settings.SETTINGS.root_directory = str(root)
    begin(ledger)
    cwd, path = Path.cwd(), list(sys.path)
    os.chdir(main)
    sys.path.insert(0, str(main))
    try:
        loop.run_until_complete(run_pulumi_func(partial(_run_main, main)))
    except pulumi.RunError:
        if not ledger.findings:
            raise
    finally:
        os.chdir(cwd)
        sys.path[:] = path
        loop.close()
    return ledger
