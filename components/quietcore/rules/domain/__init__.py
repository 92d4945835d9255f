"""Rules on domains: how one is pinned, scheduled, backed and placed."""

from typing import Any

from quietcore.rules.domain.binding import D21, D22, D27, D28
from quietcore.rules.domain.guest import D32, D46
from quietcore.rules.domain.hosted import D05, D20, D26
from quietcore.rules.domain.memory import D23, D24, D25, D29, D31
from quietcore.rules.domain.pinning import D02, D03, D04, D42
from quietcore.rules.domain.placement import D06, D07, D08, D51
from quietcore.rules.domain.scheduling import D01, D09, D10, D11, D13
from quietcore.rules.rule import Rule

RULES: tuple[Rule[Any], ...] = (
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
)
