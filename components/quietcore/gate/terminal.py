"""A verdict in words for a terminal and a log."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from quietcore.gate.change import by_owner
from quietcore.gate.verdict import Kind, Verdict
from quietcore.spec.finding import Finding, Severity

Show = Callable[[Finding], str]


def text(verdict: Verdict, show: Show = Finding.text) -> str:
    """Findings, what else refuses, exemptions, what changes, and the verdict as the last line."""
    blocks = [f"{show(finding)}\n" for finding in verdict.findings]
    blocks += [_block(lines) for lines in (_others(verdict), _notes(verdict), _changes(verdict)) if lines]
    return "\n".join([*blocks, summary(verdict)]) + "\n"


def summary(verdict: Verdict) -> str:
    """`gate lab: refused (1 error, 2 values not known yet); 4 of 10 resources judged`."""
    judged = (
        f"{verdict.judged} of {_plural(verdict.resources, 'resource')} judged" if verdict.judged is not None else ""
    )
    told = ", ".join(counted(verdict))
    said = "passed" if verdict.passed else "refused"
    return f"{verdict.verb} {verdict.stack}: {said}{f' ({told})' if told else ''}{'; ' + judged if judged else ''}"


def counted(verdict: Verdict) -> Iterator[str]:
    """What was found, in words: `1 error`, `2 warnings`, `1 value not known yet`."""
    for severity, noun in ((Severity.ERROR, "error"), (Severity.WARNING, "warning")):
        if verdict.count(severity):
            yield _plural(verdict.count(severity), noun)
    mandatory = sum(each.level == "mandatory" for each in verdict.violations)
    if mandatory:
        yield _plural(mandatory, "policy violation")
    if verdict.undecided:
        yield f"{_plural(len(verdict.undecided), 'value')} not known yet"
    if verdict.unobserved:
        yield f"{_plural(len(verdict.unobserved), 'host')} not observed{', as --offline allows' * verdict.offline}"
    if verdict.faults or (verdict.code and not any(_refusing(verdict))):
        yield _plural(max(1, len(verdict.faults)), "failure")
    if verdict.judged is None:
        yield "the stack was not judged"
    if verdict.exemptions:
        yield _plural(len(verdict.exemptions), "exemption")


def changed(verdict: Verdict) -> str:
    """`10 to create, 1 to update`; the engine's own count."""
    counts = ((op, count) for op, count in sorted(verdict.counts.items()) if op != "same")
    return ", ".join(f"{count} to {op}" for op, count in counts) or "no changes"


def _refusing(verdict: Verdict) -> Iterator[bool]:
    yield from (reason.kind is not Kind.ENGINE for reason in verdict.reasons)


def _others(verdict: Verdict) -> list[str]:
    lines = []
    for reason in verdict.reasons:
        if reason.kind is not Kind.FINDING:
            place = f"{reason.subject}: " if reason.subject else ""
            lines += [f"{reason.kind}: {place}{reason.text}"]
            lines += [f"  hint: {reason.hint}"] if reason.hint else []
    return lines


def _notes(verdict: Verdict) -> list[str]:
    lines = [f"advice: {each.policy}: {each.text}" for each in verdict.violations if each.level != "mandatory"]
    lines += [f"exempt: {exemption}" for exemption in verdict.exemptions]
    if verdict.offline:
        lines += [f"not observed, as --offline allows: {each.host}: {each.why}" for each in verdict.unobserved]
    return lines


def _changes(verdict: Verdict) -> list[str]:
    if verdict.verb == "audit":
        return []
    lines = []
    for owner, group in by_owner(verdict.changes):
        lines.append(f"{owner}:")
        for change in group:
            when = f" ({change.when})" if change.when else ""
            lines.append(f"  {change.op} {change.kind} {change.name}{when}")
            lines += [f"    {line}" for line in change.lines]
    return lines


def _block(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
