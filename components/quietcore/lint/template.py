"""Templates, which become files of a known kind only once somebody fills them in."""

from __future__ import annotations

import re
from typing import Final

from quietcore.errors import QuietcoreError

_BLANK: Final = re.compile(r"\{\{|\{%|%\(\w+\)s")
"""Jinja's and Helm's marks, and Python's."""
_VARIABLE: Final = re.compile(r"\$(?:\{\w+\}|[A-Za-z_]\w*)")
_LINE: Final = re.compile(r":(\d+)\b|\bline (\d+)")


def blank(fault: QuietcoreError, content: str) -> str:
    """The blank that somebody fills in later and that ``fault`` stumbled over, or "" where it is a mistake."""
    variable = _VARIABLE.search(fault.given)
    if variable is not None:
        return variable[0]
    said = _LINE.search(fault.where) or _LINE.search(fault.given)
    lines = content.splitlines()
    number = int((said[1] or said[2])[:9]) if said else 0
    line = lines[number - 1] if 0 < number <= len(lines) else ""
    return line.strip() if _BLANK.search(line) else ""
