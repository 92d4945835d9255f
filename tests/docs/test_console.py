"""What a console block shows is what the command prints; `pytest tests/docs --update-console` writes it anew."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.docs.pages import PAGES, UNTRIED, Block, Section, calls, changed, edits, sections

SECTIONS = [
    section
    for page in PAGES
    for section in sections(page)
    if section.commands and not any(UNTRIED.search(command) for command in section.commands)
]


def of_engine(section: Section) -> bool:
    return any(re.match(r"(\w+=\S* )*pulumi ", command) for command in section.commands)


Told = list[tuple[Block, str]]


def play(section: Section, root: Path, run: Callable[[str, Path], str]) -> Told:
    """Carry the section out; gives each console block with the text that it should have."""
    cwd, told = root / section.folder, Told()
    for block in section.blocks:
        if block.language == "diff":
            for file, change in edits(block):
                (cwd / file).write_text(changed((cwd / file).read_text(), change))
        if block.language == "console":
            parts = [f"$ {command}\n{elided(run(command, cwd), shown)}" for command, shown in calls(block)]
            told.append((block, "".join(parts)))
    return told


def elided(printed: str, shown: list[str]) -> str:
    """What was printed, or what is shown where that is the same but for its `...` lines and spaces at line ends."""
    seen = "".join(f"{line.rstrip()}\n" for line in printed.rstrip().splitlines())
    pattern = "".join("(?:.*\n)*?" if line == "..." else re.escape(line) + "\n" for line in shown)
    return "".join(f"{line}\n" for line in shown) if re.fullmatch(pattern, seen) else seen


def compare(section: Section, told: Told, config: pytest.Config) -> None:
    if config.getoption("--update-console", default=False):
        page = section.page.read_text(encoding="utf-8")
        for block, text in told:
            page = page.replace(f"```console\n{block.text}```", f"```console\n{text}```", 1)
        section.page.write_text(page, encoding="utf-8")
        return
    assert "".join(text for _, text in told) == "".join(block.text for block, _ in told)


@pytest.mark.parametrize("section", [s for s in SECTIONS if not of_engine(s)], ids=lambda s: s.name)
def test_a_console_block_shows_what_is_printed(section: Section, copy: Path, shell, pytestconfig) -> None:
    compare(section, play(section, copy, lambda command, cwd: shell(command, cwd=cwd)[0]), pytestconfig)


@pytest.mark.engine
@pytest.mark.parametrize("section", [s for s in SECTIONS if of_engine(s)], ids=lambda s: s.name)
def test_a_console_block_shows_what_the_engine_prints(
    section: Section, copy: Path, shell, engine_env, pulumi, pytestconfig
) -> None:
    pytest.importorskip("libvirt")
    pulumi("stack", "init", "dev", cwd=copy / section.folder).ok()
    told = play(section, copy, lambda command, cwd: shell(command, cwd=cwd, env=engine_env)[0])
    compare(section, told, pytestconfig)
