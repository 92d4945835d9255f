"""The verdict: all that is known of a preview or a state, and each reason why it must not pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from quietcore.gate.change import Change
from quietcore.gate.cpus import CpuMaps
from quietcore.gate.events import Violation, name_of
from quietcore.policy.record import Undecided
from quietcore.spec.exemption import ExemptionSpec
from quietcore.spec.finding import Finding, Severity


class Kind(StrEnum):
    """What a reason rests on."""

    FINDING = "finding"
    POLICY = "policy"
    UNDECIDED = "undecided"
    UNOBSERVED = "not-observed"
    UNJUDGED = "not-judged"
    ENGINE = "engine"


@dataclass(frozen=True)
class Reason:
    """Why the gate refuses. ``subject`` names the node, host or resource; "" where it is the whole stack."""

    kind: Kind
    text: str
    subject: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Unobserved:
    """A host that did not answer: drift on it was not looked for."""

    host: str
    why: str
    resources: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """``judged`` is None where the pack never came to judge the whole stack.

    ``hidden`` are names of resources that the program declares only once a value is known, so that the preview has
    none of them. ``faults`` are failures of the engine, the program or a plugin: (resource or "", text).
    """

    stack: str
    verb: str = "gate"
    offline: bool = False
    resources: int = 0
    judged: int | None = None
    findings: tuple[Finding, ...] = ()
    spared: tuple[tuple[ExemptionSpec, Finding], ...] = ()
    undecided: tuple[Undecided, ...] = ()
    hidden: tuple[str, ...] = ()
    violations: tuple[Violation, ...] = ()
    unobserved: tuple[Unobserved, ...] = ()
    faults: tuple[tuple[str, str], ...] = ()
    code: int = 0
    changes: tuple[Change, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    cpus: tuple[CpuMaps, ...] = ()
    log: str = ""

    @property
    def passed(self) -> bool:
        """Whether there is no reason to refuse."""
        return not self.reasons

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Each reason to refuse, the program's own first."""
        told = [*self._broken_rules(), *self._open_questions(), *self._failures()]
        if self.code and not told:
            told = [Reason(Kind.ENGINE, f"the engine ended with exit code {self.code}", hint="its log says why")]
        return tuple(told)

    @property
    def exemptions(self) -> tuple[ExemptionSpec, ...]:
        """The exemptions that are in force."""
        return tuple(dict.fromkeys(exemption for exemption, _ in self.spared))

    @property
    def restarts(self) -> tuple[Change, ...]:
        """The changes for which a guest restarts or stops, and those that wait for its next boot."""
        return tuple(change for change in self.changes if change.when not in ("", "live"))

    def count(self, severity: Severity) -> int:
        """How many findings have this severity."""
        return Counter(finding.severity for finding in self.findings)[severity]

    def as_json(self) -> dict[str, Any]:
        """The verdict as plain data, without the log."""
        return {
            "stack": self.stack,
            "verdict": "passed" if self.passed else "refused",
            "reasons": [{**asdict(reason), "kind": str(reason.kind)} for reason in self.reasons],
            "resources": self.resources,
            "judged": self.judged,
            "findings": [finding.as_json() for finding in self.findings],
            "exempt": [{**exemption.dump(), "finding": finding.as_json()} for exemption, finding in self.spared],
            "undecided": [asdict(each) for each in self.undecided],
            "hidden": list(self.hidden),
            "policies": [asdict(each) for each in self.violations],
            "not_observed": [asdict(each) for each in self.unobserved],
            "offline": self.offline,
            "faults": [{"resource": subject, "text": text} for subject, text in self.faults],
            "changes": [{**asdict(each), "when": each.when} for each in self.changes],
            "counts": dict(self.counts),
        }

    def _broken_rules(self) -> Iterator[Reason]:
        for finding in self.findings:
            if finding.severity is Severity.ERROR:
                yield Reason(Kind.FINDING, f"{finding.code}: {finding.title}", finding.where, finding.hint)
        for each in self.violations:
            if each.level == "mandatory":
                yield Reason(Kind.POLICY, f"{each.policy}: {each.text}", name_of(each.urn))

    def _open_questions(self) -> Iterator[Reason]:
        for undecided in self.undecided:
            text = f"no rule could judge {undecided.path}, which is not known before `up`"
            yield Reason(Kind.UNDECIDED, text, undecided.name, f"give {undecided.path} a value that the program knows")
        for name in self.hidden:
            text = "no rule could judge it: it is declared only once a value is known, such as inside apply()"
            yield Reason(Kind.UNDECIDED, text, name, "declare it outside, and give it the value as an argument")
        if not self.offline:
            for each in self.unobserved:
                hint = "let this job reach the host, or say --offline where this is meant"
                yield Reason(Kind.UNOBSERVED, f"the host was not observed: {each.why}", each.host, hint)

    def _failures(self) -> Iterator[Reason]:
        for subject, text in self.faults:
            yield Reason(Kind.ENGINE, text, subject)
        if self.judged is None:
            text = "the policy pack never judged the whole stack"
            yield Reason(
                Kind.UNJUDGED, text, hint="what was printed says why; a pack must hold policies() of quietcore"
            )
