"""Every rule, by code. Nothing registers itself: what is not named here is not judged."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from quietcore.errors import QuietcoreError
from quietcore.rules.binding import D21, D22, D27, D28
from quietcore.rules.cmdline import C09, C10, C14
from quietcore.rules.cpuplan import C01, C02, C03, C04, C05, C07
from quietcore.rules.guest import D32, D46
from quietcore.rules.host import D05, D20, D26
from quietcore.rules.lock import L01, L02
from quietcore.rules.memory import D23, D24, D25, D29, D31
from quietcore.rules.pinning import D02, D03, D04, D42
from quietcore.rules.placement import D06, D07, D08, D51
from quietcore.rules.rule import Rule
from quietcore.rules.scheduling import D01, D09, D10, D11, D13
from quietcore.rules.shapes import S01, S02, S03, S04, S05, S06
from quietcore.rules.tuned import T04, T06

Catalogue = tuple[Rule[Any], ...]

CATALOGUE: Catalogue = (
    C01,
    C02,
    C03,
    C04,
    C05,
    C07,
    C09,
    C10,
    C14,
    D01,
    D02,
    D03,
    D04,
    D05,
    D06,
    D07,
    D08,
    D09,
    D10,
    D11,
    D13,
    D20,
    D21,
    D22,
    D23,
    D24,
    D25,
    D26,
    D27,
    D28,
    D29,
    D31,
    D32,
    D42,
    D46,
    D51,
    L01,
    L02,
    S01,
    S02,
    S03,
    S04,
    S05,
    S06,
    T04,
    T06,
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
