"""A host as a component: its provider, its storage pool, and the images that its nodes boot from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi_libvirt as libvirt

from quietcore.resources.arguments import CpuPlan, HostFacts
from quietcore.resources.judged import judged, reporter
from quietcore.resources.ledger import ledger
from quietcore.resources.misfit import plain
from quietcore.spec.finding import Finding, Refused
from quietcore.spec.host import HostSpec
from quietcore.spec.site import NodeSpec
from quietcore.spec.topology import HostTopology, topology_from


class Host(pulumi.ComponentResource):
    """A libvirt machine with a topology and a CPU plan. Its nodes share one provider and one storage pool.

    ``uri`` is a libvirt connection URI (may be an Output); ``topology`` a YAML file relative to the program, made by
    ``quietcore inventory URI``, or a ``HostTopology``; ``cpus`` a ``CpuPlan``; ``facts`` what the machine lacks.
    """

    spec: HostSpec | None
    nodes: list[NodeSpec]

    def __init__(
        self,
        name: str,
        *,
        uri: pulumi.Input[str],
        topology: str | Path | HostTopology,
        cpus: CpuPlan | Mapping[str, Any],
        facts: HostFacts | Mapping[str, Any] | None = None,
        pool_path: str = "/var/lib/libvirt/quietcore",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Raises pulumi.RunError in ``up`` where a rule refuses it."""
        where = f'host "{name}"'
        hardware, unreadable = _hardware(topology)
        data = {"name": name, "topology": hardware, "cpus": plain(cpus), "facts": plain(facts or {})}
        self.nodes, self._images = [], dict[str | int, libvirt.Volume]()
        report = reporter(unreadable)
        if unreadable:
            self.spec = None
        else:
            self.spec, report = judged(HostSpec, data, where)
        super().__init__(
            "quietcore:index:Host", name, self.spec.dump() if self.spec else {}, ledger().awaiting(name, opts)
        )
        report(self)
        self.provider = libvirt.Provider(f"{name}-libvirt", uri=uri, opts=pulumi.ResourceOptions(parent=self))
        self._child = pulumi.ResourceOptions(parent=self, provider=self.provider)
        pool = f"{pulumi.get_project()}-{pulumi.get_stack()}"
        self.pool = libvirt.Pool(f"{name}-pool", name=pool, type="dir", path=f"{pool_path}/{pool}", opts=self._child)
        self.register_outputs({"spec": self.spec.dump() if self.spec else {}})

    def image(self, source: pulumi.Input[str], *, format: str = "qcow2", name: str = "image") -> libvirt.Volume:
        """A read-only image on this host, uploaded once for all its nodes; ``source`` is a path or http(s) URL.

        Its volume has the file's name, or ``name`` where the source is an Output.
        """
        key = source if isinstance(source, str) else id(source)
        if key not in self._images:
            file = source.split("#")[0].rstrip("/").rsplit("/", 1)[-1] if isinstance(source, str) else name
            self._images[key] = libvirt.Volume(
                f"{self._name}-{file}", name=file, pool=self.pool.name, source=source, format=format, opts=self._child
            )
        return self._images[key]


def _hardware(topology: str | Path | HostTopology) -> tuple[HostTopology | None, list[Finding]]:
    if isinstance(topology, HostTopology):
        return topology, []
    try:
        return topology_from(Path(topology)), []
    except Refused as refused:
        return None, refused.findings
