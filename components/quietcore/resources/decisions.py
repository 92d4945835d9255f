"""The exemptions of a stack, wherever they were declared: among its resources or in its configuration."""

from __future__ import annotations

import json
from collections.abc import Iterable

from quietcore.resources.site import Registered
from quietcore.spec.exemption import ExemptionSpec
from quietcore.spec.finding import Finding, Refused
from quietcore.spec.spec import spec_of

EXEMPTION = "quietcore:index:Exemption"
CONFIG = "quietcore:exemptions"


def exemptions_in(resources: Iterable[Registered]) -> list[ExemptionSpec]:
    """The exemptions among registered resources; those that make none were refused by their own constructor."""
    found = []
    for resource in resources:
        if resource.type == EXEMPTION:
            try:
                found.append(spec_of(ExemptionSpec, resource.props.get("spec") or resource.props))
            except Refused:
                continue
    return found


def configured(text: str | None) -> tuple[list[ExemptionSpec], list[Finding]]:
    """The exemptions of the stack's configuration, from the JSON text of `quietcore:exemptions`, and what is wrong."""
    if not text:
        return [], []
    where = f"configuration {CONFIG}"
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        return [], [Finding(code="S02", title="not a list of exemptions", where=where, given=text[:80], allowed=_SHAPE)]
    made: list[ExemptionSpec] = []
    faults: list[Finding] = []
    for index, each in enumerate(given):
        try:
            made.append(spec_of(ExemptionSpec, each, f"{where}[{index}]"))
        except Refused as refused:
            faults += refused.findings
    return made, faults


_SHAPE = "a list of mappings with code, resource, reason, owner, expires"
