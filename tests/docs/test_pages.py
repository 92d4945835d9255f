"""Links resolve, codes exist, quoted files are quoted as they are, pictures are what the tool draws now."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml
from tests.docs.pages import PAGES, ROOT, pictures, sections

from quietcore.rules.catalogue import CATALOGUE, UNFED

each = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
PICTURES = [(page, target, command) for page in PAGES for target, command in pictures(page)]
RULES = ROOT / "docs/reference/rules"  # generated, and judged by tests/rules
LOADERS = {"python": ast.parse, "yaml": yaml.safe_load}


def prose(page: Path) -> str:
    """The page without its fenced blocks and inline code."""
    return re.sub(r"^```.*?^```$|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The names that the headings of a page get, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@each
def test_every_link_inside_the_repository_resolves(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        path, _, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


@each
def test_every_rule_code_that_is_mentioned_exists(page: Path) -> None:
    known = {rule.code for rule in CATALOGUE} | set(UNFED)
    assert set(re.findall(r"\b[CDLST]\d\d\b", page.read_text(encoding="utf-8"))) - known == set()


@pytest.mark.parametrize("page", [p for p in PAGES if p.parent != RULES], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_of_a_known_language_can_be_read(page: Path) -> None:
    for section in sections(page):
        for block in section.blocks:
            if block.language in LOADERS:
                LOADERS[block.language](block.text)


@each
def test_a_block_that_quotes_a_file_is_that_file(page: Path) -> None:
    for section in sections(page):
        for block in section.blocks:
            if block.origin:
                assert block.text == (ROOT / block.origin).read_text(encoding="utf-8")


@pytest.mark.parametrize(("page", "target", "command"), PICTURES, ids=lambda value: str(value)[-40:])
def test_every_picture_is_what_the_tool_draws_now(page: Path, target: str, command: str, copy: Path, shell) -> None:
    kept = (page.parent / target).read_bytes()
    assert command, f"say above {target} which command made it"
    drawn = copy / (page.parent / target).resolve().relative_to(ROOT)
    drawn.unlink()
    shown, code = shell(command, cwd=copy)
    assert code == 0, shown
    assert drawn.read_bytes() == kept


def test_every_page_of_the_documentation_is_reached_from_its_index() -> None:
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    pages = [page.relative_to(ROOT / "docs") for page in (ROOT / "docs").rglob("*.md")]
    assert [
        str(p) for p in pages if ROOT / "docs" / p.parent != RULES and f"({p})" not in index and p != Path("README.md")
    ] == []
