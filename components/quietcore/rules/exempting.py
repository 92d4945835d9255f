"""Exemptions applied to findings, and the rules on exemptions themselves: none may outlive its day or its cause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any

from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec.exemption import ExemptionSpec
from quietcore.spec.finding import Finding, Severity, in_order


@dataclass(frozen=True)
class Decision:
    """An exemption on a day, beside the codes of all rules.

    ``needed`` is whether it spared a finding, None where not all findings are known.
    """

    exemption: ExemptionSpec
    today: date
    codes: frozenset[str]
    needed: bool | None = None

    @property
    def known(self) -> bool:
        """Whether there is a rule of that code that can be spared."""
        return self.exemption.code.upper() in self.codes and not _binds(self.exemption.code)


@dataclass(frozen=True)
class Ruling:
    """What is left of findings once exemptions are applied, and what each exemption spared."""

    kept: list[Finding]
    spared: list[tuple[ExemptionSpec, Finding]]


def exempt(findings: Iterable[Finding], exemptions: Sequence[ExemptionSpec], today: date) -> Ruling:
    """Part the findings that an exemption spares today from those that stand.

    None spares a rule on exemptions, nor one without which nothing can be judged: what is unreadable, or not assigned.
    """
    kept: list[Finding] = []
    spared: list[tuple[ExemptionSpec, Finding]] = []
    for finding in findings:
        decision = next((each for each in exemptions if each.spares(finding, today)), None)
        if decision is None or _binds(finding.code):
            kept.append(finding)
        else:
            spared.append((decision, finding))
    return Ruling(kept, spared)


def on_exemptions(
    exemptions: Iterable[ExemptionSpec], ruling: Ruling | None, today: date, codes: frozenset[str]
) -> list[Finding]:
    """The findings on the exemptions themselves; without a ruling, those that need none."""
    used = {decision for decision, _ in ruling.spared} if ruling else set()
    decisions = [Decision(each, today, codes, None if ruling is None else each in used) for each in exemptions]
    return in_order(
        finding.at(prefix=f"exemption {decision.exemption.code}")
        for decision in decisions
        for rule in RULES
        for finding in rule.findings(decision)
    )


def _expired(decision: Decision) -> Iterator[Hit]:
    exemption = decision.exemption
    if exemption.expires < decision.today:
        yield Hit(
            where=f'expires, for "{exemption.resource}"',
            given=f"{exemption.expires}, which has passed",
            allowed=f"{decision.today} or later",
            hint=f"mend {exemption.resource}, or ask {exemption.owner} to decide anew",
        )


def _example(today: str = "2026-06-01", needed: bool | None = True, **changes: Any) -> Decision:
    given = {
        "code": "D31",
        "resource": "plc-a",
        "reason": "vendor image needs the balloon until 4.2",
        "owner": "ops@plant",
        "expires": "2026-12-31",
        **changes,
    }
    return Decision(ExemptionSpec.model_validate(given), date.fromisoformat(today), frozenset({"D31"}), needed)


_GOOD = 'Exemption("old-image", code="D31", resource="plc-a", reason="...", owner="ops@plant", expires="2026-12-31")'

E01: Rule[Decision] = Rule(
    code="E01",
    title="exemption has expired",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=Decision,
    judge=_expired,
    doc=Doc(
        what="An exemption holds up to and with the day that it names; afterwards its rule binds again.",
        why="An exception that nobody looks at again becomes the rule. The day makes somebody look.",
        fix="mend the cause, or decide anew with another day",
        sources=(source("QUIETCORE", "exemptions"),),
        bad=Example(text=f"# on 2027-01-01\n{_GOOD}", subject=lambda: _example("2027-01-01")),
        good=Example(text=f"# on 2026-12-31\n{_GOOD}", subject=lambda: _example("2026-12-31")),
    ),
)


def _unused(decision: Decision) -> Iterator[Hit]:
    exemption = decision.exemption
    if decision.needed is False and decision.today <= exemption.expires and decision.known:
        yield Hit(
            where=f'resource "{exemption.resource}"',
            given=f"{exemption.code} finds nothing there",
            allowed="a finding that it spares",
            hint="remove the exemption, or mend its code or resource",
        )


E02: Rule[Decision] = Rule(
    code="E02",
    title="exemption spares nothing",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=Decision,
    judge=_unused,
    doc=Doc(
        what="An exemption names a rule that has a finding on the resource that it names.",
        why="One that spares nothing is a mistake in its code or name, or its cause is gone. Left where it is, it "
        "would silently spare the next mistake of that kind.",
        fix="remove the exemption",
        sources=(source("QUIETCORE", "exemptions"),),
        bad=Example(text=f"# plc-a has no balloon\n{_GOOD}", subject=lambda: _example(needed=False)),
        good=Example(text=f"# plc-a has a balloon\n{_GOOD}", subject=_example),
    ),
)


def _unknown_code(decision: Decision) -> Iterator[Hit]:
    code = decision.exemption.code
    if _binds(code) and code.upper() in decision.codes:
        yield Hit(where="code", given=code, allowed="a rule that can be spared", hint="mend what it finds")
    elif not decision.known:
        near = get_close_matches(code.upper(), sorted(decision.codes), n=1, cutoff=0.5)
        yield Hit(
            where="code",
            given=code,
            allowed="the code of a rule: quietcore explain lists them",
            hint=f"did you mean {near[0]}?" if near else "quietcore explain lists all rules",
        )


E03: Rule[Decision] = Rule(
    code="E03",
    title="exemption names no rule",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=Decision,
    judge=_unknown_code,
    doc=Doc(
        what="An exemption names a rule of the catalogue by its code, none on shapes (S), assignments (L) or "
        "exemptions (E).",
        why="A misspelt code spares nothing, and whoever reads the program believes that it does. Where a declaration "
        "cannot be read, or has no CPUs, no rule could judge it.",
        fix="write the code as the finding shows it",
        sources=(source("QUIETCORE", "exemptions"),),
        bad=Example(text=_GOOD.replace('code="D31"', 'code="D131"'), subject=lambda: _example(code="D131")),
        good=Example(text=_GOOD, subject=_example),
    ),
)


def _binds(code: str) -> bool:
    """Whether no exemption spares the rule."""
    return code.upper().startswith(_BINDING)


RULES: tuple[Rule[Any], ...] = (E01, E02, E03)
_BINDING = ("E", "L", "S")
"""On exemptions, assignments and shapes: where one of the last two refuses, nothing is left for others to judge."""
