"""Rules on tuned profiles."""

from typing import Any

from quietcore.rules.rule import Rule
from quietcore.rules.tuned.throttling import T04, T06

RULES: tuple[Rule[Any], ...] = (T04, T06)
