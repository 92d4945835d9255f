"""Parts of a Markdown comment that can be shortened without breaking what surrounds them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

LIMIT: Final = 64_000
"""Bytes of UTF-8. GitHub takes 65,536 characters; bytes are never fewer than characters, however they are counted."""
_LONGEST: Final = 600
"""Characters of one table cell: a longer text is a text for the log."""


@dataclass(frozen=True)
class Section:
    """Lines that stand as they are, and ``rows`` below them of which the last may be left out."""

    head: tuple[str, ...]
    rows: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()
    left_out: int = 0

    @property
    def text(self) -> str:
        """The section with an empty line after it."""
        more = (f"\n{self.left_out} more rows are left out here: `--json` has all.",) if self.left_out else ()
        return "\n".join([*self.head, *self.rows, *self.tail, *more]) + "\n\n"

    def shorter(self, rows: int) -> Section:
        """The section with that many rows at most."""
        return replace(self, rows=self.rows[:rows], left_out=self.left_out + max(0, len(self.rows) - rows))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, level: int = 3) -> Section:
    """A heading and a table below it."""
    head = (f"{'#' * level} {title}", "", f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}")
    return Section(head, tuple(f"| {' | '.join(row)} |" for row in rows))


def folded(title: str, text: str) -> Section:
    """A text that a click opens."""
    head = ("<details>", f"<summary>{html.escape(title)}</summary>", "")
    return Section(head, fence(text), ("", "</details>"))


def fence(text: str) -> tuple[str, ...]:
    """The text as it is, whatever backticks it holds."""
    longest = max((len(found) for found in re.findall(r"`+", text)), default=0)
    mark = "`" * max(3, longest + 1)
    return (f"{mark}text", *text.rstrip("\n").splitlines(), mark)


def code(text: str) -> str:
    """The text as code within a line; nothing for nothing."""
    if not text:
        return ""
    flat = " ".join(text.split()).replace("|", "\\|")
    mark = "``" if "`" in flat else "`"
    return f"{mark}{' ' * (mark == '``')}{flat}{' ' * (mark == '``')}{mark}"


def cell(text: str) -> str:
    """The text within a table cell: no markup of its own, no line break, no more than a reader takes in."""
    short = text if len(text) <= _LONGEST else text[:_LONGEST].rstrip() + " …"
    lines = (
        re.sub(r"([\\`*_\[\]|~#@])", r"\\\1", html.escape(line, quote=False)) for line in short.strip().splitlines()
    )
    return "<br>".join(line.strip() for line in lines)


def fitted(sections: Sequence[Section], log: str, title: str) -> str:
    """The sections and the folded log within LIMIT: the log gives way first, from its beginning, then the last rows."""
    kept = list(sections)
    for index in range(len(kept) - 1, -1, -1):
        over = _size(kept) - LIMIT
        if over <= 0:
            break
        kept[index] = _less(kept[index], over)
    while _size(kept) > LIMIT and len(kept) > 1:
        kept.pop()
    body = "".join(section.text for section in kept)
    return (body + _log(log, title, LIMIT - len(body.encode()))).rstrip("\n") + "\n"


def _less(section: Section, over: int) -> Section:
    """The section with so many rows less that at least ``over`` bytes go, as far as it has them."""
    if not section.rows or section.tail:
        return section if not section.tail else Section((f"{section.head[1]}: left out here, as there is no room.",))
    keep, freed = len(section.rows), -100  # the sentence that says so takes room too
    while keep and freed < over:
        keep -= 1
        freed += len(section.rows[keep].encode()) + 1
    return section.shorter(keep)


def _log(log: str, title: str, room: int) -> str:
    """The log's end, in whole lines, as failures stand last; nothing where there is no room for a few lines."""
    lines = log.rstrip("\n").splitlines()
    if not lines:
        return ""
    whole = folded(title, log)
    if len(whole.text.encode()) <= room:
        return whole.text
    left = room - len(folded(f"{title}: the last 1000000 of 1000000 lines", "`" * 40).text.encode()) - 100
    keep = len(lines)
    while keep and left > len(lines[keep - 1].encode()):
        keep -= 1
        left -= len(lines[keep].encode()) + 1
    kept = len(lines) - keep
    return folded(f"{title}: the last {kept} of {len(lines)} lines", "\n".join(lines[keep:])).text if kept else ""


def _size(sections: Iterable[Section]) -> int:
    return sum(len(section.text.encode()) for section in sections)
