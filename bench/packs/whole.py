"""Our pack as `policies/` has it."""

from meter import meter
from pulumi_policy import PolicyPack

from quietcore.policy import policies

pack = policies()
meter()
PolicyPack("quietcore", policies=pack)
