"""Rules on a host, its guests and its pods together: what two layers promise in good faith, and both at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quietcore.rules.cross.cpus import X01
from quietcore.rules.cross.memory import X02, X03, X04
from quietcore.rules.rule import Rule

RULES: tuple[Rule[Any], ...] = (X01, X02, X03, X04)

UNFED: Mapping[str, str] = {}
