"""The whole picture: every host with every domain that is declared on it."""

from __future__ import annotations

from quietcore.spec.domain import DomainSpec
from quietcore.spec.host import HostSpec
from quietcore.spec.machine import MachineSpec
from quietcore.spec.node import RtNodeSpec
from quietcore.spec.pod import PodSpec
from quietcore.spec.spec import Spec, Tuple
from quietcore.spec.virtual_machine import VirtualMachineSpec


class NodeSpec(Spec):
    """A domain on a host. ``host`` is None where a raw domain's host is not declared; ``node`` None for raw domains."""

    host: HostSpec | None
    domain: DomainSpec
    node: RtNodeSpec | None = None


class HostView(Spec):
    """One host, the domains that are declared on it, and what is known of the host's own Linux."""

    host: HostSpec
    nodes: Tuple[NodeSpec] = ()
    machine: MachineSpec | None = None


class SiteSpec(Spec):
    """All hosts and all placed domains of a stack, and every machine of which more is known.

    A machine with the name of a host is that host's own Linux; the others are guests and bare-metal workers. ``pods``
    are those whose machine is not declared: a scheduler will choose it.
    """

    hosts: Tuple[HostSpec] = ()
    nodes: Tuple[NodeSpec] = ()
    machines: Tuple[MachineSpec] = ()
    pods: Tuple[PodSpec] = ()
    virtual_machines: Tuple[VirtualMachineSpec] = ()

    def views(self) -> tuple[HostView, ...]:
        """Each host with its domains, in order of declaration."""
        own = {machine.name: machine for machine in self.machines}
        return tuple(HostView(host=host, nodes=self._on(host.name), machine=own.get(host.name)) for host in self.hosts)

    def _on(self, host: str) -> tuple[NodeSpec, ...]:
        return tuple(node for node in self.nodes if node.host is not None and node.host.name == host)
