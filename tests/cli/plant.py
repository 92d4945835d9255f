"""A small project of two hosts and two nodes, as a user would write it, good and bad."""

from __future__ import annotations

from pathlib import Path

PROJECT = "name: plant\nruntime: python\n"

TOPOLOGY = """\
schema_version: 1
vendor: Intel
cells:
- id: 0
  cpus: 0-3
  memory: 16GiB
  pages:
    2MiB: 2048
- id: 1
  cpus: 4-7
  memory: 16GiB
  socket: 1
  pages:
    2MiB: 2048
"""

PROGRAM = """\
from quietcore import CpuPlan, Host, RtNode, TunedProfile

IMAGE = "https://images.example.net/debian-12-rt.qcow2"
realtime = TunedProfile("plc-guest", role="guest")
plan = CpuPlan(housekeeping="0,4", isolated="1-3,5-7")
hv1 = Host("hv1", uri="qemu+ssh://root@hv1.example.net/system", topology="hosts/hv.yaml", cpus=plan)
hv2 = Host("hv2", uri="qemu+ssh://root@hv2.example.net/system", topology="hosts/hv.yaml", cpus=plan)
RtNode("plc-a", host=hv1, image=IMAGE, vcpus=3, rt_vcpus="1-2", memory="2GiB", tuned=realtime)
RtNode("plc-b", host=hv2, image=IMAGE, vcpus=2, rt_vcpus="1", memory="1GiB", tuned=realtime)
"""

BAD_PROGRAM = PROGRAM.replace('memory="1GiB"', 'memory="1GiB", pins={1: 0}, priority=99')


def write_plant(folder: Path, program: str = PROGRAM) -> Path:
    """The project, written below `folder`."""
    (folder / "hosts").mkdir(parents=True, exist_ok=True)
    (folder / "Pulumi.yaml").write_text(PROJECT)
    (folder / "__main__.py").write_text(program)
    (folder / "hosts/hv.yaml").write_text(TOPOLOGY)
    return folder
