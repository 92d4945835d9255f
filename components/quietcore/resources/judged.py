"""From plain arguments to a judged spec: the first step of every component."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import pulumi

from quietcore.resources.ledger import ledger
from quietcore.rules.judge import findings
from quietcore.spec.finding import Finding, Refused
from quietcore.spec.spec import Spec, spec_of

_S = TypeVar("_S", bound=Spec)

Report = Callable[[pulumi.Resource], None]


def judged(
    kind: type[_S], data: Mapping[str, Any], where: str, faults: Sequence[Finding] = ()
) -> tuple[_S | None, Report]:
    """The spec, or None where the arguments make none, and a function that reports the findings on the resource.

    ``faults`` are those of arguments that are no part of the spec: with them there is none.
    In ``up`` a refused argument raises here, before anything is registered.
    """
    try:
        spec = spec_of(kind, data, where)
    except Refused as refused:
        return None, reporter([*faults, *refused.findings])
    if faults:
        return None, reporter([*faults])
    told = findings(spec)
    return spec, reporter([finding.at(prefix=where) for finding in told])


def reporter(found: list[Finding]) -> Report:
    """Report findings: at once in ``up`` (which raises), on the resource once it exists at preview."""
    if not pulumi.runtime.is_dry_run():
        ledger().tell(found)

    def report(resource: pulumi.Resource) -> None:
        ledger().tell(found, resource)

    return report
