"""A real-time node as a component: a disk, a seed and a domain, with every setting derived, judged and rendered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any, NamedTuple, Unpack

import pulumi
import pulumi_libvirt as libvirt

from quietcore.derive.mac import mac_of
from quietcore.render.cloud_init import Seed, seed
from quietcore.render.domain_xslt import xslt
from quietcore.resources.arguments import RtNodeArgs
from quietcore.resources.host import Host
from quietcore.resources.judged import judged
from quietcore.resources.ledger import ledger
from quietcore.resources.misfit import Place, misfits
from quietcore.resources.placed import placed
from quietcore.resources.tuned import TunedProfile
from quietcore.spec.finding import Finding
from quietcore.spec.node import RtNodeSpec
from quietcore.spec.site import NodeSpec


class Images(NamedTuple):
    """What a node boots from: paths or http(s) URLs."""

    disk: pulumi.Input[str]
    kernel: pulumi.Input[str] | None
    initrd: pulumi.Input[str] | None


class RtNode(pulumi.ComponentResource):
    """A pinned real-time guest on a host. The plain facts are those of ``RtNodeArgs``; the rest may be Outputs.

    ``image`` is a qcow2 file or http(s) URL that the disk overlays; ``kernel`` and ``initrd`` go with ``boot`` direct.
    ``cloud_config`` is further cloud-config as plain data, merged into ours. ``addresses`` needs ``wait_for_lease``.
    """

    spec: RtNodeSpec | None
    placed: NodeSpec | None

    def __init__(
        self,
        name: str,
        *,
        host: Host,
        image: pulumi.Input[str],
        kernel: pulumi.Input[str] | None = None,
        initrd: pulumi.Input[str] | None = None,
        tuned: TunedProfile | None = None,
        authorized_keys: Sequence[pulumi.Input[str]] = (),
        cloud_config: Mapping[str, Any] | None = None,
        wait_for_lease: bool = False,
        opts: pulumi.ResourceOptions | None = None,
        **facts: Unpack[RtNodeArgs],
    ) -> None:
        """Raises pulumi.RunError in ``up`` where a rule refuses it."""
        where = f'node "{name}"'
        data = {**facts, "name": name, "host": _name(host), "tuned": _name(tuned)}
        self.spec, report = judged(RtNodeSpec, data, where, _misfits(where, host, tuned, authorized_keys, cloud_config))
        self.placed, report_placed = placed(self.spec, host, tuned)
        super().__init__(
            "quietcore:index:RtNode", name, self.spec.dump() if self.spec else {}, ledger().awaiting(name, opts)
        )
        report(self)
        report_placed(self)
        self.domain: libvirt.Domain | None = None
        if self.placed:
            written = _seed(self.placed, authorized_keys, cloud_config)
            self._register(self.placed, host, Images(image, kernel, initrd), written, wait=wait_for_lease)
        self.register_outputs(
            {
                "spec": self.spec.dump() if self.spec else {},
                "addresses": self.addresses,
            }
        )

    @property
    def name(self) -> str:
        """The node's name, which is its domain's."""
        return self._name

    @property
    def addresses(self) -> pulumi.Output[Sequence[str]]:
        """The addresses of the first interface, as libvirt saw them; empty for a node that was refused."""
        if self.domain is None:
            return pulumi.Output.from_input([])
        return pulumi.Output.all(self.domain.network_interfaces).apply(_first_addresses)

    def _register(
        self, place: NodeSpec, host: Host, images: Images, written: Seed | pulumi.Output[Seed], *, wait: bool
    ) -> None:
        child = pulumi.ResourceOptions(parent=self, provider=host.provider)
        name, spec, domain = place.domain.name, place.node, place.domain
        assert spec is not None
        disk = libvirt.Volume(
            f"{name}-root",
            name=f"{name}-root.qcow2",
            pool=host.pool.name,
            base_volume_id=host.image(images.disk, name=f"{name}-image").id,
            size=spec.disk.bytes,
            format="qcow2",
            opts=child,
        )
        cloudinit = libvirt.CloudInitDisk(
            f"{name}-seed",
            name=f"{name}-seed.iso",
            pool=host.pool.name,
            user_data=written.user_data,
            meta_data=written.meta_data,
            network_config=written.network_config,
            opts=child,
        )
        self.domain = libvirt.Domain(
            name,
            name=name,
            type=domain.hypervisor,
            arch=domain.arch,
            machine=domain.machine,
            vcpu=domain.vcpus,
            memory=domain.memory.in_unit("MiB"),
            kernel=_booted(host, images.kernel, f"{name}-kernel"),
            initrd=_booted(host, images.initrd, f"{name}-initrd"),
            disks=[{"volume_id": disk.id}],
            cloudinit=cloudinit.id,
            network_interfaces=_interfaces(spec, wait=wait),
            consoles=[{"type": "pty", "target_type": "serial", "target_port": "0"}],
            qemu_agent=True,
            autostart=spec.autostart,
            running=True,
            xml={"xslt": xslt(domain, restart=spec.restart, shutdown_timeout=spec.shutdown_timeout)},
            opts=child,
        )


def _name(component: object) -> str | None:
    """The name of a component; whatever else stands there is a finding of its own."""
    return component._name if isinstance(component, pulumi.Resource) else None if component is None else ""


def _misfits(where: str, host: object, tuned: object, keys: object, cloud_config: object) -> list[Finding]:
    return misfits(
        where,
        Place("host", host, Host, "a Host", "give the Host itself, not its name"),
        Place("tuned", tuned, (TunedProfile, NoneType), "a TunedProfile", "give the TunedProfile itself, not its name"),
        Place("authorized_keys", keys, (list, tuple), "a list of public keys", "write [...] around a single key"),
        Place("cloud_config", cloud_config, (Mapping, NoneType), "a dictionary of cloud-config"),
    )


def _first_addresses(known: Sequence[Any]) -> Sequence[str]:
    (interfaces,) = known
    return list(interfaces[0].get("addresses") or []) if interfaces else []


def _booted(host: Host, source: pulumi.Input[str] | None, name: str) -> pulumi.Output[str] | None:
    """The volume that holds a kernel or an initrd, by its id; None where the disk boots itself."""
    return None if source is None else host.image(source, format="raw", name=name).id


def _seed(
    place: NodeSpec, keys: Sequence[pulumi.Input[str]], extra: Mapping[str, Any] | None
) -> Seed | pulumi.Output[Seed]:
    """The seed's texts, known at once unless a key is an Output."""
    plain = [key for key in keys if isinstance(key, str)]
    if len(plain) == len(keys):
        return _written(place, plain, extra)
    return pulumi.Output.all(*keys).apply(lambda known: _written(place, known, extra))


def _written(place: NodeSpec, keys: Sequence[str], extra: Mapping[str, Any] | None) -> Seed:
    node, guest = place.node, place.domain.guest
    assert node is not None
    assert guest is not None
    assert guest.cmdline is not None
    return seed(node, guest.tuned, guest.cmdline, macs=_macs(node), authorized_keys=keys, extra=extra)


def _macs(spec: RtNodeSpec) -> list[str]:
    return [mac_of(pulumi.get_stack(), spec.name, number) for number in range(len(spec.networks))]


def _interfaces(spec: RtNodeSpec, *, wait: bool) -> list[libvirt.DomainNetworkInterfaceArgsDict]:
    """One interface a network; a lease is waited for on the first."""
    return [
        {
            "network_name": network,
            "mac": mac,
            "wait_for_lease": wait and number == 0,
        }
        for number, (network, mac) in enumerate(zip(spec.networks, _macs(spec), strict=True))
    ]
