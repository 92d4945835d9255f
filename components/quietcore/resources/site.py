"""The whole picture from registered resources: one function for ``quietcore check`` and for stack-wide policies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lxml import etree

from quietcore.errors import QuietcoreError
from quietcore.render.domain_base import base_domain, stylesheet_of
from quietcore.render.domain_xml import lift_element
from quietcore.render.stylesheet import apply_stylesheet, parse_xml
from quietcore.spec.domain import DomainSpec
from quietcore.spec.finding import Finding, Refused
from quietcore.spec.host import HostSpec
from quietcore.spec.node import RtNodeSpec
from quietcore.spec.site import NodeSpec, SiteSpec
from quietcore.spec.spec import spec_of

HOST, NODE = "quietcore:index:Host", "quietcore:index:RtNode"
DOMAIN = "libvirt:index/domain:Domain"


@dataclass(frozen=True)
class Registered:
    """A resource as the engine or the mocks know it; ``provider`` and ``parent`` are URNs, or "" ."""

    urn: str
    type: str
    name: str
    props: Mapping[str, Any]
    parent: str = ""
    provider: str = ""


def site_from(resources: Iterable[Registered]) -> SiteSpec:
    """All hosts, and every domain by its effective XML, placed on the host whose provider it uses.

    Resources whose inputs make no spec are left out: their own findings say so.
    """
    known = {resource.urn: resource for resource in resources}
    hosts = {urn: spec for urn, found in known.items() if found.type == HOST and (spec := _host(found))}
    nodes = [
        place
        for found in known.values()
        if found.type == DOMAIN and (place := _placed(found, known, hosts)) is not None
    ]
    return SiteSpec(hosts=tuple(hosts.values()), nodes=tuple(nodes))


def _host(found: Registered) -> HostSpec | None:
    try:
        return spec_of(HostSpec, found.props.get("spec") or found.props)
    except Refused:
        return None


def lifted_domain(found: Registered) -> DomainSpec:
    """The domain that a resource's inputs stand for, stylesheet included. Raises Refused where they make none (S06)."""
    try:
        return _lifted(etree.tostring(base_domain(found.props)), stylesheet_of(found.props))
    except QuietcoreError as fault:
        where = ", ".join(part for part in (f'domain "{found.name}"', fault.where) if part)
        title, given, allowed = fault.what, fault.given, fault.allowed
        raise Refused([Finding(code="S06", title=title, where=where, given=given, allowed=allowed)]) from None


@lru_cache(maxsize=4096)
def _lifted(base: bytes, stylesheet: str) -> DomainSpec:
    """Read a domain once: the same one is asked for alone, and again with the whole site."""
    domain = parse_xml(base)
    return lift_element(apply_stylesheet(domain, stylesheet) if stylesheet else domain)


def unreadable(resources: Iterable[Registered]) -> list[Finding]:
    """The findings on domains that are no part of the picture, because nothing can be read from them."""
    found: list[Finding] = []
    for resource in resources:
        if resource.type == DOMAIN:
            try:
                lifted_domain(resource)
            except Refused as refused:
                found += refused.findings
    return found


def _placed(found: Registered, known: Mapping[str, Registered], hosts: Mapping[str, HostSpec]) -> NodeSpec | None:
    try:
        domain = lifted_domain(found)
    except Refused:
        return None
    provider = known.get(found.provider)
    host = hosts.get(provider.parent) if provider else None
    parent = known.get(found.parent)
    node = None
    if parent is not None and parent.type == NODE:
        try:
            node = spec_of(RtNodeSpec, parent.props.get("spec") or parent.props)
        except Refused:
            node = None
    return NodeSpec(host=host, domain=domain, node=node)
