"""From a resource's type and inputs to the spec that rules judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quietcore.errors import QuietcoreError
from quietcore.render.domain_base import effective_domain
from quietcore.render.domain_xml import lift
from quietcore.resources.site import DOMAIN, HOST, NODE
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
    if kind == DOMAIN:
        return _domain(name, props)
    spec, noun = COMPONENTS[kind]
    where = f'{noun} "{name}"'
    if not props:
        return []
    try:
        told = findings(spec_of(spec, props, where))
    except Refused as refused:
        return refused.findings
    return [f if f.where.startswith(where) else f.at(prefix=where) for f in told]


def _domain(name: str, props: Mapping[str, Any]) -> list[Finding]:
    try:
        domain = lift(effective_domain(props))
    except QuietcoreError as fault:
        where = ", ".join(part for part in (f'domain "{name}"', fault.where) if part)
        return [Finding(code="S06", title=fault.what, where=where, given=fault.given, allowed=fault.allowed)]
    return findings(domain, WITHOUT_HOST)
