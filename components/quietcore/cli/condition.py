"""A condition of the surroundings: its name, how it stands, and what mends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a condition stands. SKIPPED: it does not matter here, or could not be looked at; the detail says why."""

    OK = "ok"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True)
class Condition:
    """One line of `quietcore doctor`. `fix` holds commands or edits, one a line."""

    group: str
    name: str
    status: Status
    detail: str
    fix: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Plain data."""
        return {
            "group": self.group,
            "name": self.name,
            "status": str(self.status),
            "detail": self.detail,
            "fix": list(self.fix),
        }


@dataclass(frozen=True)
class Group:
    """Makes the conditions of one group."""

    name: str

    def ok(self, name: str, detail: str = "") -> Condition:
        """It holds."""
        return Condition(self.name, name, Status.OK, detail)

    def skipped(self, name: str, reason: str) -> Condition:
        """It does not matter here, or could not be looked at."""
        return Condition(self.name, name, Status.SKIPPED, reason)

    def failed(self, name: str, detail: str, *fix: str) -> Condition:
        """It does not hold; `fix` mends it."""
        return Condition(self.name, name, Status.FAILED, detail, fix)
