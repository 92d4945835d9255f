"""The line of a file in which what a finding speaks of stands; only where there is no doubt about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from quietcore.spec import Finding

if TYPE_CHECKING:
    from lxml.etree import _Element

_STEP = re.compile(r"([A-Za-z_][\w-]*)(?:\[([^\]]*)\])?")
_NUMBERED = {"vcpupin": "vcpu", "iothreadpin": "iothread"}


def with_lines(findings: Iterable[Finding], contents: Mapping[str, bytes]) -> list[Finding]:
    """The findings with their lines, where they can be told."""
    texts: dict[str, str] = {}
    told = []
    for finding in findings:
        content = contents.get(finding.file)
        if content is not None and not finding.line:
            if finding.file not in texts:
                texts[finding.file] = content.decode("utf-8", "replace")
            finding = replace(finding, line=_line(texts[finding.file], finding.where))
        told.append(finding)
    return told


def _line(text: str, where: str) -> int:
    path = where.rpartition(", ")[2]
    if text.lstrip().startswith("<"):
        return _of_element(text, path)
    return _of_key(text, path)


@lru_cache(maxsize=4)
def _root(text: str) -> _Element | None:
    from lxml import etree

    try:
        return etree.fromstring(text.encode(), etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError):
        return None


def _of_element(text: str, path: str) -> int:
    """The deepest element of the path that is there; 0 where not even the first is."""
    here, line = _root(text), 0
    if here is None:
        return 0
    for name, index in _STEP.findall(path):
        found = here.findall(name)
        if index:
            found = [each for each in found if each.get(_NUMBERED.get(name, "id")) == index]
        if not found:
            break
        here, number = found[0], found[0].sourceline
        line = number if isinstance(number, int) else line
    return line


def _of_key(text: str, path: str) -> int:
    """The line on which the path's last name is set, if it is set only once."""
    for name in reversed([name for name, _ in _STEP.findall(path)]):
        lines = _lines_of(text, name)
        if lines:
            return lines[0] if len(lines) == 1 else 0
    return 0


@lru_cache(maxsize=512)
def _lines_of(text: str, name: str) -> tuple[int, ...]:
    """The first two lines on which a key of that name stands."""
    key = re.compile(rf"(?:^|[\s\"'{{,-]){re.escape(name)}[\"']?[ \t]*[:=]", re.MULTILINE)
    return tuple(text.count("\n", 0, found.end() - 1) + 1 for found in islice(key.finditer(text), 2))
