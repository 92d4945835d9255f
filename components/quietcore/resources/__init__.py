"""The Pulumi components. They only register: judging, deriving and rendering stand below."""

from quietcore.resources.arguments import CpuPlan, HostFacts, RtNodeArgs
from quietcore.resources.host import Host
from quietcore.resources.node import RtNode
from quietcore.resources.tuned import TunedProfile

__all__ = ["CpuPlan", "Host", "HostFacts", "RtNode", "RtNodeArgs", "TunedProfile"]
