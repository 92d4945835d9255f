from naming import naming
from pulumi_policy import PolicyPack

from quietcore.policy import policies

PolicyPack("plant", policies=[*policies(), naming])
