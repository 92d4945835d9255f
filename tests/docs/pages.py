"""The documentation as data: what its console blocks say, what they run on, where its links go.

Conventions of the Markdown:

- A ```console block is run. Lines that begin with `$ ` are commands; what follows is all that a terminal shows of them,
  byte for byte. A line `...` stands for any lines.
- A ```diff block changes files for the blocks after it. Its lines stand under `--- FILE`, or mean `__main__.py`.
- Each section (a heading of any level) starts from the committed files.
- `<!-- in: FOLDER -->` says where a section's commands run; pages of an example run in its folder, others at the root.
- `<!-- from: FILE -->` above a block: it is that file.
- `<!-- made by: COMMAND -->` above a picture: it is what that command writes.

Commands that need a host, a clone or a network stand in ```sh blocks, which are not run; nor is a section whose console
blocks have one of `UNTRIED`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").rglob("*.md"),
    ]
)
UNTRIED = re.compile(r"quietcore lab|virsh|make |pulumi (up|import|destroy|refresh)|sudo|apt")
_FENCE = re.compile(r"^(```+)(\w*)\s*$")
_DIRECTIVE = re.compile(r"<!-- (in|from|made by): (.+?) -->")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its lines, and the directive right above it ("" where there is none)."""

    language: str
    lines: tuple[str, ...]
    origin: str = ""

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)


@dataclass
class Section:
    """What stands under one heading: its blocks in order, and the folder where its commands run."""

    page: Path
    title: str
    folder: str
    blocks: list[Block] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT)}: {self.title}"

    @property
    def commands(self) -> list[str]:
        return [command for block in self.blocks if block.language == "console" for command, _ in calls(block)]


def calls(block: Block) -> Iterator[tuple[str, list[str]]]:
    """The commands of a console block, each with the lines it shows."""
    command, shown = "", list[str]()
    for line in block.lines:
        if line.startswith("$ "):
            if command:
                yield command, shown
            command, shown = line[2:], []
        else:
            shown.append(line)
    if command:
        yield command, shown


def sections(page: Path) -> list[Section]:
    """A page's sections."""
    inside = page.is_relative_to(ROOT / "examples") and page.parent != ROOT / "examples"
    home = str(page.parent.relative_to(ROOT)) if inside else "."
    found = [Section(page, "top", home)]
    lines = iter(page.read_text(encoding="utf-8").splitlines())
    origin = ""
    for line in lines:
        fence, directive = _FENCE.match(line), _DIRECTIVE.match(line)
        if fence:
            body = _body(lines, fence.group(1))
            found[-1].blocks.append(Block(fence.group(2), tuple(body), origin))
        elif line.startswith("#"):
            found.append(Section(page, line.lstrip("# "), found[-1].folder))
        elif directive and directive.group(1) == "in":
            found[-1].folder = directive.group(2)
        origin = directive.group(2) if directive and directive.group(1) == "from" else origin if not line else ""
    return found


def _body(lines: Iterator[str], fence: str) -> Iterator[str]:
    for line in lines:
        if line == fence:
            return
        yield line


def changed(text: str, change: list[str]) -> str:
    """The text with a diff block's lines applied: what is taken away must stand there exactly once."""
    before = "".join(f"{line[1:]}\n" for line in change if line[:1] in ("-", " "))
    after = "".join(f"{line[1:]}\n" for line in change if line[:1] in ("+", " "))
    assert text.count(before) == 1, f"{text.count(before)} times in the file:\n{before}"
    return text.replace(before, after)


def edits(block: Block) -> Iterator[tuple[str, list[str]]]:
    """The files that a diff block changes, each with its hunks' lines."""
    file, change = "__main__.py", list[str]()
    for line in block.lines:
        if line.startswith("--- "):
            if change:
                yield file, change
            file, change = line[4:], []
        else:
            change.append(line)
    if change:
        yield file, change


def pictures(page: Path) -> Iterator[tuple[str, str]]:
    """The pictures of a page, each with the command that made it."""
    command = ""
    for line in page.read_text(encoding="utf-8").splitlines():
        directive = _DIRECTIVE.match(line)
        if directive and directive.group(1) == "made by":
            command = directive.group(2)
        for target in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", line):
            yield target, command
            command = ""
