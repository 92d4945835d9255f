"""The first project of a user, as texts: from the hosts that were pointed at to every file of it. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from keyword import iskeyword
from pathlib import Path
from typing import Final

from quietcore.errors import EnvironmentFault
from quietcore.spec.cpu import CpuPlan
from quietcore.spec.topology import Cell, HostTopology
from quietcore.units import CpuSet, Size

IMAGE: Final = "https://cloud.debian.org/images/cloud/bookworm/latest/debian-12-genericcloud-{arch}.qcow2"
ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64el"}
PAGE: Final = Size.mib(2)
MEMORY: Final = (Size.mib(2048), Size.mib(1024), Size.mib(512))
"""What the example node may get; the largest that is at most a quarter of the smallest cell that it may land on."""


@dataclass(frozen=True)
class Found:
    """A host that was pointed at. ``source`` says where its topology was read; ``kvm`` whether it runs guests so.

    ``facts`` are those of a lab host, which its lab knows; empty for others.
    """

    name: str
    uri: str
    source: str
    topology: HostTopology
    kvm: bool
    facts: Mapping[str, str] = field(default_factory=dict)


def cpu_plan(topology: HostTopology, where: str) -> CpuPlan:
    """The first core of each NUMA cell keeps house, the rest is isolated. Raises EnvironmentFault for a single core."""
    first = CpuSet(cpu for cell in topology.cells for cpu in topology.core_of(min(cell.cpus)))
    if first == topology.cpus:
        raise EnvironmentFault(
            "too few cores for a real-time node",
            where=where,
            given=topology.cpus.counted("CPU"),
            allowed="one core for housekeeping and one that is isolated, at least",
            hint="point at a larger host: quietcore init --host qemu+ssh://HOST/system",
        )
    return CpuPlan(housekeeping=first, isolated=topology.cpus - first)


def node_memory(topology: HostTopology) -> Size:
    """Memory of the example node."""
    least = min(cell.memory.bytes for cell in topology.cells)
    return next((size for size in MEMORY if size.bytes * 4 <= least), MEMORY[-1])


def planned(topology: HostTopology, plan: CpuPlan) -> tuple[HostTopology, list[Cell]]:
    """The topology with hugepages for the example node wherever it may land, and the cells that lack them today."""
    memory = node_memory(topology)
    cells, lacking = [], []
    for cell in topology.cells:
        short = all(size * count < memory for size, count in cell.pages.items())
        if short and not cell.cpus.isdisjoint(plan.isolated):
            wanted = {**cell.pages, PAGE: memory.bytes // PAGE.bytes}
            cell = cell.model_copy(update={"pages": dict(sorted(wanted.items()))})
            lacking.append(cell)
        cells.append(cell)
    return topology.model_copy(update={"cells": tuple(cells)}), lacking


def program(hosts: Sequence[Found], plans: Sequence[CpuPlan]) -> str:
    """The program: every host that was found and one example node on the first."""
    threads = hosts[0].topology.threads
    arch = ARCHITECTURES.get(hosts[0].topology.arch, "amd64")
    return "\n".join(
        [
            f'"""{_count(len(hosts))} and one real-time node: the place to start from."""',
            "",
            "import pulumi",
            "from quietcore import CpuPlan, Host, RtNode, TunedProfile",
            "",
            f'DEBIAN = "{IMAGE.format(arch=arch)}"',
            "# Debian's image brings neither a real-time kernel nor tuned: its first boot installs them.",
            f'PACKAGES = ["linux-image-rt-{arch}", "tuned", "qemu-guest-agent"]',
            'INSTALL = {"package_update": True, "packages": PACKAGES}',
            'image = pulumi.Config().get("image") or DEBIAN',
            'realtime = TunedProfile("rt-guest", role="guest")',
            "",
            *(line for host, plan in zip(hosts, plans, strict=True) for line in _host(host, plan)),
            "RtNode(",
            '    "rt-a",',
            f"    host={variable(hosts[0].name)},",
            f"    vcpus={1 + threads},",
            f'    rt_vcpus="{CpuSet(range(1, 1 + threads))}",  # vCPU 0 keeps house in the guest',
            f'    memory="{node_memory(hosts[0].topology)}",',
            "    image=image,",
            "    cloud_config=INSTALL if image == DEBIAN else None,",
            "    tuned=realtime,",
            ")",
            "",
        ]
    )


def project_file(name: str, environment: str) -> str:
    """Pulumi.yaml; `environment` is the folder of the Python environment, "" for the Python on PATH."""
    head = [f"name: {name}", "description: Real-time nodes, pinned and proved"]
    return "\n".join([*head, *_runtime(environment), ""])


def pack_file(environment: str) -> str:
    """PulumiPolicy.yaml of the project's policy pack."""
    return "\n".join(["description: quietcore's rules, judged on every preview", *_runtime(environment), ""])


def pack_program(name: str) -> str:
    """The policy pack: quietcore's whole catalogue, and room for policies of one's own."""
    return f"""from pulumi_policy import PolicyPack

from quietcore.policy import policies

PolicyPack("{name}", policies=[*policies()])  # add your own here
"""


IGNORE: Final = """\
# Names this machine's Python: `quietcore plugins install` makes it.
.quietcore/
.state/
.venv/
__pycache__/
"""


def readme(name: str, hosts: Sequence[Found], pages: Sequence[str], stack: str) -> str:
    """README.md: what is here, and the commands to go on with."""
    plan = ["", "The hosts lack hugepages that hosts/ plans. Reserve them (until the next boot):", "", *pages]
    files = [f"- `hosts/{host.name}.yaml`: what `{host.name}` is made of, read from {host.source}." for host in hosts]
    return "\n".join(
        [
            f"# {name}",
            "",
            "Real-time nodes as one Python program. Written by `quietcore init`; it is yours to change.",
            "",
            "- `__main__.py`: the program.",
            *files,
            "- `policies/`: the pack that judges every preview.",
            f"- `{stack}.lock.yaml` (made by the first check): which host CPU each vCPU has. Commit it.",
            "",
            "In a fresh clone, run `quietcore plugins install` once. Then:",
            "",
            *(f"    {command}" for command in commands(stack)),
            *(plan if pages else []),
            "",
        ]
    )


def commands(stack: str) -> list[str]:
    """The commands that follow, in order."""
    return [
        f"quietcore check {stack}",
        f"quietcore show {stack} --cpus",
        "quietcore doctor",
        "pulumi login --local    # or the backend that you use",
        f"pulumi stack init {stack}",
        "pulumi preview --policy-pack policies",
        "pulumi up --policy-pack policies",
    ]


def reserve_commands(host: str, cells: Sequence[Cell]) -> list[str]:
    """Shell lines, run as root on the host, that reserve the planned pages now."""
    pool = f"hugepages/hugepages-{PAGE.in_unit('KiB')}kB/nr_hugepages"
    return [
        f"    echo {cell.pages[PAGE]} > /sys/devices/system/node/node{cell.id}/{pool}    # as root on {host}"
        for cell in cells
    ]


def identifier(text: str, otherwise: str) -> str:
    """`text` as a name that Pulumi and libvirt take: lower-case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or otherwise


def variable(name: str) -> str:
    """The Python name for a host, free of what the program uses already."""
    word = re.sub(r"\W", "_", name)
    taken = word[0].isdigit() or iskeyword(word) or word in {"pulumi", "image", "realtime"}
    return f"host_{word}" if taken else word


def _host(host: Found, plan: CpuPlan) -> list[str]:
    return [
        f"{variable(host.name)} = Host(",
        f'    "{host.name}",',
        f'    uri="{host.uri}",',
        f'    topology="hosts/{host.name}.yaml",',
        f'    cpus=CpuPlan(housekeeping="{plan.housekeeping}", isolated="{plan.isolated}"),',
        *_facts(host),
        ")",
        "",
    ]


def _facts(host: Found) -> list[str]:
    if host.facts:
        return [f"    facts={json.dumps(dict(host.facts))},  # a host of the lab: plumbing only, no latency figures"]
    return [] if host.kvm else ['    facts={"accelerator": "tcg"},  # no KVM here: plumbing only, no latency figures']


def _runtime(environment: str) -> list[str]:
    if not environment:
        return ["runtime:", "  name: python"]
    remark = "  # of this machine: name your own" if Path(environment).is_absolute() else ""
    return ["runtime:", "  name: python", "  options:", "    toolchain: pip", f"    virtualenv: {environment}{remark}"]


def _count(hosts: int) -> str:
    return "One host" if hosts == 1 else f"{hosts} hosts"
