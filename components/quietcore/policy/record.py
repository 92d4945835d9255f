"""What the pack judged and found, as a file: a gate reads it, and nothing has to be read out of the engine's words."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from quietcore.spec.exemption import ExemptionSpec
from quietcore.spec.finding import Finding, Severity

SCHEMA: Final = 1


@dataclass(frozen=True)
class Undecided:
    """A value that is not known yet and that rules on its resource need."""

    urn: str
    type: str
    name: str
    path: str

    def __str__(self) -> str:
        return f'{self.name}: rules could not be decided: "{self.path}" is not known yet'


@dataclass(frozen=True)
class Record:
    """The outcome of one judgement of a whole stack; ``judged`` counts the resources that rules look at."""

    resources: int = 0
    judged: int = 0
    findings: list[Finding] = field(default_factory=list)
    spared: list[tuple[ExemptionSpec, Finding]] = field(default_factory=list)
    undecided: list[Undecided] = field(default_factory=list)

    def write(self, file: Path) -> None:
        """Write it whole or not at all: a file that is there says that the pack came to its end."""
        data = {
            "schema": SCHEMA,
            "resources": self.resources,
            "judged": self.judged,
            "findings": [finding.as_json() for finding in self.findings],
            "spared": [
                {"exemption": exemption.dump(), "finding": finding.as_json()} for exemption, finding in self.spared
            ],
            "undecided": [asdict(each) for each in self.undecided],
        }
        half = file.with_name(f"{file.name}.half")
        half.write_text(json.dumps(data), encoding="utf-8")
        half.rename(file)


def read_record(file: Path) -> Record | None:
    """Read what ``write`` wrote; None where there is none, which means that the pack never judged the whole stack."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return Record(
        resources=data["resources"],
        judged=data["judged"],
        findings=[_finding(each) for each in data["findings"]],
        spared=[(ExemptionSpec(**each["exemption"]), _finding(each["finding"])) for each in data["spared"]],
        undecided=[Undecided(**each) for each in data["undecided"]],
    )


def _finding(data: dict[str, Any]) -> Finding:
    return Finding(**{**data, "severity": Severity(data["severity"])})
