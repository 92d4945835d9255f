"""Rules on kubelet configurations and container runtimes."""

from typing import Any

from quietcore.rules.rule import Rule

RULES: tuple[Rule[Any], ...] = ()
