"""Rules on kernels: the CPU plan and the command line that carries it."""

from collections.abc import Mapping
from typing import Any

from quietcore.rules.kernel.affinity import C32, C33
from quietcore.rules.kernel.cells import C06
from quietcore.rules.kernel.cmdline import C09, C10, C14
from quietcore.rules.kernel.cpu_plan import C01, C02, C03, C04, C05, C07
from quietcore.rules.kernel.flavour import C29, C39, C45
from quietcore.rules.kernel.hugepages import C25, C27, C28, C30
from quietcore.rules.kernel.isolation import C12, C13, C15, C43
from quietcore.rules.kernel.noise import C18, C19, C20, C38, C40
from quietcore.rules.kernel.platform import C24, C37, C41, C48
from quietcore.rules.kernel.power import C21, C22, C23, C44
from quietcore.rules.kernel.syntax import C34, C35, C36
from quietcore.rules.kernel.tickless import C08, C11, C16, C17, C42
from quietcore.rules.rule import Rule

RULES: tuple[Rule[Any], ...] = (
    C01,
    C02,
    C03,
    C04,
    C05,
    C06,
    C07,
    C08,
    C09,
    C10,
    C11,
    C12,
    C13,
    C14,
    C15,
    C16,
    C17,
    C18,
    C19,
    C20,
    C21,
    C22,
    C23,
    C24,
    C25,
    C27,
    C28,
    C29,
    C30,
    C32,
    C33,
    C34,
    C35,
    C36,
    C37,
    C38,
    C39,
    C40,
    C41,
    C42,
    C43,
    C44,
    C45,
    C48,
)

UNFED: Mapping[str, str] = {}
"""Rules that nothing declared or read can feed, by code, and why."""
