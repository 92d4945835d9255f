"""Rules on pods and everything with a pod template."""

from typing import Any

from quietcore.rules.rule import Rule

RULES: tuple[Rule[Any], ...] = ()
