"""Values that own their parsing and their canonical form. Standard library only, Python 3.9."""

from quietcore.units.cpuset import CpuSet
from quietcore.units.duration import Duration
from quietcore.units.quantity import Quantity
from quietcore.units.size import Size

__all__ = ["CpuSet", "Duration", "Quantity", "Size"]
