"""A preview under the gate's configuration, and a state under the same."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from quietcore.errors import QuietcoreError
from quietcore.gate import judgement
from quietcore.gate.change import changes
from quietcore.gate.cpus import cpu_maps
from quietcore.gate.engine import Engine
from quietcore.gate.events import Events, read_events
from quietcore.gate.pack import config_for, pack_for
from quietcore.gate.state import registered_from
from quietcore.gate.verdict import Verdict
from quietcore.policy.record import Record, read_record
from quietcore.resources.decisions import CONFIG
from quietcore.resources.program import Run
from quietcore.resources.site import site_from
from quietcore.spec.finding import Finding, Severity


@dataclass(frozen=True)
class Order:
    """What to judge and how: the engine in its project, the stack, a pack other than the project's, where to tell."""

    engine: Engine
    stack: str
    pack: Path | None = None
    offline: bool = False
    tell: Callable[[str], None] = field(default=lambda _line: None)


def preview(order: Order, run: Run | None, failed: QuietcoreError | None = None) -> Verdict:
    """Preview the stack with the pack and give the verdict.

    ``run`` is what the program declares by itself; None where it ``failed`` without an engine. Raises EnvironmentFault
    where there is no such stack or pack.
    """
    state = registered_from(order.engine.export(order.stack), f"stack {order.stack}")
    with _scratch() as scratch:
        pack, record = pack_for(order.engine.folder, order.pack, scratch), scratch / "record.json"
        log = scratch / "events.json"
        words = ["preview", "--stack", order.stack, "--suppress-progress", "--policy-pack", str(pack)]
        words += ["--policy-pack-config", str(config_for(scratch, record)), "--event-log", str(log)]
        ended = order.engine.follow(*words, tell=order.tell)
        events, judged = _events(log), read_record(record)
    found = judgement.all_findings(run.findings if run else None, judged)
    shared = _shared(events, judged, found)
    died = ended.log if ended.code and judged is None else ""
    faults = judgement.faults(events, found, explained=_explained(shared, found), last=died)
    if failed is not None and judged is None:
        faults = (("", str(failed)), *(fault for fault in faults if fault[0]))
    before = site_from(state)
    return Verdict(
        stack=order.stack,
        offline=order.offline,
        findings=found,
        spared=judgement.all_spared(run.spared if run else (), judged),
        hidden=judgement.hidden(events, run.resources) if run and judged else (),
        unobserved=judgement.unobserved(events),
        faults=faults,
        changes=changes(events),
        cpus=cpu_maps(before, run.site if run else None),
        code=ended.code,
        log=ended.log,
        **shared,
    )


def audit(order: Order, project: Path | None, text: str, exemptions: str = "") -> Verdict:
    """Judge ``text``, an exported state, with the pack of the ``project``; the order's stack may be a file's name.

    ``exemptions`` are those of the stack's configuration, which the engine does not hand to packs here by itself.
    """
    state = registered_from(text, order.stack)
    with _scratch() as scratch:
        pack, record, file = pack_for(project, order.pack, scratch), scratch / "record.json", scratch / "state.json"
        file.write_text(text, encoding="utf-8")
        words = ["policy", "analyze", "--json", "--file", str(file), "--policy-pack", str(pack)]
        words += ["--policy-pack-config", str(config_for(scratch, record))]
        config = {"PULUMI_CONFIG": json.dumps({CONFIG: exemptions})} if exemptions else {}
        ended = replace(order.engine, given=config).follow(*words, tell=order.tell, apart=True)
        events, judged = read_events(ended.data.splitlines()), read_record(record)
    found = judgement.all_findings(None, judged)
    shared = _shared(events, judged, found)
    return Verdict(
        stack=order.stack,
        verb="audit",
        offline=True,
        findings=found,
        spared=judgement.all_spared((), judged),
        faults=judgement.faults(events, found, explained=_explained(shared, found)),
        cpus=cpu_maps(None, site_from(state)),
        code=ended.code,
        **shared,
    )


def _shared(events: Events, record: Record | None, found: tuple[Finding, ...]) -> dict[str, Any]:
    """What a preview's verdict and a state's have in common."""
    return {
        "counts": events.counts,
        "violations": judgement.violations(events, found, record),
        "undecided": tuple(record.undecided) if record else (),
        "resources": record.resources if record else len(events.steps),
        "judged": record.judged if record else None,
    }


def _explained(shared: Mapping[str, Any], found: tuple[Finding, ...]) -> bool:
    """Whether a rule or a policy refuses, so that the engine's own words on that add nothing."""
    mandatory = any(each.level == "mandatory" for each in shared["violations"])
    return mandatory or bool(shared["undecided"]) or any(each.severity is Severity.ERROR for each in found)


def _events(log: Path) -> Events:
    if not log.is_file():
        return Events()
    with log.open(encoding="utf-8", errors="replace") as lines:
        return read_events(lines)


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """A folder that only this user can read, as event logs hold what a program declares."""
    with TemporaryDirectory(prefix="quietcore-gate-") as folder:
        yield Path(folder)
