"""Every file that a stack's resources stand for: exactly what `up` hands to libvirt and to the guests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from quietcore.spec.guest import GuestSpec
from quietcore.spec.host import HostSpec

if TYPE_CHECKING:
    from quietcore.resources.program import Run
    from quietcore.resources.site import Registered

DOMAIN = "libvirt:index/domain:Domain"
NETWORK = "libvirt:index/network:Network"
SEED = "libvirt:index/cloudInitDisk:CloudInitDisk"
NODE = "quietcore:index:RtNode"

SEED_FILES = {"userData": "user-data", "metaData": "meta-data", "networkConfig": "network-config"}


def artefacts(run: Run) -> dict[str, str]:
    """Path to text, sorted by path: `hosts/NAME/...`, `nodes/NAME/...`, `domains/NAME/...`, `networks/NAME.xml`."""
    known = {resource.urn: resource for resource in run.resources}
    found: dict[str, str] = {}
    for resource in run.resources:
        found.update(_of_resource(resource, known))
    for node in run.site.nodes:
        if node.domain.guest is not None:
            folder = "nodes" if node.node is not None else "domains"
            found.update(_inside(f"{folder}/{node.domain.name}", node.domain.guest))
    for host in run.site.hosts:
        found.update(_of_host(host))
    return {path: _ended(text) for path, text in sorted(found.items())}


def _of_resource(resource: Registered, known: Mapping[str, Registered]) -> Iterator[tuple[str, str]]:
    props = dict(resource.props)
    if resource.type == DOMAIN:
        yield from _of_domain(_folder(resource, known, str(props.get("name") or resource.name)), props)
    elif resource.type == SEED:
        folder = _folder(resource, known, resource.name)
        for key, file in SEED_FILES.items():
            if isinstance(props.get(key), str):
                yield f"{folder}/{file}", props[key]
    elif resource.type == NETWORK:
        from quietcore.render.network_base import effective_network

        yield f"networks/{props.get('name') or resource.name}.xml", effective_network(props)


def _of_domain(folder: str, props: dict[str, Any]) -> Iterator[tuple[str, str]]:
    from quietcore.render.domain_base import effective_domain, stylesheet_of

    yield f"{folder}/domain.xml", effective_domain(props)
    stylesheet = stylesheet_of(props)
    if stylesheet:
        yield f"{folder}/domain.xslt", stylesheet


def _folder(resource: Registered, known: Mapping[str, Registered], name: str) -> str:
    parent = known.get(resource.parent)
    return f"nodes/{parent.name}" if parent is not None and parent.type == NODE else f"domains/{name}"


def _inside(folder: str, guest: GuestSpec) -> Iterator[tuple[str, str]]:
    if guest.cmdline is not None:
        yield f"{folder}/cmdline", str(guest.cmdline)
    if guest.tuned is not None:
        from quietcore.render.tuned_conf import render

        for path, text in render(guest.tuned, guest.isolated).items():
            yield f"{folder}/{path.lstrip('/')}", text


def _of_host(host: HostSpec) -> Iterator[tuple[str, str]]:
    from quietcore.derive.cmdline import host_cmdline

    yield f"hosts/{host.name}/cmdline", str(host_cmdline(host))
    yield f"hosts/{host.name}/topology.yaml", host.topology.text()


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"
