"""One site in two projects: as its user declares it, and the same resources written raw."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from quietcore.resources.program import run_program
from quietcore.resources.site import Registered

PROGRAMS = Path(__file__).resolve().parent / "programs"
STACK = "bench"
IMAGE = struct.pack(">4sIQIIQ", b"QFI\xfb", 3, 0, 0, 16, 2 << 30) + bytes(480)
"""The head of an empty qcow2 image of 2 GiB: previews read no further."""
TOPOLOGY = """cells:
- {id: 0, cpus: 0-31, memory: 128GiB, pages: {1GiB: 96}}
- {id: 1, socket: 1, cpus: 32-63, memory: 128GiB, pages: {1GiB: 96}}
"""


def write_declared(folder: Path, *, hosts: int, nodes: int) -> None:
    """A project of ``hosts`` hosts with ``nodes`` nodes each, its assignments made as the first check makes them."""
    folder.mkdir(exist_ok=True)
    shutil.copy(PROGRAMS / "declared.py", folder / "__main__.py")
    (folder / "size.json").write_text(json.dumps({"hosts": hosts, "nodes": nodes}))
    (folder / "hv.yaml").write_text(TOPOLOGY)
    _common(folder)
    run = run_program(folder, STACK, frozen=False)
    assert not run.findings, run.findings


def write_raw(folder: Path, declared: Path) -> None:
    """The same resources, registered one by one. Fails where any type, name or property differs."""
    folder.mkdir(exist_ok=True)
    shutil.copy(PROGRAMS / "raw.py", folder / "__main__.py")
    _common(folder)
    theirs = run_program(declared, STACK, frozen=True).resources
    (folder / "plan.json").write_text(json.dumps(_plan(theirs)))
    ours = run_program(folder, STACK, frozen=True).resources
    assert _facts(ours) == _facts(theirs), "the raw program registers something else"


def resources(folder: Path) -> int:
    """How many resources the project's program registers."""
    return len(run_program(folder, STACK, frozen=True).resources)


def _common(folder: Path) -> None:
    if not (folder / "Pulumi.yaml").exists():
        (folder / "Pulumi.yaml").write_text("name: bench\nruntime: python\n")
    (folder / "debian.qcow2").write_bytes(IMAGE)


def _facts(registered: Iterable[Registered]) -> list[str]:
    return sorted(
        json.dumps([found.type, found.name, found.urn, found.provider, found.props], default=str, sort_keys=True)
        for found in registered
    )


def _plan(registered: list[Registered]) -> dict[str, Any]:
    """The registrations by component, as `programs/raw.py` reads them."""
    by_urn = {found.urn: found for found in registered}
    plan: dict[str, Any] = {"profiles": {}, "hosts": {}}
    for found in registered:
        kind = found.type.rpartition(":")[2]
        if kind == "TunedProfile":
            plan["profiles"][found.name] = found.props
        elif kind == "Host":
            plan["hosts"][found.name] = {"component": found.props, "nodes": {}}
    for found in registered:
        _place(plan, found, by_urn)
    return plan


def _place(plan: dict[str, Any], found: Registered, by_urn: dict[str, Registered]) -> None:
    kind, props = found.type.rpartition(":")[2], dict(found.props)
    parent = by_urn.get(found.parent)
    if kind == "RtNode":
        _node(plan, found.props["host"], found.name)["component"] = props
    elif parent is None or not parent.type.startswith("quietcore:"):
        return
    elif parent.type.endswith(":RtNode"):
        part = {"Volume": "volume", "CloudInitDisk": "seed", "Domain": "domain"}[kind]
        kept = {name: value for name, value in props.items() if _plain(value)}
        _node(plan, parent.props["host"], parent.name)[part] = kept
    elif found.type == "pulumi:providers:libvirt":
        plan["hosts"][parent.name]["uri"] = props["uri"]
    else:
        part = {"Pool": "pool", "Volume": "image"}[kind]
        plan["hosts"][parent.name][part] = {name: value for name, value in props.items() if _plain(value)}


def _node(plan: dict[str, Any], host: str, name: str) -> dict[str, Any]:
    node: dict[str, Any] = plan["hosts"][host]["nodes"].setdefault(name, {})
    return node


def _plain(value: Any) -> bool:
    """Whether JSON can say it: what refers to another resource is no part of the plan."""
    try:
        json.dumps(value)
    except TypeError:
        return False
    return True
