"""The reference pages: what is committed is what the rules say."""

from pathlib import Path

import pytest

from quietcore.rules.catalogue import CATALOGUE, by_code
from quietcore.rules.docs import WIDTH, explain, overview, page, pages, write

FOLDER = Path(__file__).parents[2] / "docs" / "reference" / "rules"
MEND = "run: python -m quietcore.rules.docs docs/reference/rules"


def test_the_committed_pages_are_exactly_the_generated_ones() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(pages()), MEND


@pytest.mark.parametrize("name", pages())
def test_each_committed_page_says_what_its_rule_says(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == pages()[name], MEND


@pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.code)
def test_text_and_page_hold_everything(rule: object) -> None:
    rule = by_code(rule.code)
    text, markdown = " ".join(explain(rule).split()), page(rule)
    for part in (rule.title, rule.doc.what, rule.doc.why, rule.doc.fix, *rule.doc.sources):
        assert " ".join(part.split()) in text
        assert part[1:] in markdown
    assert f"[{rule.code}]" in markdown


def test_lines_of_the_text_fit_a_terminal() -> None:
    prose = [line for rule in CATALOGUE for line in explain(rule).splitlines() if not line.startswith("    ")]
    assert max(map(len, prose)) <= WIDTH


def test_the_overview_lists_every_rule_once() -> None:
    assert [line.split()[0] for line in overview().splitlines() if line.startswith("  ")] == [r.code for r in CATALOGUE]


def test_writing_removes_pages_of_rules_that_are_gone_and_then_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "X99.md").write_text("old")
    assert "X99.md" in write(tmp_path)
    assert not (tmp_path / "X99.md").exists()
    assert write(tmp_path) == []
