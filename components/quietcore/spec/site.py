"""The whole picture: every host with every domain that is declared on it."""

from __future__ import annotations

from quietcore.spec.domain import DomainSpec
from quietcore.spec.host import HostSpec
from quietcore.spec.node import RtNodeSpec
from quietcore.spec.spec import Spec, Tuple


class NodeSpec(Spec):
    """A domain on a host. ``host`` is None where a raw domain's host is not declared; ``node`` None for raw domains."""

    host: HostSpec | None
    domain: DomainSpec
    node: RtNodeSpec | None = None


class HostView(Spec):
    """One host and the domains that are declared on it."""

    host: HostSpec
    nodes: Tuple[NodeSpec] = ()


class SiteSpec(Spec):
    """All hosts and all placed domains of a stack."""

    hosts: Tuple[HostSpec] = ()
    nodes: Tuple[NodeSpec] = ()

    def views(self) -> tuple[HostView, ...]:
        """Each host with its domains, in order of declaration."""
        return tuple(HostView(host=host, nodes=self._on(host.name)) for host in self.hosts)

    def _on(self, host: str) -> tuple[NodeSpec, ...]:
        return tuple(node for node in self.nodes if node.host is not None and node.host.name == host)
