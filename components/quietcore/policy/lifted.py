"""From a resource's type and inputs to the spec that rules judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quietcore.resources.site import DOMAIN, HOST, NODE, Registered, lifted_domain
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


def lifted(kind: str, name: str, props: Mapping[str, Any]) -> list[Finding]:
    """The findings of value rules on one resource; a component without a spec was refused by its own constructor."""
    if not props:
        return []
    try:
        if kind == DOMAIN:
            return findings(lifted_domain(Registered("", kind, name, props)), WITHOUT_HOST)
        spec, noun = COMPONENTS[kind]
        where = f'{noun} "{name}"'
        told = findings(spec_of(spec, props, where))
    except Refused as refused:
        return refused.findings
    return [finding.at(prefix=where) for finding in told]
