"""What the engine's event log holds: a step for each resource, what was said, what policies report, and the sum."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from quietcore.resources.site import PROVIDER

_REPLACES: Final = frozenset({"replace", "create-replacement", "delete-replaced", "discard-replaced"})
_UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine writes for a value that is not known yet (sdk/go/common/resource/plugin/rpc.go)."""
SAME: Final = "same"


@dataclass(frozen=True)
class Step:
    """What `up` would do with one resource; ``op`` is the engine's word, one ``replace`` for all parts of one.

    ``aimless`` is a libvirt provider whose URI is not known yet: it asks no host.
    """

    urn: str
    op: str
    type: str
    name: str
    parent: str = ""
    provider: str = ""
    aimless: bool = False


@dataclass(frozen=True)
class Said:
    """A line to the user; ``urn`` is "" where it belongs to no resource."""

    severity: str
    text: str
    urn: str = ""


@dataclass(frozen=True)
class Violation:
    """What a policy reports; ``level`` is `mandatory` or `advisory`."""

    pack: str
    policy: str
    level: str
    text: str
    urn: str = ""


@dataclass(frozen=True)
class Events:
    """One run of the engine; ``result`` is "" where it never came to its summary."""

    steps: tuple[Step, ...] = ()
    said: tuple[Said, ...] = ()
    violations: tuple[Violation, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    result: str = ""


def read_events(lines: Iterable[str]) -> Events:
    """Read an event log, one JSON object a line; a half line, which a killed engine leaves, is passed over."""
    steps: dict[str, Step] = {}
    said: list[Said] = []
    violations: list[Violation] = []
    summary: Mapping[str, Any] = {}
    for event in map(_parsed, lines):
        if "resourcePreEvent" in event:
            _take(steps, event["resourcePreEvent"]["metadata"])
        elif "diagnosticEvent" in event:
            said += _said(event["diagnosticEvent"])
        elif "policyEvent" in event:
            violations.append(_violation(event["policyEvent"]))
        elif "summaryEvent" in event:
            summary = event["summaryEvent"]
    return Events(
        tuple(steps.values()),
        tuple(said),
        tuple(dict.fromkeys(violations)),
        dict(summary.get("resourceChanges") or {}),
        str(summary.get("result") or ""),
    )


def name_of(urn: str) -> str:
    """The name at the end of a URN."""
    return urn.rpartition("::")[2]


def _parsed(line: str) -> Mapping[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _take(steps: dict[str, Step], metadata: Mapping[str, Any]) -> None:
    urn, op = str(metadata["urn"]), str(metadata["op"])
    known = steps.get(urn)
    if op in _REPLACES or (known is not None and known.op == "replace"):
        op = "replace"
    state = metadata.get("new") or metadata.get("old") or {}
    provider = str(metadata.get("provider") or "").rpartition("::")[0]
    parent = str(state.get("parent") or "")
    kind, inputs = str(metadata["type"]), state.get("inputs") or {}
    aimless = kind == PROVIDER and inputs.get("uri") == _UNKNOWN
    steps[urn] = Step(urn, op, kind, name_of(urn), parent, provider, aimless)


def _said(event: Mapping[str, Any]) -> list[Said]:
    severity, text = str(event.get("severity")), str(event.get("message") or "").rstrip()
    if event.get("ephemeral") or severity == "debug" or not text:
        return []
    return [Said(severity, text, str(event.get("urn") or ""))]


def _violation(event: Mapping[str, Any]) -> Violation:
    return Violation(
        str(event.get("policyPackName") or ""),
        str(event.get("policyName") or ""),
        str(event.get("enforcementLevel") or ""),
        str(event.get("message") or "").strip(),
        str(event.get("resourceUrn") or ""),
    )
