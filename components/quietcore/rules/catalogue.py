"""Every rule, by code. Nothing registers itself: what its family does not name is not judged."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from quietcore.errors import QuietcoreError
from quietcore.rules import cluster, cross, domain, exempting, kernel, kubelet, lock, shapes, tuned, workload
from quietcore.rules.rule import Rule

Catalogue = tuple[Rule[Any], ...]

FAMILIES = (kernel, domain, exempting, cluster, cross, kubelet, lock, shapes, tuned, workload)

CATALOGUE: Catalogue = tuple(sorted((rule for family in FAMILIES for rule in family.RULES), key=lambda rule: rule.code))

UNFED: dict[str, str] = {code: why for family in FAMILIES for code, why in getattr(family, "UNFED", {}).items()}
"""Rules that are known but not judged, each with what is missing: no declared or lifted fact can feed them."""

_BY_CODE = {rule.code: rule for rule in CATALOGUE}


def by_code(code: str) -> Rule[Any]:
    """The rule of that code, in either case. Raises QuietcoreError that names the nearest code."""
    rule = _BY_CODE.get(code.strip().upper())
    if rule is None and code.strip().upper() in UNFED:
        reason = UNFED[code.strip().upper()]
        raise QuietcoreError("this rule is not judged", given=code.strip().upper(), allowed="", hint=reason)
    if rule is None:
        near = get_close_matches(code.strip().upper(), _BY_CODE, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}? quietcore explain {near[0]}" if near else "quietcore explain lists all rules"
        raise QuietcoreError("no rule has this code", given=repr(code), allowed=", ".join(_BY_CODE), hint=hint)
    return rule
