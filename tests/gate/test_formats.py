"""The verdict as SARIF, JUnit XML, Markdown and JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from tests.gate import sample

from quietcore.gate.change import Change
from quietcore.gate.engine import plain
from quietcore.gate.junit import junit
from quietcore.gate.markdown import markdown
from quietcore.gate.place import Place, Program, program_in
from quietcore.gate.sarif import sarif
from quietcore.gate.section import LIMIT
from quietcore.gate.verdict import Verdict
from quietcore.rules.catalogue import CATALOGUE
from quietcore.spec.finding import Finding

PROGRAM = Program(Place("stacks/__main__.py"), {"plc-a": (Place("stacks/lab.py", 7),)})
SCHEMA = Path(__file__).parent / "schema/sarif-2.1.0-rtm.5.json"


def results(verdict: Verdict) -> list[dict[str, Any]]:
    return json.loads(sarif(verdict, PROGRAM))["runs"][0]["results"]  # type: ignore[no-any-return]


def every_rule() -> Verdict:
    found = [Finding(code=rule.code, title=rule.title, where="x", given="y") for rule in CATALOGUE]
    return sample.full(findings=tuple(found))


@pytest.mark.parametrize("verdict", [sample.clean(), sample.full(), sample.clean(judged=None, code=1), every_rule()])
def test_sarif_is_valid_by_its_schema(verdict: Verdict) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    checker = jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())
    assert [error.message for error in checker.iter_errors(json.loads(sarif(verdict, PROGRAM)))] == []


def test_sarif_points_at_the_line_that_names_the_node_and_else_at_the_programs_entry() -> None:
    of = {result["ruleId"]: result["locations"][0] for result in results(sample.full())}
    assert of["D06"]["physicalLocation"]["artifactLocation"]["uri"] == "stacks/lab.py"
    assert of["D06"]["physicalLocation"]["region"] == {"startLine": 7}
    assert of["D06"]["logicalLocations"][0]["fullyQualifiedName"] == 'node "plc-a", pins[2]'
    assert of["D33"]["physicalLocation"]["artifactLocation"]["uri"] == "stacks/__main__.py"


def test_sarif_holds_each_reason_and_what_is_exempt_as_suppressed() -> None:
    told = results(sample.full())
    assert {result["ruleId"] for result in told} == {
        "D06",
        "D33",
        "D31",
        "policy",
        "undecided",
        "not-observed",
        "engine",
    }
    (spared,) = [result for result in told if result["ruleId"] == "D31"]
    assert spared["suppressions"][0]["justification"] == str(sample.EXEMPTION)


def test_sarif_names_a_result_the_same_while_lines_move() -> None:
    moved = json.loads(sarif(sample.full(), Program(Place("elsewhere.py"))))["runs"][0]["results"]
    prints = [result["partialFingerprints"] for result in results(sample.full())]
    assert prints == [result["partialFingerprints"] for result in moved]
    assert len({str(each) for each in prints}) == len(prints)


def test_sarif_rules_say_what_why_and_how_to_mend() -> None:
    rules = json.loads(sarif(sample.full(), PROGRAM))["runs"][0]["tool"]["driver"]["rules"]
    (told,) = [rule for rule in rules if rule["id"] == "D06"]
    assert all(part in told["help"]["markdown"] for part in ("**What.**", "**Why.**", "**Fix.**", "Sources"))


def test_a_name_that_several_lines_write_is_nowhere_for_certain(tmp_path: Path) -> None:
    (tmp_path / "__main__.py").write_text('node("plc-a")\nnode("plc-b")\nprint("plc-b")\n')
    program = program_in(tmp_path, tmp_path)
    assert program.place("plc-a") == Place("__main__.py", 1)
    assert program.place("plc-b") == Place("__main__.py")


def test_places_are_relative_to_the_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    project = tmp_path / "plant"
    project.mkdir()
    (project / "__main__.py").write_text('node("plc-a")\n')
    assert program_in(project, project).place("plc-a") == Place("plant/__main__.py", 1)


def test_junit_has_a_suite_for_each_resource_and_a_case_for_each_layer() -> None:
    root = etree.fromstring(junit(sample.full(), ["plc-a", "plc-b"]).encode())
    suites = {suite.get("name"): suite for suite in root}
    assert set(suites) == {"plc-a", "plc-b", "raw", "gate"}
    assert suites["plc-a"].get("failures") == "1"
    assert suites["plc-b"].get("failures") == "0"
    assert suites["raw"].get("skipped") == "1"
    assert "guest has USB" in suites["raw"].findtext("testcase/system-out")
    assert root.get("failures") == str(len(root.findall("testsuite/testcase/failure")))
    assert root.get("tests") == str(len(root.findall("testsuite/testcase")))


def test_junit_of_a_stack_that_passes_has_cases_and_no_failure() -> None:
    root = etree.fromstring(junit(sample.clean(), ["plc-a"]).encode())
    assert (root.get("failures"), root.get("skipped")) == ("0", "0")
    assert int(root.get("tests")) > 1


def test_junit_skips_what_offline_allows() -> None:
    root = etree.fromstring(junit(sample.clean(unobserved=(sample.UNOBSERVED,), offline=True)).encode())
    assert root.get("failures") == "0"
    assert "hv1" in root.find(".//skipped").get("message")


def test_junit_takes_any_character() -> None:
    etree.fromstring(junit(sample.clean(faults=(("", "\x00\x1b[31mred\ufffe𝄞"),))).encode())


def test_the_comment_tells_everything() -> None:
    text = markdown(sample.full())
    assert text.splitlines()[0] == "<!-- quietcore gate dev -->"
    for part in (
        "`dev`: refused", "1 error", "1 to create", "D06", "xml.xslt", "hv1 cannot be reached", "naming",
        "### Exemptions in force", "`2027-03-31`".strip("`"), "ops@plant", "restarts the guest", "at next boot",
        "node `plc-a`", "**hv1, before**", "<summary>hv2, unchanged</summary>", "<summary>Log of the preview</summary>",
    ):  # fmt: skip
        assert part in text


def test_the_comment_is_no_place_for_markup_from_elsewhere() -> None:
    text = markdown(sample.full(findings=(Finding(code="D06", title="t", where="w", given="<img>|`x`\n# y @all"),)))
    assert "&lt;img&gt;\\|\\`x\\`<br>\\# y \\@all" in text
    assert "````text" in text  # the log holds three backticks


def test_the_log_is_cut_first_at_whole_lines_and_keeps_its_end() -> None:
    log = "".join(f"{number} Größe 𝄞 {'x' * 80}\n" for number in range(2000))
    text = markdown(sample.full(log=log))
    assert LIMIT - 400 < len(text.encode()) <= LIMIT
    assert "1999 Größe 𝄞" in text
    assert "\n0 Größe" not in text
    assert "of 2000 lines</summary>" in text
    assert text.rstrip().endswith("</details>")
    assert markdown(sample.full(log=""))[:-1] in text


def test_one_line_longer_than_the_limit_does_not_break_the_comment() -> None:
    text = markdown(sample.full(log="𝄞" * 40_000))
    assert len(text.encode()) <= LIMIT
    assert "𝄞" not in text


def test_a_thousand_findings_still_fit_and_say_what_is_left_out() -> None:
    found = [Finding(code="D06", title="t" * 60, where=f'node "n{number}"', given="g" * 80) for number in range(1000)]
    touched = [Change(f"node n{number}", sample.DOMAIN, f"n{number}", "create") for number in range(1000)]
    text = markdown(sample.full(findings=tuple(found), changes=tuple(touched)))
    assert len(text.encode()) <= LIMIT
    assert "more rows are left out" in text
    assert "1000 errors" in text


def test_json_names_reasons_by_kind() -> None:
    data = sample.full().as_json()
    assert data["verdict"] == "refused"
    assert {reason["kind"] for reason in data["reasons"]} == {
        "finding",
        "policy",
        "undecided",
        "not-observed",
        "engine",
    }
    json.dumps(data)


def test_colours_and_control_characters_are_no_part_of_a_log() -> None:
    assert plain("\x1b[1;31merror\x1b[0m\x1b]8;;http://x\x07link\x1b]8;;\x07\r\n\tit\x07") == "errorlink\n\tit"
