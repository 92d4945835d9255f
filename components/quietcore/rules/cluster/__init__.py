"""Rules on hosts, firmware, networks and clusters."""

from typing import Any

from quietcore.rules.rule import Rule

RULES: tuple[Rule[Any], ...] = ()
