"""Every renderer on named clusters: the folder's cluster.yaml in, all other files of the folder out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from lxml import etree

from quietcore.derive.cmdline import guest_cmdline, host_cmdline
from quietcore.derive.domain import domain_of
from quietcore.derive.lock import Lock, assign
from quietcore.derive.mac import mac_of
from quietcore.render import cloud_init, diagram, domain_base, domain_xml, domain_xslt, stylesheet, tuned_conf
from quietcore.rules.judge import findings
from quietcore.spec import DomainSpec, HostSpec, NodeSpec, RtNodeSpec, SiteSpec, TunedProfileSpec
from quietcore.spec.spec import spec_of

CLUSTERS = sorted(path.parent for path in Path(__file__).parent.glob("*/cluster.yaml"))


@pytest.mark.parametrize("folder", CLUSTERS, ids=lambda folder: folder.name)
def test_every_renderer_gives_the_golden_files_and_no_others(folder, golden):
    golden(folder, artefacts(yaml.safe_load((folder / "cluster.yaml").read_text(encoding="utf-8"))))


@pytest.mark.parametrize("folder", CLUSTERS, ids=lambda folder: folder.name)
def test_the_effective_domain_says_what_was_derived(folder):
    cluster = yaml.safe_load((folder / "cluster.yaml").read_text(encoding="utf-8"))
    for placed in site(cluster).nodes:
        lifted = domain_xml.lift(effective(placed))
        # Disks and interfaces are the SDK's own inputs.
        devices = lifted.devices.model_copy(update={"disks": (), "interfaces": ()})
        assert lifted.model_copy(update={"devices": devices}) == placed.domain


@pytest.mark.parametrize("folder", CLUSTERS, ids=lambda folder: folder.name)
def test_the_effective_domain_breaks_no_other_rule_than_the_derived_one(folder):
    cluster = yaml.safe_load((folder / "cluster.yaml").read_text(encoding="utf-8"))
    for placed in site(cluster).nodes:
        told = placed.model_copy(update={"domain": domain_xml.lift(effective(placed))})
        assert findings(told) == findings(placed)


@pytest.mark.parametrize("folder", CLUSTERS, ids=lambda folder: folder.name)
def test_a_stylesheet_changes_nothing_in_its_own_result(folder):
    cluster = yaml.safe_load((folder / "cluster.yaml").read_text(encoding="utf-8"))
    for placed in site(cluster).nodes:
        once = stylesheet.parse_xml(effective(placed))
        twice = stylesheet.apply_stylesheet(once, xslt(placed))
        assert stylesheet.canonical(twice) == stylesheet.canonical(once)


def site(cluster: dict[str, Any]) -> SiteSpec:
    hosts = {host["name"]: spec_of(HostSpec, host) for host in cluster["hosts"]}
    profiles = {profile["name"]: spec_of(TunedProfileSpec, profile) for profile in cluster["tuned"]}
    locks = {name: Lock() for name in hosts}
    nodes = []
    for data in cluster["nodes"]:
        node = spec_of(RtNodeSpec, data)
        host, lock = hosts[node.host], locks[node.host]
        assignment = assign(lock, node, host)
        locks[node.host] = lock.with_node(node.name, assignment)
        profile = profiles[node.tuned] if node.tuned else None
        domain = domain_of(node, host, assignment.cpus, profile, guest_cmdline(node, host))
        nodes.append(NodeSpec(host=host, domain=domain, node=node))
    return SiteSpec(hosts=tuple(hosts.values()), nodes=tuple(nodes))


def artefacts(cluster: dict[str, Any]) -> dict[str, str]:
    whole = site(cluster)
    files = {"cpu-map.svg": diagram.cpu_map_svg(whole)}
    for view in whole.views():
        profile = TunedProfileSpec(name="quiet-host", role="host")
        files[f"hosts/{view.host.name}/cmdline"] = f"{host_cmdline(view.host)}\n"
        files[f"hosts/{view.host.name}/cpu-map.txt"] = diagram.cpu_map(view)
        files |= under(f"hosts/{view.host.name}", tuned_conf.render(profile, view.host.cpus.isolated))
    for placed in whole.nodes:
        files |= under(f"nodes/{placed.domain.name}", dict(of_node(placed, cluster)))
    return files


def of_node(placed: NodeSpec, cluster: dict[str, Any]) -> Iterator[tuple[str, str]]:
    node, guest = placed.node, placed.domain.guest
    assert node is not None
    assert guest is not None
    assert guest.cmdline is not None
    seed = cloud_init.seed(
        node,
        guest.tuned,
        guest.cmdline,
        macs=macs(node),
        authorized_keys=cluster.get("authorized_keys", ()),
        extra=cluster.get("extra"),
    )
    yield "user-data", seed.user_data
    yield "meta-data", seed.meta_data
    yield "network-config", seed.network_config
    yield "cmdline", f"{guest.cmdline}\n"
    yield "domain.xml", domain_xml.render(placed.domain)
    yield "domain.xslt", xslt(placed)
    yield "base.xml", pretty(domain_base.base_domain(inputs(node, placed.domain)))
    yield "effective.xml", effective(placed)
    if guest.tuned:
        yield from under("", tuned_conf.render(guest.tuned, guest.isolated)).items()


def effective(placed: NodeSpec) -> str:
    assert placed.node is not None
    base = domain_base.base_domain(inputs(placed.node, placed.domain))
    return pretty(stylesheet.apply_stylesheet(base, xslt(placed)))


def xslt(placed: NodeSpec) -> str:
    assert placed.node is not None
    return domain_xslt.xslt(placed.domain, restart=placed.node.restart, shutdown_timeout=placed.node.shutdown_timeout)


def inputs(node: RtNodeSpec, domain: DomainSpec) -> dict[str, Any]:
    """What a program gives to the SDK's Domain."""
    direct = {"kernel": "/images/vmlinuz", "initrd": "/images/initrd.img"} if node.boot == "direct" else {}
    return {
        "name": node.name,
        "type": domain.hypervisor,
        "arch": domain.arch,
        "machine": domain.machine,
        "vcpu": domain.vcpus,
        "memory": domain.memory.in_unit("MiB"),
        "disks": [{"volumeId": f"/pool/{node.name}-root.qcow2"}],
        "cloudinit": f"/pool/{node.name}-seed.iso",
        "networkInterfaces": [
            {"networkName": network, "mac": mac} for network, mac in zip(node.networks, macs(node), strict=True)
        ],
        "consoles": [{"type": "pty", "targetType": "serial", "targetPort": "0"}],
        **direct,
    }


def macs(node: RtNodeSpec) -> list[str]:
    return [mac_of("golden", node.name, number) for number in range(len(node.networks))]


def under(folder: str, files: dict[str, str]) -> dict[str, str]:
    return {f"{folder}/{path.lstrip('/')}".lstrip("/"): text for path, text in files.items()}


def pretty(root: etree._Element) -> str:
    text: str = etree.tostring(stylesheet.parse_xml(etree.tostring(root)), pretty_print=True, encoding="unicode")
    return text
