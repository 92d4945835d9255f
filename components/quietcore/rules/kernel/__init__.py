"""Rules on kernels: the CPU plan and the command line that carries it."""

from typing import Any

from quietcore.rules.kernel.cmdline import C09, C10, C14
from quietcore.rules.kernel.cpu_plan import C01, C02, C03, C04, C05, C07
from quietcore.rules.rule import Rule

RULES: tuple[Rule[Any], ...] = (C01, C02, C03, C04, C05, C07, C09, C10, C14)
