"""The lab: real hypervisors in namespaces of one Linux machine. ``up``, ``down`` and ``status`` are its verbs."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quietcore.lab.hugepages import PAGE
    from quietcore.lab.labs import Plan, down, status, up
    from quietcore.lab.progress import Progress, Silent
    from quietcore.lab.state import LabState

__all__ = ["PAGE", "LabState", "Plan", "Progress", "Silent", "down", "status", "up"]

_HOME = {"PAGE": "hugepages", "LabState": "state", "Progress": "progress", "Silent": "progress"}


def __getattr__(name: str) -> Any:
    """Import what is asked for: a program that only reads what the lab is needs nothing that makes one."""
    if name in __all__:
        return getattr(import_module(f"quietcore.lab.{_HOME.get(name, 'labs')}"), name)
    raise AttributeError(f"module 'quietcore.lab' has no attribute {name!r}")
