"""Describe a real-time cluster as one typed Python program; preview it, prove it, apply it."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quietcore.resources import CpuPlan, Exemption, Host, HostFacts, RtNode, RtNodeArgs, TunedProfile

__version__ = "0.1.0"
__all__ = ["CpuPlan", "Exemption", "Host", "HostFacts", "RtNode", "RtNodeArgs", "TunedProfile"]


def __getattr__(name: str) -> Any:
    """Import the components when they are first asked for: most commands need neither them nor the Pulumi SDK."""
    if name in __all__:
        return getattr(import_module("quietcore.resources"), name)
    raise AttributeError(f"module 'quietcore' has no attribute {name!r}")
