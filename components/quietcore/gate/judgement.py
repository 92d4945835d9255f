"""From what the engine, the pack and the check say to one verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from quietcore.gate.change import NOT_OBSERVED, host_of
from quietcore.gate.events import Events, Violation, name_of
from quietcore.gate.pack import OURS
from quietcore.gate.place import subject_of
from quietcore.gate.verdict import Unobserved
from quietcore.policy.lifted import is_lifted
from quietcore.policy.record import Record
from quietcore.resources.site import Registered
from quietcore.spec.exemption import ExemptionSpec
from quietcore.spec.finding import Finding, in_order

_LAST: Final = 12
"""Lines: a traceback's end with its message."""

_UNUSED: Final = "E02"

Spared = tuple[ExemptionSpec, Finding]


def all_findings(checked: Sequence[Finding] | None, record: Record | None) -> tuple[Finding, ...]:
    """The findings of both, each once; those of the check know their file. None where there was no check.

    An exemption is unused where neither of them needs it: each sees what an unknown value hides from the other.
    """
    given = (record.findings if record else (), checked or ())
    both = [{(each.code, each.where): each for each in findings} for findings in given]
    found = {key: finding for findings in both for key, finding in findings.items()}
    if checked is not None and record is not None:
        used = {key for key in found if key[0] == _UNUSED and not all(key in findings for findings in both)}
        found = {key: finding for key, finding in found.items() if key not in used}
    return tuple(in_order(found.values()))


def all_spared(checked: Iterable[Spared], record: Record | None) -> tuple[Spared, ...]:
    """What exemptions spare, of both, each once."""
    both = [*checked, *(record.spared if record else ())]
    return tuple({(found.code, found.where): (exemption, found) for exemption, found in both}.values())


def violations(events: Events, findings: Iterable[Finding], record: Record | None) -> tuple[Violation, ...]:
    """What policies report that is told nowhere else: those of others, and of ours what no finding tells.

    A resource alone is told by another place than within its stack: there, code and resource say that it is the same.
    """
    found = list(findings)
    texts = [finding.text(label=False) for finding in found]
    texts += [str(undecided) for undecided in (record.undecided if record else ())]
    told = tuple(texts)  # the engine puts the policy's description before what it reports
    known = {(f"[{finding.code}] ", subject_of(finding.where)) for finding in found}

    def repeats(each: Violation) -> bool:
        alone = "[" + each.text.partition("\n[")[2]
        same = any(alone.startswith(mark) and name == name_of(each.urn) for mark, name in known)
        return each.level != "mandatory" or each.text.endswith(told) or same

    return tuple(each for each in events.violations if each.policy not in OURS or not repeats(each))


def hidden(events: Events, declared: Iterable[Registered]) -> tuple[str, ...]:
    """The judged resources that the program declares by itself and that the preview has none of.

    Without an engine every value is taken for known, so what waits for one is declared there only.
    """
    previewed = {(step.type, step.name) for step in events.steps}
    return tuple(each.name for each in declared if is_lifted(each.type) and (each.type, each.name) not in previewed)


def unobserved(events: Events) -> tuple[Unobserved, ...]:
    """The hosts that did not answer, from the plugin's own lines, and those that nobody could ask yet."""
    known = {step.urn: step for step in events.steps}
    found: dict[str, list[tuple[str, str]]] = {}
    for said in events.said:
        if said.text.startswith(NOT_OBSERVED):
            why = said.text.removeprefix(NOT_OBSERVED)
            found.setdefault(host_of(said.urn, known), []).append((name_of(said.urn), why))
    for step in events.steps:
        provider = known.get(step.provider)
        if provider is not None and provider.aimless:
            found.setdefault(host_of(step.urn, known), []).append((step.name, "its URI is not known yet"))
    return tuple(
        Unobserved(host, lines[0][1], tuple(dict.fromkeys(name for name, _ in lines))) for host, lines in found.items()
    )


def faults(
    events: Events, findings: Iterable[Finding], *, explained: bool, last: str = ""
) -> tuple[tuple[str, str], ...]:
    """The engine's errors: those on resources, and the others where no rule or policy that refuses has ``explained``.

    A pack or an engine that dies leaves none: then what was printed ``last`` is told as it stands.
    """
    told = tuple(finding.text(label=False).split("\n", 1)[0] for finding in findings)
    found = dict.fromkeys(
        (name_of(said.urn), said.text)
        for said in events.said
        if said.severity == "error" and not said.text.startswith(told) and (said.urn or not explained)
    )
    if found or explained or not last:
        return tuple(found)
    printed = [said.text for said in events.said if said.severity == "info#err"] or last.split("\n")
    return (("", "\n".join([line for line in printed if line.strip()][-_LAST:])),)
