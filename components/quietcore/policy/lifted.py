"""From a resource's type and inputs to the spec that rules judge."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from quietcore.policy.known import unknown_paths
from quietcore.resources.site import DOMAIN, HOST, NODE, Registered, kind_of, lifted_domain, lifted_objects
from quietcore.rules.judge import WITHOUT_HOST, findings
from quietcore.spec.finding import Finding, Refused
from quietcore.spec.host import HostSpec
from quietcore.spec.node import RtNodeSpec
from quietcore.spec.spec import Spec, spec_of
from quietcore.spec.tuned import TunedProfileSpec

TUNED = "quietcore:index:TunedProfile"
COMPONENTS: dict[str, tuple[type[Spec], str]] = {
    HOST: (HostSpec, "host"),
    NODE: (RtNodeSpec, "node"),
    TUNED: (TunedProfileSpec, "tuned profile"),
}
LIFTED = frozenset({DOMAIN, *COMPONENTS})

_UNDECIDED = ("xml", "vcpu", "memory", "type", "cmdlines", "cpu")
"""What rules need of a domain; a component's own facts are never unknown.

Where the program leaves arch and machine open they are the host's to tell: unknown wherever it does not answer.
"""
_DEVICES = ("consoles", "disks", "filesystems", "graphics", "networkInterfaces", "tpm", "video")
"""What rules need to be there or not; of what each is made of, such as a volume's id, they read nothing unknown."""
_DEVICE = re.compile(r"\w+(?:\[\d+\])?$")
_READ = (
    "affinity|annotations|args|command|containers|domain|emptyDir|handler|initContainers|instancetype|items|jobTemplate|"
    "metadata|nodeName|nodeSelector|overhead|parallelism|replicas|resources|restartPolicy|runtimeClassName|scheduling|"
    "securityContext|spec|template|tolerations|topologySpreadConstraints|volumes"
)
_ENDS = re.compile(rf"(?:^|\.)(?:{_READ})(?:\[\d+\])?$")
_WITHIN = re.compile(
    r"\.(?:affinity|annotations|args|command|domain|emptyDir|nodeSelector|resources|securityContext)[.\[]"
)


def undecided_paths(kind: str, props: Mapping[str, Any]) -> Iterator[str]:
    """The paths of a resource's inputs that rules read and that have no value yet."""
    if not kind_of(kind):
        yield from unknown_paths(props, _UNDECIDED)
        yield from filter(_DEVICE.match, unknown_paths(props, _DEVICES))
        return
    for path in unknown_paths(props, props):
        if _ENDS.search(path) or _WITHIN.search(path):
            yield path


def is_lifted(kind: str) -> bool:
    """Whether rules look at resources of this type."""
    return kind in LIFTED or bool(kind_of(kind))


def lifted(kind: str, name: str, props: Mapping[str, Any]) -> list[Finding]:
    """The findings of value rules on one resource; a component without a spec was refused by its own constructor."""
    if not props:
        return []
    try:
        if kind == DOMAIN:
            return findings(lifted_domain(Registered("", kind, name, props)), WITHOUT_HOST)
        if kind_of(kind):
            return [told for each in lifted_objects(Registered("", kind, name, props)) for told in findings(each)]
        spec, noun = COMPONENTS[kind]
        where = f'{noun} "{name}"'
        told = findings(spec_of(spec, props, where))
    except Refused as refused:
        return refused.findings
    return [finding.at(prefix=where) for finding in told]
