"""What the files do not say and the user does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Options:
    """Facts of all machines that are judged, and which rules are asked: codes or their beginnings, such as ``D``."""

    dialect: Literal["plain", "nto", "starlingx"] | None = None
    tuned_version: str | None = None
    kubelet_version: str | None = None
    kernel: Literal["rt", "generic"] | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def asks(self, code: str) -> bool:
        """Whether findings of a rule are told: the longest beginning that fits decides, as with other linters."""
        chosen = max((len(each) for each in self.select if code.startswith(each)), default=-1 if self.select else 0)
        ignored = max((len(each) for each in self.ignore if code.startswith(each)), default=-1)
        return chosen > ignored
