"""The Pulumi components. They only register: judging, deriving and rendering stand below."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from quietcore.garbage import uncollected

if TYPE_CHECKING:
    from quietcore.resources.arguments import CpuPlan, HostFacts, RtNodeArgs
    from quietcore.resources.exemption import Exemption
    from quietcore.resources.host import Host
    from quietcore.resources.node import RtNode
    from quietcore.resources.tuned import TunedProfile

__all__ = ["CpuPlan", "Exemption", "Host", "HostFacts", "RtNode", "RtNodeArgs", "TunedProfile"]

_HOME = {"Exemption": "exemption", "Host": "host", "RtNode": "node", "TunedProfile": "tuned"}


def __getattr__(name: str) -> Any:
    """Import a component when it is asked for: the policies, which judge them all, need none, nor the libvirt SDK."""
    if name in __all__:
        with uncollected():
            home = import_module(f"quietcore.resources.{_HOME.get(name, 'arguments')}")
        return getattr(home, name)
    raise AttributeError(f"module 'quietcore.resources' has no attribute {name!r}")
