"""A verdict as a comment for a merge or pull request: what to know before `up`, the log folded at the end."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.gate.change import Change, by_owner
from quietcore.gate.cpus import CpuMaps
from quietcore.gate.section import Section, cell, code, fence, fitted, folded, table
from quietcore.gate.terminal import changed, counted
from quietcore.gate.verdict import Kind, Verdict
from quietcore.spec.finding import Severity


def markdown(verdict: Verdict) -> str:
    """The comment, at most 64,000 bytes of UTF-8: the log is cut first, then whole rows from the end."""
    sections = [_head(verdict), *_refused(verdict)]
    if verdict.verb == "gate":
        sections += [*_restarts(verdict), *_unobserved(verdict)]
    sections += list(_exempt(verdict))
    if verdict.verb == "gate":
        sections += list(_changes(verdict))
    sections += [*_cpus(verdict), *_advice(verdict)]
    return fitted(sections, verdict.log, f"Log of the {'preview' if verdict.verb == 'gate' else 'audit'}")


def marker(verdict: Verdict) -> str:
    """The first line, by which a job finds its comment to write it anew."""
    return f"<!-- quietcore {verdict.verb} {verdict.stack.replace('--', '')} -->"


def _head(verdict: Verdict) -> Section:
    said = "passed" if verdict.passed else "refused"
    told = ", ".join(counted(verdict)) or "no findings"
    parts = [f"**{told}**"]
    parts += [changed(verdict)] if verdict.verb == "gate" else []
    parts += [f"{verdict.judged} of {verdict.resources} resources judged"] if verdict.judged is not None else []
    mark = "✅" if verdict.passed else "❌"
    return Section(
        (marker(verdict), f"## {mark} quietcore {verdict.verb} {code(verdict.stack)}: {said}", "", "; ".join(parts))
    )


def _refused(verdict: Verdict) -> Iterator[Section]:
    errors = [finding for finding in verdict.findings if finding.severity is Severity.ERROR]
    if errors:
        rows = [
            (
                code(each.code),
                f"**{cell(each.title)}**<br>{cell(each.where)}",
                cell(each.given),
                "<br>".join(cell(part) for part in (each.allowed, each.hint) if part),
            )
            for each in errors
        ]
        yield table("Errors", ("rule", "what and where", "given", "allowed, and what to do"), rows)
    others = [reason for reason in verdict.reasons if reason.kind is not Kind.FINDING]
    if others:
        rows = [(str(each.kind), code(each.subject), cell(each.text), cell(each.hint)) for each in others]
        yield table("Errors of other kinds" if errors else "Errors", ("kind", "resource", "what", "what to do"), rows)


def _advice(verdict: Verdict) -> Iterator[Section]:
    told = [finding for finding in verdict.findings if finding.severity is not Severity.ERROR]
    rows = [
        (code(each.code), f"**{cell(each.title)}**<br>{cell(each.where)}", cell(each.given), cell(each.hint))
        for each in told
    ]
    rows += [
        ("policy", code(each.policy), cell(each.text), "") for each in verdict.violations if each.level != "mandatory"
    ]
    if rows:
        yield table("Advice", ("rule", "what and where", "given", "what to do"), rows)


def _unobserved(verdict: Verdict) -> Iterator[Section]:
    if verdict.offline and verdict.unobserved:
        hosts = [(code(each.host), cell(each.why)) for each in verdict.unobserved]
        yield table("Not observed, as `--offline` allows: drift was not looked for", ("host", "why"), hosts)


def _exempt(verdict: Verdict) -> Iterator[Section]:
    rows = [
        (code(each.code), code(each.resource), str(each.expires), cell(each.reason), code(each.owner))
        for each in verdict.exemptions
    ]
    if rows:
        yield table("Exemptions in force", ("rule", "resource", "until", "reason", "owner"), rows)


def _restarts(verdict: Verdict) -> Iterator[Section]:
    rows = [
        (cell(change.owner), f"{change.op} {change.kind} {code(change.name)}", f"**{change.when}**")
        for change in verdict.restarts
    ]
    if rows:
        yield table("⚠️ Restarts and reboots", ("of", "change", "effect"), rows)


def _changes(verdict: Verdict) -> Iterator[Section]:
    groups = list(by_owner(verdict.changes))
    if groups:
        yield Section(("### Changes",))
    for owner, group in groups:
        rows = [(change.op, f"{change.kind} {code(change.name)}", change.when, _lines(change)) for change in group]
        noun, _, name = owner.partition(" ")
        title = f"{noun} {code(name)}" if noun in ("node", "host", "domain") else owner
        yield table(title, ("change", "resource", "effect", "what"), rows, level=4)


def _lines(change: Change) -> str:
    return "<br>".join(cell(line) for line in change.lines)


def _cpus(verdict: Verdict) -> Iterator[Section]:
    if verdict.cpus:
        yield Section(("### CPUs",))
    for maps in verdict.cpus:
        yield _cpu(maps, verdict.verb)


def _cpu(maps: CpuMaps, verb: str) -> Section:
    if verb == "audit":
        return folded(f"{maps.host}, as applied last", maps.after)
    if not maps.changed:
        return folded(f"{maps.host}, unchanged", maps.after)
    before = fence(maps.before) if maps.before else ("Nothing was applied yet.",)
    after = fence(maps.after) if maps.after else ("Not known, or no longer declared.",)
    return Section((f"**{maps.host}, before**", "", *before, "", f"**{maps.host}, after**", "", *after))
