"""Where in the program's files a finding can be shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_QUOTED: Final = re.compile(r'"([^"]+)"')


@dataclass(frozen=True)
class Place:
    """A file relative to the repository's root, with slashes; ``line`` counts from 1, 0 where it is not certain."""

    file: str
    line: int = 0


@dataclass(frozen=True)
class Program:
    """The files of a program. ``entry`` is where it begins, for what no line tells."""

    entry: Place
    lines: Mapping[str, tuple[Place, ...]] = field(default_factory=dict)

    def place(self, name: str) -> Place:
        """The one line that writes the name as a text; the program's entry where none or several do."""
        found = self.lines.get(name, ())
        return found[0] if len(found) == 1 else self.entry


def subject_of(where: str) -> str:
    """The resource that a finding's place names first; "" where it names none."""
    found = _QUOTED.search(where)
    return found[1] if found else ""


def program_in(folder: Path, main: Path) -> Program:
    """Read the program's own Python files: those in its main folder."""
    root = next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)
    lines: dict[str, list[Place]] = {}
    for file in sorted(main.glob("*.py")):
        shown = file.relative_to(root).as_posix()
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            for name in set(re.findall(r"""["']([^"'\s]+)["']""", line)):
                lines.setdefault(name, []).append(Place(shown, number))
    entry = Place((main / "__main__.py").relative_to(root).as_posix())
    return Program(entry, {name: tuple(found) for name, found in lines.items()})
