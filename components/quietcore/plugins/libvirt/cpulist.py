"""CPU lists as libvirt writes them, in one canonical form."""

from __future__ import annotations

from quietcore.errors import UnitError
from quietcore.units.cpuset import CpuSet


def canonical_cpus(text: str) -> str:
    """Give `0-3,8` for any spelling of that set; a text that is no CPU list comes back as it is."""
    try:
        return str(CpuSet.parse_libvirt(text))
    except UnitError:
        return text


def expand_cpus(text: str) -> list[int]:
    """Give the numbers of a CPU list in order; none for a text that is no CPU list."""
    try:
        return sorted(CpuSet.parse_libvirt(text))
    except UnitError:
        return []
