"""Projects on the lab: real nodes that boot a kernel in seconds, changed and hurt as users and accidents do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import libvirt

ROOT = Path(__file__).resolve().parents[2]
PREAMBLE = """
import pulumi
import pulumi_libvirt as libvirt
from quietcore import CpuPlan, Host, RtNode, TunedProfile
from quietcore.lab.description import described

lab = described()
facts = {**lab.facts, "cpus": "own"}
hosts = {
    host.name: Host(host.name, uri=host.uri, topology=host.topology, cpus=CpuPlan(**host.cpus), facts=facts)
    for host in lab.hosts
}
realtime = TunedProfile("plc-guest", role="guest")

def node(name, host, **changes):
    given = {"vcpus": 2, "rt_vcpus": "1", "memory": "128MiB", "tuned": realtime, "shutdown_timeout": "2s", **changes}
    return RtNode(name, host=hosts[host], image="blank.qcow2", kernel=KERNEL, initrd=INITRD, boot="direct", **given)
"""


class LabProject:
    """A project folder whose stack runs on a lab. ``pulumi`` runs the engine; ``lab`` is the lab's state."""

    def __init__(self, folder: Path, pulumi: Callable[..., Any], lab: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._pulumi, self.lab = folder, pulumi, lab
        self.env = {"QUIETCORE_LAB": lab.name}
        settings = {
            "name": "site",
            "runtime": {"name": "python", "options": {"virtualenv": str(Path(sys.prefix))}},
            "plugins": {"providers": [{"name": "libvirt", "path": str(ROOT / "plugins" / "pulumi-libvirt")}]},
        }
        (folder / "Pulumi.yaml").write_text(json.dumps(settings))
        blank = ["qemu-img", "create", "-q", "-f", "qcow2", str(folder / "blank.qcow2"), "4M"]
        subprocess.run(blank, check=True, timeout=60)
        self.pulumi("stack", "init", "dev").ok()

    def write(self, lines: str) -> None:
        """Make the program of these lines."""
        tier1 = self.lab.images.tier1
        images = f"KERNEL = {tier1.kernel!r}\nINITRD = {tier1.initrd!r}\n" if tier1 else 'KERNEL = INITRD = ""\n'
        (self.folder / "__main__.py").write_text(images + PREAMBLE + lines)

    def pulumi(self, *arguments: str, **options: Any) -> Any:
        """Run the engine in the project."""
        return self._pulumi(*arguments, cwd=self.folder, env=self.env, **options)

    def up(self) -> Any:
        """``pulumi up`` with the pack; it must succeed."""
        return self.pulumi("up", "--yes", "--skip-preview", "--policy-pack", str(ROOT / "policies")).ok()

    def preview(self, *options: str) -> Any:
        """A plain ``pulumi preview``."""
        return self.pulumi("preview", *options)

    def steps(self) -> dict[str, str]:
        """What a preview would do, by resource name; what stays as it is left out."""
        seen = self.preview("--json").json()
        return {
            step["urn"].rsplit("::", 1)[-1]: step["op"]
            for step in seen["steps"]
            if step["op"] not in ("same", "refresh")
        }

    def host(self, name: str) -> libvirt.virConnect:
        """A connection to a host of the lab, not the plugin's."""
        (uri,) = [host.uri for host in self.lab.hosts if host.name == name]
        return libvirt.open(uri)

    def domain(self, name: str, host: str = "hv1") -> libvirt.virDomain:
        """A domain as libvirt has it."""
        return self.host(host).lookupByName(name)

    def process(self, name: str, host: str = "hv1") -> int:
        """The process id of a running domain's QEMU."""
        (found,) = [one for one in self.lab.hosts if one.name == host]
        folder = Path(self.lab.dir) / found.name / "run" / "libvirt" / "qemu"
        return int((folder / f"{name}.pid").read_text())
