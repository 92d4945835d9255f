"""The assignment lock: which host CPU each vCPU has, kept in a committed file so that one node never moves another.

``stacks/<stack>.lock.yaml`` is to pins what uv.lock is to packages. This module is the value and its text;
reading and writing the file is the program's business.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import yaml

from quietcore.derive.pins import Taken, place
from quietcore.spec.host import HostSpec
from quietcore.spec.node import RtNodeSpec
from quietcore.spec.spec import CpuSetField, Spec, Tuple, Whole, spec_of
from quietcore.spec.topology import Loader
from quietcore.units import CpuSet

HEADER = "# Which host CPU each vCPU has. Made by `quietcore check` and by previews; commit it with the program.\n"


class Assignment(Spec):
    """A node's host and the host CPU of each vCPU, by vCPU number; ``rt`` are the real-time vCPUs."""

    host: str
    rt: CpuSetField
    cpus: Tuple[Whole]

    @property
    def held(self) -> CpuSet:
        """The host CPUs of the real-time vCPUs."""
        return CpuSet(self.cpus[vcpu] for vcpu in self.rt if vcpu < len(self.cpus) and self.cpus[vcpu] >= 0)


class Lock(Spec):
    """The assignments of a stack by node name."""

    schema_version: Whole = 1
    nodes: dict[str, Assignment] = {}

    @classmethod
    def parse(cls, text: str, where: str) -> Lock:
        """Read the file's text; ``where`` names it. Raises Refused."""
        return spec_of(cls, yaml.load(text, Loader) or {}, where)

    def text(self) -> str:
        """The file's text, sorted by node, one line a node."""
        rows = [
            f'  {name}: {{host: {node.host}, rt: "{node.rt}", cpus: [{", ".join(map(str, node.cpus))}]}}\n'
            for name, node in sorted(self.nodes.items())
        ]
        return f"{HEADER}schema_version: {self.schema_version}\nnodes:{'' if rows else ' {}'}\n{''.join(rows)}"

    def taken(self, host: str, without: str) -> Taken:
        """What the nodes of a host other than ``without`` have."""
        others = [node for name, node in self.nodes.items() if node.host == host and name != without]
        held = CpuSet(cpu for node in others for cpu in node.held)
        return Taken(held, Counter(cpu for node in others for cpu in node.cpus if cpu not in held))

    def with_node(self, name: str, assignment: Assignment) -> Lock:
        """The lock with one node's assignment set."""
        return self.model_copy(update={"nodes": {**self.nodes, name: assignment}})

    def only(self, names: Iterable[str]) -> Lock:
        """The lock without the nodes that are not in ``names``."""
        kept = set(names)
        return self.model_copy(update={"nodes": {name: node for name, node in self.nodes.items() if name in kept}})


def assign(lock: Lock, node: RtNodeSpec, host: HostSpec) -> Assignment:
    """The node's assignment: the locked one while it still fits what is declared, else a new one. Raises NoRoom."""
    locked = lock.nodes.get(node.name)
    if locked is not None and fits(locked, node, host):
        return locked
    return Assignment(host=host.name, rt=node.rt_vcpus, cpus=place(node, host, lock.taken(host.name, node.name)))


def fits(locked: Assignment, node: RtNodeSpec, host: HostSpec) -> bool:
    """Whether a locked assignment still serves: same host, same vCPUs, and each CPU still of the kind that it was."""
    if locked.host != host.name or locked.rt != node.rt_vcpus or len(locked.cpus) != node.vcpus:
        return False
    return all(_serves(vcpu, cpu, node, host) for vcpu, cpu in enumerate(locked.cpus))


def _serves(vcpu: int, cpu: int, node: RtNodeSpec, host: HostSpec) -> bool:
    if node.pins is not None and vcpu in node.pins:
        return node.pins[vcpu] == cpu
    if vcpu in node.rt_vcpus:
        near = node.cell is None or host.topology.cells_of(CpuSet([cpu])) == CpuSet([node.cell])
        return near and cpu in host.cpus.isolated
    return cpu in (host.cpus.shared or host.cpus.housekeeping)
