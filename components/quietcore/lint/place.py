"""Where a finding stands: its file, and the path within it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from quietcore.spec import Finding


@dataclass(frozen=True)
class Place:
    """The file in which what a path begins with stands; ``told`` is the beginning that the file's name tells too."""

    file: str
    told: str = ""


def placed(findings: Iterable[Finding], places: Mapping[str, Place]) -> list[Finding]:
    """The findings with their files, without beginnings that the file's name tells; each once."""
    return list(dict.fromkeys(_placed(finding, places) for finding in findings))


def _placed(finding: Finding, places: Mapping[str, Place]) -> Finding:
    where = finding.where
    beginnings = [each for each in places if each and _begins(where, each)]
    if not beginnings:
        return finding
    place = places[max(beginnings, key=len)]
    if place.told and _begins(where, place.told):
        where = where.removeprefix(place.told).lstrip(", .") or place.told
    return replace(finding, where=where, file=place.file or finding.file)


def _begins(where: str, beginning: str) -> bool:
    return where.startswith(beginning) and where[len(beginning) :][:1] in ("", ",", ".", "[", " ")
