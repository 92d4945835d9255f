"""A verdict as JUnit XML: a suite for each resource, in it a case for each layer of rules."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from quietcore.gate.place import subject_of
from quietcore.gate.terminal import summary
from quietcore.gate.verdict import Kind, Verdict
from quietcore.rules.docs import LAYERS
from quietcore.spec.exemption import ExemptionSpec
from quietcore.spec.finding import Finding, Severity

_SITE = "the whole stack"
_GATE: dict[Kind, str] = {
    Kind.UNJUDGED: "the whole stack is judged",
    Kind.UNDECIDED: "every rule is decided",
    Kind.UNOBSERVED: "every host is observed",
    Kind.ENGINE: "the engine comes to its end",
    Kind.POLICY: "other policies",
}


def junit(verdict: Verdict, resources: Iterable[str] = ()) -> str:
    """The verdict as JUnit XML; ``resources`` are those that were judged, so that those without findings show too."""
    root = etree.Element("testsuites", name=f"quietcore {verdict.verb} {verdict.stack}")
    cases: dict[str, dict[str, etree._Element]] = {}
    for name in resources:
        _case(cases, name, "rules")
    for finding in verdict.findings:
        _take(_case(cases, _subject(finding), LAYERS.get(finding.code[:1], "Rules")), finding)
    for exemption, finding in verdict.spared:
        _spare(_case(cases, _subject(finding), f"{finding.code} (exempt)"), exemption, finding)
    _take_gate(cases, verdict)
    for suite, named in cases.items():
        root.append(_suite(suite, named.values()))
    totals = ("tests", "failures", "skipped")
    root.attrib.update({name: str(sum(int(suite.get(name, "0")) for suite in root)) for name in totals})
    etree.SubElement(root[-1], "system-out").text = _clean(summary(verdict))
    etree.indent(root)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True).decode() + "\n"


def _take_gate(cases: dict[str, dict[str, etree._Element]], verdict: Verdict) -> None:
    """What the gate asks for besides the rules: one case each, failed or not."""
    for kind, title in _GATE.items():
        if verdict.verb == "audit" and kind is Kind.UNOBSERVED:
            continue
        case = _case(cases, "gate", title)
        reasons = [reason for reason in verdict.reasons if reason.kind is kind]
        if reasons:
            lines = [f"{reason.subject}: {reason.text}" if reason.subject else reason.text for reason in reasons]
            _failure(case, lines[0], kind, "\n".join(lines))
        elif kind is Kind.UNOBSERVED and verdict.unobserved:
            hosts = ", ".join(each.host for each in verdict.unobserved)
            etree.SubElement(case, "skipped", message=_clean(f"not observed, as --offline allows: {hosts}"))


def _case(cases: dict[str, dict[str, etree._Element]], suite: str, name: str) -> etree._Element:
    named = cases.setdefault(suite, {})
    if name not in named:
        named[name] = etree.Element("testcase", classname=_clean(suite), name=_clean(name), time="0")
    return named[name]


def _take(case: etree._Element, finding: Finding) -> None:
    """An error is a failure; JUnit knows no warning, so the others are what the case printed."""
    if finding.severity is Severity.ERROR:
        _failure(case, f"{finding.code}: {finding.title}", finding.code, finding.text())
        return
    out = case.find("system-out")
    out = etree.SubElement(case, "system-out") if out is None else out
    out.text = _clean(f"{out.text}\n\n{finding.text()}" if out.text else finding.text())


def _failure(case: etree._Element, message: str, kind: str, text: str) -> None:
    """One failure for a case: readers such as GitLab show the first only, so others are told within it."""
    known = case.find("failure")
    if known is None:
        failure = etree.Element("failure", message=_clean(message), type=str(kind))
        failure.text = _clean(text)
        case.insert(0, failure)
    else:
        known.set("message", f"{known.get('message')}; {_clean(message)}")
        known.text = f"{known.text}\n\n{_clean(text)}"


def _spare(case: etree._Element, exemption: ExemptionSpec, finding: Finding) -> None:
    etree.SubElement(case, "skipped", message=_clean(f"exempt: {exemption}")).text = _clean(finding.text())


def _suite(name: str, cases: Iterable[etree._Element]) -> etree._Element:
    suite = etree.Element("testsuite", name=_clean(name))
    suite.extend(cases)
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", "0")
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    suite.set("time", "0")
    return suite


def _subject(finding: Finding) -> str:
    return subject_of(finding.where) or _SITE


def _clean(text: str) -> str:
    """Without what XML 1.0 cannot hold."""
    return "".join(
        each if each in "\t\n\r" or " " <= each <= "\ud7ff" or "\ue000" <= each <= "\ufffd" or each > "\uffff" else "?"
        for each in text
    )
