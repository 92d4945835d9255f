"""Projects that the real engine previews with the real pack."""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from quietcore.resources.program import run_program

ROOT = Path(__file__).resolve().parents[2]
PREAMBLE = """
import pulumi
import pulumi_libvirt as libvirt
from quietcore import CpuPlan, Host, RtNode, TunedProfile

def host(name="hv1", **changes):
    given = {"cpus": CpuPlan(housekeeping="0-1", isolated="2-7"), **changes}
    return Host(name, **{"uri": "qemu+unix:///system?socket=/nonexistent/libvirt-sock", "topology": "hv.yaml", **given})

def node(name, on, **changes):
    given = {"vcpus": 3, "rt_vcpus": "1-2", "memory": "2GiB", "image": "debian.qcow2", "tuned": realtime, **changes}
    return RtNode(name, host=on, **given)

realtime = TunedProfile("plc-guest", role="guest")
"""
# A qcow2 header, version 2: magic, version, backing file (none), 64 KiB clusters, 1 MiB, no encryption, tables empty.
EMPTY_QCOW2 = struct.pack(">IIQIIQIIQQIIQ", 0x514649FB, 2, 0, 0, 16, 1 << 20, 0, 0, 0, 0, 0, 0, 0) + bytes(440)
TOPOLOGY = "cells:\n- {id: 0, cpus: 0-7, memory: 32GiB, pages: {1GiB: 12}}\n"


class Previewed:
    """A project with a program; judged by ``quietcore check`` and by the engine with the pack."""

    def __init__(self, folder: Path, pulumi: Callable[..., object]) -> None:
        self.folder, self.pulumi = folder, pulumi
        settings = {
            "name": "site",
            "runtime": {"name": "python", "options": {"virtualenv": str(Path(sys.prefix))}},
            "plugins": {"providers": [{"name": "libvirt", "path": str(ROOT / "plugins" / "pulumi-libvirt")}]},
        }
        (folder / "Pulumi.yaml").write_text(json.dumps(settings))
        (folder / "hv.yaml").write_text(TOPOLOGY)
        (folder / "debian.qcow2").write_bytes(EMPTY_QCOW2)
        pulumi("stack", "init", "dev", cwd=folder).ok()  # type: ignore[attr-defined]

    def write(self, lines: str) -> None:
        """Make the program of these lines."""
        (self.folder / "__main__.py").write_text(PREAMBLE + lines)

    def checked(self) -> set[str]:
        """The codes that ``quietcore check`` tells."""
        return {finding.code for finding in run_program(self.folder, "dev", frozen=False).findings}

    def previewed(self, *options: str):
        """The engine's preview with the pack."""
        return self.pulumi("preview", "--policy-pack", str(ROOT / "policies"), *options, cwd=self.folder)


@pytest.fixture
def project(tmp_path: Path, pulumi: Callable[..., object]) -> Previewed:
    folder = tmp_path / "project"
    folder.mkdir()
    return Previewed(folder, pulumi)
