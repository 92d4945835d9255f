"""What a reader calls a place: the argument that a node's user wrote, or the element of a raw domain's XML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from quietcore.spec import NodeSpec

ARGUMENTS: Final[Mapping[str, str]] = {
    "cputune.vcpupin": "pins",
    "cputune.emulatorpin": "emulator",
    "cputune.iothreadpin": "iothreads",
    "cputune.vcpusched.vcpus": "rt_vcpus",
    "cputune.vcpusched.priority": "priority",
    "cputune.vcpusched": "scheduler",
    "vcpu.placement": "vcpu.placement",
    "vcpu": "vcpus",
    "numatune": "cell",
    "memoryBacking.hugepages": "page_size",
    "guest.tuned": "tuned",
    "guest.isolated": "rt_vcpus",
}
"""The ``RtNode`` argument from which each part of the XML follows; the longer path stands before the shorter."""


def paths_of(node: NodeSpec) -> Mapping[str, str]:
    """The arguments for a declared node; nothing for a domain that was written as XML."""
    return {} if node.node is None else ARGUMENTS


def called(where: str, paths: Mapping[str, str]) -> str:
    """The place by its argument, an index such as ``[1]`` kept; the place itself where ``paths`` has none."""
    for xml, argument in paths.items():
        rest = where.removeprefix(xml)
        if rest != where and rest[:1] in ("", ".", "["):
            return argument + (rest if rest.startswith("[") else "")
    return where


def title_of(node: NodeSpec) -> str:
    """How a reader knows it: ``node "plc-a"``, or ``domain "plc-a"`` where a raw resource declared it."""
    return f'{"domain" if node.node is None else "node"} "{node.domain.name}"'


def place_of(node: NodeSpec, where: str) -> str:
    """The whole path of a place in a node, for findings that look at several nodes."""
    return f"{title_of(node)}, {called(where, paths_of(node))}"
