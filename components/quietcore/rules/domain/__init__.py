"""Rules on domains: how one is pinned, scheduled, backed and placed, and what machine it gets."""

from collections.abc import Mapping
from typing import Any

from quietcore.rules.domain.binding import D21, D22, D27, D28
from quietcore.rules.domain.cpu_model import D15, D16, D17, D18, D19, D36
from quietcore.rules.domain.data_path import D39, D40, D49
from quietcore.rules.domain.devices import D33, D34, D35, D37, D38
from quietcore.rules.domain.floating import D14, D50
from quietcore.rules.domain.guest import D32, D46, D47
from quietcore.rules.domain.host_modules import D48
from quietcore.rules.domain.hosted import D05, D20, D26
from quietcore.rules.domain.memory import D23, D24, D25, D29, D30, D31
from quietcore.rules.domain.pinning import D02, D03, D04, D42
from quietcore.rules.domain.placement import D06, D07, D08, D51
from quietcore.rules.domain.scheduling import D01, D09, D10, D11, D12, D13
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
    D12,
    D13,
    D14,
    D15,
    D16,
    D17,
    D18,
    D19,
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
    D30,
    D31,
    D32,
    D33,
    D34,
    D35,
    D36,
    D37,
    D38,
    D39,
    D40,
    D42,
    D46,
    D47,
    D48,
    D49,
    D50,
    D51,
)

UNFED: Mapping[str, str] = {
    "D41": "What asks a running domain for statistics, and how often, is the monitoring's own business: neither the "
    "domain nor any file that is read here says it.",
}
