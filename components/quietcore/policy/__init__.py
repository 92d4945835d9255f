"""Rules as Pulumi policies. A pack of one's own is five lines::

from pulumi_policy import PolicyPack
from quietcore.policy import policies

PolicyPack("site", policies=[*policies(), ...])
"""

from quietcore.garbage import uncollected

with uncollected():
    from quietcore.policy.policies import policies

__all__ = ["policies"]
