"""From a resource's type and inputs to the spec that rules judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quietcore.render.domain_base import effective_domain
from quietcore.render.domain_xml import lift
from quietcore.render.stylesheet import StylesheetError
from quietcore.resources.site import DOMAIN, HOST, NODE
from quietcore.rules.judge import findings
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
    where = f'node "{name}"'
    try:
        domain = lift(effective_domain(props))
    except StylesheetError as fault:
        return [
            Finding(
                code="S06",
                title="a domain's stylesheet cannot be applied",
                where=f"{where}, xml.xslt",
                given=str(fault),
                allowed="an XSLT 1.0 stylesheet without documents, files or network",
                hint="mend the stylesheet",
            )
        ]
    return findings(domain)
