"""The whole picture from registered resources: one function for ``quietcore check`` and for stack-wide policies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lxml import etree

from quietcore.errors import QuietcoreError
from quietcore.render.domain_base import base_domain, stylesheet_of
from quietcore.render.domain_xml import lift_element
from quietcore.render.element import UNKNOWN_TEXT
from quietcore.render.pod import KINDS, Lifted, lift_object, with_classes
from quietcore.render.stylesheet import apply_stylesheet, parse_xml
from quietcore.render.virtual_machine import TEMPLATES as MACHINES
from quietcore.render.virtual_machine import lift_object as lift_machine
from quietcore.spec.domain import DomainSpec
from quietcore.spec.finding import Finding, Refused
from quietcore.spec.host import HostSpec
from quietcore.spec.node import RtNodeSpec
from quietcore.spec.pod import PodSpec, RuntimeClassSpec
from quietcore.spec.site import NodeSpec, SiteSpec
from quietcore.spec.spec import spec_of
from quietcore.spec.virtual_machine import VirtualMachineSpec

HOST, NODE = "quietcore:index:Host", "quietcore:index:RtNode"
DOMAIN = "libvirt:index/domain:Domain"
PROVIDER = "pulumi:providers:libvirt"

Workload = Lifted | VirtualMachineSpec
VIRTUAL_MACHINES: Mapping[str, Callable[[Mapping[str, Any], str], tuple[Workload, ...]]] = dict.fromkeys(
    MACHINES, lift_machine
)
_LIST = "List"
_GROUPS = ("core", "apps", "batch", "node.k8s.io", "policy", "kubevirt.io")


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
    """All hosts, and every domain by its effective XML, placed on the host whose provider it uses, or one of its URI.

    Resources whose inputs make no spec are left out: their own findings say so.
    """
    known = {resource.urn: resource for resource in resources}
    hosts = {urn: spec for urn, found in known.items() if found.type == HOST and (spec := _host(found))}
    nodes = [
        place
        for found in known.values()
        if found.type == DOMAIN and (place := _placed(found, known, hosts)) is not None
    ]
    pods, classes, machines = _workloads(known.values())
    return SiteSpec(
        hosts=tuple(hosts.values()), nodes=tuple(nodes), pods=with_classes(pods, classes), virtual_machines=machines
    )


@lru_cache(maxsize=512)
def kind_of(token: str) -> str:
    """The Kubernetes kind of a type token such as ``kubernetes:apps/v1:Deployment``; "" where none is judged.

    A list is judged as what it holds is: ``DeploymentList``.
    """
    package, _, rest = token.partition(":")
    group, _, kind = rest.partition(":")
    held = kind.removesuffix(_LIST)
    judged = package == "kubernetes" and group.partition("/")[0] in _GROUPS and held in (*KINDS, *MACHINES)
    return kind if judged else ""


def _host(found: Registered) -> HostSpec | None:
    try:
        return spec_of(HostSpec, found.props.get("spec") or found.props)
    except Refused:
        return None


def lifted_domain(found: Registered) -> DomainSpec:
    """The domain that a resource's inputs stand for, stylesheet included. Raises Refused where they make none (S06).

    Where the stylesheet is not known yet, Refused tells no finding: what it will make of the domain cannot be judged.
    """
    stylesheet = stylesheet_of(found.props)
    if stylesheet == UNKNOWN_TEXT:
        raise Refused([])
    try:
        return _lifted(etree.tostring(base_domain(found.props)), stylesheet)
    except QuietcoreError as fault:
        where = ", ".join(part for part in (f'domain "{found.name}"', fault.where) if part)
        title, given, allowed = fault.what, fault.given, fault.allowed
        raise Refused([Finding(code="S06", title=title, where=where, given=given, allowed=allowed)]) from None


@lru_cache(maxsize=4096)
def _lifted(base: bytes, stylesheet: str) -> DomainSpec:
    """Read a domain once: the same one is asked for alone, and again with the whole site."""
    domain = parse_xml(base)
    return lift_element(apply_stylesheet(domain, stylesheet) if stylesheet else domain)


def lifted_objects(found: Registered) -> tuple[Workload, ...]:
    """What a Kubernetes resource's inputs stand for. Raises Refused where they make none (S07)."""
    kind = kind_of(found.type)
    data = {"kind": kind, **found.props}
    if kind.endswith(_LIST) and isinstance(data.get("items"), list):
        held = {"kind": kind.removesuffix(_LIST)}
        data["items"] = [{**held, **each} if isinstance(each, dict) else each for each in data["items"]]
    told = _read(kind, found.name, json.dumps(data, default=_unknown))
    if isinstance(told, Finding):
        raise Refused([told])
    return told


@lru_cache(maxsize=4096)
def _read(kind: str, name: str, text: str) -> tuple[Workload, ...] | Finding:
    """Read an object once: the same one is asked for alone, and again with the whole site."""
    lift = VIRTUAL_MACHINES.get(kind.removesuffix(_LIST), lift_object)
    try:
        lifted = lift(json.loads(text), f'{kind} "{name}"')
    except QuietcoreError as fault:
        where, given, allowed = fault.where or name, fault.given, fault.allowed
        return Finding(code="S07", title=fault.what, where=where, given=given, allowed=allowed, hint=fault.hint)
    # The engine's provider makes a name of the resource's where the program gives none.
    return tuple(each if each.name else each.model_copy(update={"name": name}) for each in lifted)


def _unknown(_value: object) -> str:
    """What is no plain value has none yet."""
    return UNKNOWN_TEXT


def _workloads(
    resources: Iterable[Registered],
) -> tuple[list[PodSpec], list[RuntimeClassSpec], tuple[VirtualMachineSpec, ...]]:
    lifted: list[Workload] = []
    for found in resources:
        if kind_of(found.type):
            try:
                lifted += lifted_objects(found)
            except Refused:
                continue
    pods = [each for each in lifted if isinstance(each, PodSpec)]
    classes = [each for each in lifted if isinstance(each, RuntimeClassSpec)]
    return pods, classes, tuple(each for each in lifted if isinstance(each, VirtualMachineSpec))


def unreadable(resources: Iterable[Registered]) -> list[Finding]:
    """The findings on domains and objects that are no part of the picture, because nothing can be read from them."""
    found: list[Finding] = []
    for resource in resources:
        if resource.type == DOMAIN or kind_of(resource.type):
            try:
                lifted_domain(resource) if resource.type == DOMAIN else lifted_objects(resource)
            except Refused as refused:
                found += refused.findings
    return found


def _placed(found: Registered, known: Mapping[str, Registered], hosts: Mapping[str, HostSpec]) -> NodeSpec | None:
    try:
        domain = lifted_domain(found)
    except Refused:
        return None
    provider = known.get(found.provider)
    host = _host_of(provider, known, hosts) if provider else None
    parent = known.get(found.parent)
    node = None
    if parent is not None and parent.type == NODE:
        try:
            node = spec_of(RtNodeSpec, parent.props.get("spec") or parent.props)
        except Refused:
            node = None
    return NodeSpec(host=host, domain=domain, node=node)


def _host_of(provider: Registered, known: Mapping[str, Registered], hosts: Mapping[str, HostSpec]) -> HostSpec | None:
    """The host that a provider is of, or the one to which it leads by its URI as the host's own does."""
    if provider.parent in hosts:
        return hosts[provider.parent]
    uri = provider.props.get("uri")
    same = (each.parent for each in known.values() if each.type == PROVIDER and each.props.get("uri") == uri)
    led = {parent for parent in same if parent in hosts} if uri and uri != UNKNOWN_TEXT else set()
    return hosts[led.pop()] if len(led) == 1 else None
