"""The lab as a program sees it: its hosts with topology and CPU plan, its facts, its images."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any

from quietcore.errors import EnvironmentFault
from quietcore.lab import state
from quietcore.lab.hugepages import PAGE
from quietcore.lab.layout import lab_dir, labs_root
from quietcore.spec.topology import Cell, HostTopology
from quietcore.units import CpuSet, Size

DEFAULT = "lab"


@dataclass(frozen=True)
class LabHost:
    """One host's name, connection URI, hardware and CPU plan, as ``quietcore.Host`` takes them."""

    name: str
    uri: str
    topology: HostTopology
    cpus: dict[str, str]


@dataclass(frozen=True)
class LabDescription:
    """What a program needs of a lab. Facts are those of ``quietcore.HostFacts``; images are paths."""

    hosts: tuple[LabHost, ...]
    facts: dict[str, str]
    image: str
    kernel: str
    initrd: str


def described(name: str = "") -> LabDescription:
    """The lab of that name (default: ``QUIETCORE_LAB``, else "lab"); where it is not up, a lab on two CPUs."""
    name = name or os.environ.get("QUIETCORE_LAB", DEFAULT)
    lab = lab_dir(name)
    known = state.read(lab)
    if known is None:
        hosts = tuple(
            _host(host, f"{lab.root}/{host}/run/libvirt/libvirt-sock", "0", "1", 1024) for host in ("hv1", "hv2")
        )
        facts = {"accelerator": "tcg", "memlock": "limited", "cpus": "shared"}
        return LabDescription(hosts, facts, "tier2.qcow2", "vmlinuz", "initrd.img")
    shared = any(host.cpus.shared for host in known.hosts)
    facts = {"accelerator": known.accelerator, "memlock": known.memlock, "cpus": "shared" if shared else "own"}
    tier2 = known.images.tier2
    paths = (tier2.disk, tier2.kernel, tier2.initrd) if tier2 else ("tier2.qcow2", "vmlinuz", "initrd.img")
    hosts = tuple(
        _host(host.name, host.uri, host.cpus.housekeeping, host.cpus.isolated, host.hugepages) for host in known.hosts
    )
    return LabDescription(hosts, facts, *paths)


def lab_of(uri: str) -> LabDescription | None:
    """The lab that a libvirt URI leads into, with that host alone; None for a host of no lab of this machine."""
    for folder in sorted(labs_root().glob("*/lab.json")):
        try:
            known = state.read(lab_dir(folder.parent.name))
        except EnvironmentFault:
            continue  # torn, or no lab's: not the one that was named
        for host in known.hosts if known else ():
            if uri in (host.uri, host.ssh_uri):
                whole = described(folder.parent.name)
                return replace(whole, hosts=tuple(one for one in whole.hosts if one.name == host.name))
    return None


def _host(name: str, uri: str, housekeeping: str, isolated: str, pages: int) -> LabHost:
    cpus = reduce(or_, map(CpuSet.parse, (housekeeping, isolated)))
    cell: dict[str, Any] = {"id": 0, "cpus": cpus, "memory": Size(PAGE) * (2 * pages), "pages": {Size(PAGE): pages}}
    uri = uri if "://" in uri else f"qemu+unix:///system?socket={uri}"
    return LabHost(name, uri, HostTopology(cells=(Cell(**cell),)), {"housekeeping": housekeeping, "isolated": isolated})
