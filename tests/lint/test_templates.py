"""A template is no broken file: it is told, and no error."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.lint.sample import write

from quietcore.lint import Options, Verdict, lint

PROFILE = (
    "apiVersion: performance.openshift.io/v2\nkind: PerformanceProfile\nmetadata: {name: cell}\nspec:\n"
    "  cpu:\n    isolated: 2-7\n    reserved: 0-1\n  nodeSelector: {node-role.kubernetes.io/worker-cnf: ''}\n"
)
POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: plc\nspec:\n  containers: []\n"
DOMAIN = "<domain type='kvm'>\n  <name>a</name>\n  <vcpu>2</vcpu>\n</domain>\n"


def judged(folder: Path, text: str, name: str = "it.yaml") -> Verdict:
    return lint([write(folder, {f"site/{name}": text})], Options())


@pytest.mark.parametrize(
    ("text", "name", "reason"),
    [
        (PROFILE.replace("2-7", "$isolated"), "a.yaml", "a template: give it with $isolated filled in"),
        (PROFILE.replace("0-1", "${RESERVED}"), "a.yaml", "a template: give it with ${RESERVED} filled in"),
        (
            POD.replace("name: plc", "name: {{ .Values.name }}"),
            "a.yaml",
            "a template: give it with name: {{ .Values.name }} filled in",
        ),
        (
            DOMAIN.replace("<name>", "<name {% if x %}>"),
            "a.xml",
            "a template: give it with <name {% if x %}>a</name> filled in",
        ),
    ],
)
def test_a_template_is_not_judged(tmp_path: Path, text: str, name: str, reason: str) -> None:
    verdict = judged(tmp_path, text, name)
    assert verdict.findings == ()
    assert verdict.unjudged == ((str(tmp_path / "site" / name), reason),)
    assert verdict.judged == 0


@pytest.mark.parametrize(
    "text",
    [
        PROFILE.replace("2-7", "two"),
        "# {{ not here }}\n" + PROFILE.replace("2-7", "two"),
        POD.replace("name: plc", "name: plc: plc"),
    ],
)
def test_a_mistake_is_no_template(tmp_path: Path, text: str) -> None:
    verdict = judged(tmp_path, text)
    assert [finding.code for finding in verdict.findings] == ["S07"]
    assert verdict.unjudged == ()


def test_a_part_of_an_object_says_what_it_lacks(tmp_path: Path) -> None:
    verdict = judged(tmp_path, "kind: PerformanceProfile\nmetadata: {name: cell}\n")
    assert [reason for _, reason in verdict.unjudged] == ["a PerformanceProfile without apiVersion"]
