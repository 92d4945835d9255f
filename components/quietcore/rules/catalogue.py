"""Every rule, by code. Nothing registers itself: what its family does not name is not judged."""

from __future__ import annotations

from typing import Any

from quietcore.errors import QuietcoreError
from quietcore.rules import cluster, cross, domain, exempting, kernel, kubelet, lock, shapes, tuned, workload
from quietcore.rules.rule import Rule

Catalogue = tuple[Rule[Any], ...]

FAMILIES = (kernel, domain, exempting, cluster, cross, kubelet, lock, shapes, tuned, workload)

CATALOGUE: Catalogue = tuple(sorted((rule for family in FAMILIES for rule in family.RULES), key=lambda rule: rule.code))

CODES = frozenset(rule.code for rule in CATALOGUE)

UNFED: dict[str, str] = {code: why for family in FAMILIES for code, why in getattr(family, "UNFED", {}).items()}
"""Rules that are known but not judged, each with what is missing: no declared or lifted fact can feed them."""

_BY_CODE = {rule.code: rule for rule in CATALOGUE}


def by_code(code: str) -> Rule[Any]:
    """The rule of that code; ``d2`` is D02. Raises QuietcoreError that names the codes of that letter."""
    asked = _spelled(code)
    if asked in UNFED:
        raise QuietcoreError("this rule is not judged", given=asked, hint=UNFED[asked])
    if asked not in _BY_CODE:
        alike = [known for known in _BY_CODE if known[0] == asked[:1]]
        allowed = ", ".join(alike) or f"a letter of {', '.join(sorted({known[0] for known in _BY_CODE}))}, two digits"
        raise QuietcoreError(
            "no rule has this code", given=repr(code), allowed=allowed, hint="`quietcore explain` lists all rules"
        )
    return _BY_CODE[asked]


def _spelled(code: str) -> str:
    """A code as rules write it: an upper-case letter and two digits."""
    asked = code.strip().upper()
    return f"{asked[0]}{asked[1:]:0>2}" if asked[1:].isdecimal() else asked
