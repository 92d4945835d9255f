"""Where a finding stands: its file, and the path within it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from quietcore.spec import Finding


@dataclass(frozen=True)
class Place:
    """The file in which what a path begins with stands; ``told`` where the file says that beginning already."""

    file: str
    told: bool = True


def placed(findings: Iterable[Finding], places: Mapping[str, Place]) -> list[Finding]:
    """The findings with their files, without beginnings that the file's name tells; each once."""
    return list(dict.fromkeys(_placed(finding, places) for finding in findings))


def _placed(finding: Finding, places: Mapping[str, Place]) -> Finding:
    where = finding.where
    beginnings = [each for each in places if each and _begins(where, each)]
    if not beginnings:
        return finding
    longest = max(beginnings, key=len)
    if places[longest].told:
        where = where.removeprefix(longest).lstrip(", .") or longest
    return replace(finding, where=where, file=places[longest].file or finding.file)


def _begins(where: str, beginning: str) -> bool:
    return where.startswith(beginning) and where[len(beginning) :][:1] in ("", ",", ".", "[", " ")
