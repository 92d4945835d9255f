"""Every rule, by code. Nothing registers itself: what is not named here is not judged."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from quietcore.errors import QuietcoreError
from quietcore.rules.pinning import D02, D03, D04, D42
from quietcore.rules.placement import D06, D07, D08, D51
from quietcore.rules.rule import Rule
from quietcore.rules.scheduling import D01, D09, D10, D11, D13

Catalogue = tuple[Rule[Any], ...]

CATALOGUE: Catalogue = (
    D01,
    D02,
    D03,
    D04,
    D06,
    D07,
    D08,
    D09,
    D10,
    D11,
    D13,
    D42,
    D51,
)

_BY_CODE = {rule.code: rule for rule in CATALOGUE}


def by_code(code: str) -> Rule[Any]:
    """The rule of that code, in either case. Raises QuietcoreError that names the nearest code."""
    rule = _BY_CODE.get(code.strip().upper())
    if rule is None:
        near = get_close_matches(code.strip().upper(), _BY_CODE, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}? quietcore explain {near[0]}" if near else "quietcore explain lists all rules"
        raise QuietcoreError("no rule has this code", given=repr(code), allowed=", ".join(_BY_CODE), hint=hint)
    return rule
