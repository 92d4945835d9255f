"""The lab: real hypervisors in namespaces of one Linux machine. ``up``, ``down`` and ``status`` are its verbs."""

from quietcore.lab.hugepages import PAGE
from quietcore.lab.labs import Plan, down, status, up
from quietcore.lab.progress import Progress, Silent
from quietcore.lab.state import LabState

__all__ = ["PAGE", "LabState", "Plan", "Progress", "Silent", "down", "status", "up"]
