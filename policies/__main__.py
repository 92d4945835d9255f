from pulumi_policy import PolicyPack

from quietcore.policy import policies

PolicyPack("quietcore", policies=policies())
