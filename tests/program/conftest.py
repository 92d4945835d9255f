"""Small projects whose programs run under Pulumi's mocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from quietcore.resources.program import Run, run_program

PREAMBLE = """
import pulumi
import pulumi_libvirt as libvirt
from quietcore import CpuPlan, Host, RtNode, TunedProfile

def host(name="hv1", **changes):
    given = {"cpus": CpuPlan(housekeeping="0-1", isolated="2-7"), **changes}
    return Host(name, **{"uri": "test:///default", "topology": "hv.yaml", **given})

def node(name, on, **changes):
    given = {"vcpus": 3, "rt_vcpus": "1-2", "memory": "2GiB", "image": "debian.qcow2", "tuned": realtime, **changes}
    return RtNode(name, host=on, **given)

realtime = TunedProfile("plc-guest", role="guest")
"""

TOPOLOGY = """
cells:
- {id: 0, cpus: 0-7, memory: 32GiB, pages: {1GiB: 12}}
"""


class Project:
    """A project folder; its program is ``PREAMBLE`` plus the lines under test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "Pulumi.yaml").write_text("name: site\nruntime: python\n")
        (folder / "hv.yaml").write_text(TOPOLOGY)

    def run(self, lines: str, *, frozen: bool = False, prune: bool = False) -> Run:
        """Run a program of these lines."""
        (self.folder / "__main__.py").write_text(PREAMBLE + lines)
        return run_program(self.folder, "dev", frozen=frozen, prune=prune)

    @property
    def lock(self) -> str:
        """The text of the assignment lock."""
        return (self.folder / "dev.lock.yaml").read_text()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)
