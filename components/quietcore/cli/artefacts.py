"""Every file that a stack's resources stand for: exactly what `up` hands to libvirt and to the guests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lxml import etree

from quietcore.derive.cmdline import host_cmdline
from quietcore.errors import QuietcoreError
from quietcore.render import tuned_conf
from quietcore.render.domain_base import VolumeFact, effective_element, guess_volume, stylesheet_of
from quietcore.render.network_base import effective_network_element
from quietcore.spec.guest import GuestSpec
from quietcore.spec.host import HostSpec

if TYPE_CHECKING:
    from quietcore.resources.program import Run
    from quietcore.resources.site import Registered

DOMAIN = "libvirt:index/domain:Domain"
NETWORK = "libvirt:index/network:Network"
POOL = "libvirt:index/pool:Pool"
VOLUME = "libvirt:index/volume:Volume"
SEED = "libvirt:index/cloudInitDisk:CloudInitDisk"
NODE = "quietcore:index:RtNode"

SEED_FILES = {"userData": "user-data", "metaData": "meta-data", "networkConfig": "network-config"}


def artefacts(run: Run) -> dict[str, str]:
    """Path to text, sorted by path: `hosts/NAME/...`, `nodes/NAME/...`, `domains/NAME/...`, `networks/NAME.xml`."""
    known = {resource.urn: resource for resource in run.resources}
    volumes = _volumes(run.resources)
    found: dict[str, str] = {}
    for resource in run.resources:
        try:
            found.update(_of_resource(resource, known, volumes))
        except QuietcoreError as fault:
            place = f'{resource.type.rpartition(":")[2]} "{resource.name}", {fault.where}'
            raise QuietcoreError(
                fault.what, where=place, given=fault.given, allowed=fault.allowed, hint=fault.hint
            ) from None
    for node in run.site.nodes:
        if node.domain.guest is not None:
            folder = "nodes" if node.node is not None else "domains"
            found.update(_inside(f"{folder}/{node.domain.name}", node.domain.guest))
    for host in run.site.hosts:
        found.update(_of_host(host))
    return {path: _ended(text) for path, text in sorted(found.items())}


def _volumes(resources: Iterable[Registered]) -> dict[str, VolumeFact]:
    """What each volume will be on its host, by the id that it has in this run."""
    pools = {str(r.props.get("name") or r.name): str(r.props.get("path") or "") for r in resources if r.type == POOL}
    return {
        f"{r.name}-id": VolumeFact(
            path=f"{pools.get(str(r.props.get('pool')), '')}/{r.props.get('name') or r.name}",
            kind="file",
            format=str(r.props.get("format") or "raw"),
        )
        for r in resources
        if r.type in (VOLUME, SEED)
    }


def _of_resource(
    resource: Registered, known: Mapping[str, Registered], volumes: Mapping[str, VolumeFact]
) -> Iterator[tuple[str, str]]:
    props = dict(resource.props)
    if resource.type == DOMAIN:
        yield from _of_domain(_folder(resource, known, str(props.get("name") or resource.name)), props, volumes)
    elif resource.type == SEED:
        folder = _folder(resource, known, resource.name)
        for key, file in SEED_FILES.items():
            if isinstance(props.get(key), str):
                yield f"{folder}/{file}", props[key]
    elif resource.type == NETWORK:
        yield f"networks/{props.get('name') or resource.name}.xml", _pretty(effective_network_element(props))


def _of_domain(folder: str, props: dict[str, Any], volumes: Mapping[str, VolumeFact]) -> Iterator[tuple[str, str]]:
    effective = effective_element(props, lambda key: volumes.get(key) or guess_volume(key))
    yield f"{folder}/domain.xml", _pretty(effective)
    stylesheet = stylesheet_of(props)
    if stylesheet:
        yield f"{folder}/domain.xslt", stylesheet


def _pretty(root: etree._Element) -> str:
    etree.indent(root)
    return etree.tostring(root, encoding="unicode")


def _folder(resource: Registered, known: Mapping[str, Registered], name: str) -> str:
    parent = known.get(resource.parent)
    return f"nodes/{parent.name}" if parent is not None and parent.type == NODE else f"domains/{name}"


def _inside(folder: str, guest: GuestSpec) -> Iterator[tuple[str, str]]:
    if guest.cmdline is not None:
        yield f"{folder}/cmdline", str(guest.cmdline)
    if guest.tuned is not None:
        for path, text in tuned_conf.render(guest.tuned, guest.isolated).items():
            yield f"{folder}/{path.lstrip('/')}", text


def _of_host(host: HostSpec) -> Iterator[tuple[str, str]]:
    yield f"hosts/{host.name}/cmdline", str(host_cmdline(host))
    yield f"hosts/{host.name}/topology.yaml", host.topology.text()


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"
