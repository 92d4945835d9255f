"""A verdict as SARIF 2.1.0, for code scanning (OASIS, Static Analysis Results Interchange Format)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from importlib import metadata
from typing import Any, Final

from quietcore.gate.place import Place, Program, subject_of
from quietcore.gate.verdict import Kind, Reason, Verdict
from quietcore.rules.catalogue import CATALOGUE
from quietcore.rules.rule import Rule
from quietcore.spec.exemption import ExemptionSpec
from quietcore.spec.finding import Finding, Severity

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_ROOT: Final = "%SRCROOT%"
_URL: Final = re.compile(r"https?://[^\s)\]>,]+")
_OTHERS: Final = {
    Kind.POLICY: ("Another policy refuses", "A policy that stands beside quietcore's in the pack refuses a resource."),
    Kind.UNDECIDED: (
        "A rule could not be decided",
        "A value that only `up` will know hides what a mandatory rule would say. A plain preview passes all the same.",
    ),
    Kind.UNOBSERVED: ("A host was not observed", "A host did not answer: drift on it was not looked for."),
    Kind.UNJUDGED: ("The stack was not judged", "The policy pack did not come to its end."),
    Kind.ENGINE: ("The preview failed", "The program, a plugin or the engine failed before everything was judged."),
}


def sarif(verdict: Verdict, program: Program) -> str:
    """The verdict as a SARIF log of one run; what exemptions spare stands in it as suppressed."""
    results = [_of_finding(finding, program) for finding in verdict.findings]
    results += [_of_finding(finding, program, exemption) for exemption, finding in verdict.spared]
    results += [_of_reason(reason, program) for reason in verdict.reasons if reason.kind is not Kind.FINDING]
    rules = list(_rules(result["ruleId"] for result in results))
    order = {rule["id"]: index for index, rule in enumerate(rules)}
    driver = {"name": "quietcore", "version": metadata.version("quietcore"), "rules": rules}
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"quietcore/{verdict.verb}/{verdict.stack}/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {"executionSuccessful": verdict.judged is not None, "exitCode": int(not verdict.passed)},
        ],
        "results": [{**result, "ruleIndex": order[result["ruleId"]]} for result in results],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _of_finding(finding: Finding, program: Program, exemption: ExemptionSpec | None = None) -> dict[str, Any]:
    rows = (("given", finding.given), ("allowed", finding.allowed), ("hint", finding.hint))
    body = [f"{name}: {value}" for name, value in rows if value]
    name = subject_of(finding.where)
    place = Place(finding.file, finding.line) if finding.line else program.place(name)
    result = _result(finding.code, _LEVELS[finding.severity], "\n".join([f"{finding.title}: {finding.where}", *body]))
    result["locations"] = [_location(place, name, finding.where)]
    result["partialFingerprints"] = _fingerprint(finding.code, finding.where)
    if exemption is not None:
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": str(exemption)}]
    return result


def _of_reason(reason: Reason, program: Program) -> dict[str, Any]:
    hint = f"\nhint: {reason.hint}" if reason.hint else ""
    result = _result(reason.kind, "error", f"{reason.text}{hint}")
    result["locations"] = [_location(program.place(reason.subject), reason.subject, reason.subject or "stack")]
    result["partialFingerprints"] = _fingerprint(reason.kind, f"{reason.subject} {reason.text}")
    return result


def _result(rule: str, level: str, text: str) -> dict[str, Any]:
    return {"ruleId": str(rule), "level": level, "message": {"text": text}}


def _location(place: Place, name: str, full: str) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": place.file, "uriBaseId": _ROOT}}
    physical["region"] = {"startLine": place.line or 1}
    logical = {"fullyQualifiedName": full, "kind": "resource", **({"name": name} if name else {})}
    return {"physicalLocation": physical, "logicalLocations": [logical]}


def _fingerprint(rule: str, where: str) -> dict[str, str]:
    """One that stays while lines move."""
    return {"quietcore/v1": hashlib.sha256(f"{rule} {where}".encode()).hexdigest()[:32]}


def _rules(used: Iterable[str]) -> Iterator[dict[str, Any]]:
    known = {rule.code: rule for rule in CATALOGUE}
    for code in dict.fromkeys(used):
        yield _described(known[code]) if code in known else _other(code)


def _described(rule: Rule[Any]) -> dict[str, Any]:
    doc = rule.doc
    parts = (("What", doc.what), ("Why", doc.why), ("Fix", doc.fix))
    sources = [str(each) for each in doc.sources]
    listed = "\n".join(f"- {each}" for each in sources)
    return {
        "id": rule.code,
        "name": _pascal(rule.title),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": doc.what},
        "help": {
            "text": "\n\n".join(f"{name}: {text}" for name, text in parts) + f"\n\nSources:\n{listed}",
            "markdown": "\n\n".join(f"**{name}.** {text}" for name, text in parts) + f"\n\nSources:\n\n{listed}\n",
        },
        **_help_uri(rule.code, sources),
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _other(code: str) -> dict[str, Any]:
    title, what = _OTHERS.get(Kind(code), (code, code)) if code in set(Kind) else (code, code)
    return {
        "id": code,
        "name": _pascal(title),
        "shortDescription": {"text": title},
        "fullDescription": {"text": what},
        "help": {"text": what, "markdown": what},
        **_help_uri(code, ()),
        "defaultConfiguration": {"level": "error"},
    }


def _help_uri(code: str, sources: Iterable[str]) -> dict[str, str]:
    """The rule's page where the package names its documentation, else the first source that has an address."""
    named = (each.partition(", ") for each in metadata.metadata("quietcore").get_all("Project-URL") or ())
    pages = next((url.rstrip("/") for label, _, url in named if label.lower() == "documentation"), "")
    found = f"{pages}/reference/rules/{code}" if pages else next((f[0] for s in sources if (f := _URL.search(s))), "")
    return {"helpUri": found} if found else {}


def _pascal(title: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", title))
