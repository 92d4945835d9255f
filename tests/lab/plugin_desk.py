"""A Pulumi project whose program says what a JSON file says, and the host it speaks to."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from quietcore.lab.state import HostState

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """\
import json, pulumi, pulumi_libvirt as libvirt

said = json.load(open("said.json"))
host = libvirt.Provider("hv1", uri=said["uri"])


def options(name):
    more = said["options"].get(name, {})
    if "delete" in more:
        more = {**more, "custom_timeouts": pulumi.CustomTimeouts(**more.pop("delete"))}
    return pulumi.ResourceOptions(provider=host, **more)


for name, inputs in said["networks"].items():
    libvirt.Network(name, **inputs, opts=options(name))
for name, inputs in said["domains"].items():
    if inputs.pop("secret", False):
        inputs["xml"] = {"xslt": pulumi.Output.secret(inputs["xml"]["xslt"])}
    libvirt.Domain(name, **inputs, opts=options(name))
"""

SHEET = """\
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="@*|node()"><xsl:copy><xsl:apply-templates select="@*|node()"/></xsl:copy></xsl:template>
<xsl:template match="/domain"><xsl:copy><xsl:apply-templates select="@*"/>
<metadata>
<quietcore:policy xmlns:quietcore="urn:quietcore:policy:1" restart="{restart}" shutdownTimeout="0"/></metadata>
<xsl:apply-templates select="node()"/>
<cputune><vcpupin vcpu="0" cpuset="0"/><vcpupin vcpu="1" cpuset="{pin}"/><emulatorpin cpuset="0"/>
<vcpusched vcpus="1" scheduler="rr" priority="{priority}"/></cputune></xsl:copy></xsl:template>
</xsl:stylesheet>
"""


def guest(*, pin: str = "1", priority: int = 1, restart: str = "never", **more: Any) -> dict[str, Any]:
    """Inputs of a small pinned guest without an operating system, which starts in no time under TCG."""
    sheet = SHEET.format(pin=pin, priority=priority, restart=restart)
    plain = {"type": "qemu", "memory": 32, "vcpu": 2, "machine": "q35", "graphics": {"type": "none"}}
    return {**plain, "xml": {"xslt": sheet}, **more}


@dataclass
class Desk:
    """Runs the engine on one project against one host."""

    folder: Path
    host: HostState
    pulumi: Callable[..., Any]
    uri: str = ""
    domains: dict[str, Any] = field(default_factory=dict)
    networks: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def start(self) -> Desk:
        """Write the project and make its stack."""
        options = f"{{virtualenv: {sys.prefix}}}"
        plugin = f"[{{name: libvirt, path: {ROOT / 'plugins' / 'pulumi-libvirt'}}}]"
        (self.folder / "Pulumi.yaml").write_text(
            f"name: plant\nruntime: {{name: python, options: {options}}}\nplugins: {{providers: {plugin}}}\n"
        )
        (self.folder / "__main__.py").write_text(PROGRAM)
        self.uri = self.uri or self.host.uri
        self.run("stack", "init", "lab").ok()
        return self

    def say(self) -> None:
        """Write what the program says now."""
        said = {"uri": self.uri, "domains": self.domains, "networks": self.networks, "options": self.options}
        (self.folder / "said.json").write_text(json.dumps(said))

    def run(self, *arguments: str) -> Any:
        """Run one command of the engine."""
        self.say()
        return self.pulumi(*arguments, cwd=self.folder)

    def up(self) -> Any:
        """Apply, which must succeed."""
        return self.run("up", "--yes", "--skip-preview", "--suppress-progress").ok()

    def preview(self) -> Any:
        """Preview with the differences shown, which must succeed."""
        return self.run("preview", "--diff", "--suppress-progress").ok()

    def clean(self) -> bool:
        """Whether a plain preview expects no change."""
        return bool(self.run("preview", "--expect-no-changes", "--suppress-progress").returncode == 0)

    def refreshes_clean(self) -> bool:
        """Whether a refresh that only looks finds the host as the state says; a refused command line is an error."""
        ran = self.run("refresh", "--preview-only", "--expect-no-changes", "--suppress-progress")
        assert "Resources:" in ran.output, ran.output
        return bool(ran.returncode == 0)

    def virsh(self, *arguments: str) -> str:
        """Do something by hand on the host."""
        command = ("virsh", "-q", "-c", self.host.uri, *arguments)
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def resources(self, kind: str = "libvirt:index/domain:Domain") -> dict[str, Any]:
        """Resources of one type in the state, by name."""
        state = json.loads(self.run("stack", "export").ok().stdout)["deployment"]
        return {item["urn"].rsplit("::", 1)[1]: item for item in state["resources"] if item["type"] == kind}

    def pid(self, name: str) -> int:
        """Process of the domain's QEMU: the host's own, while other labs may have guests of the same name."""
        socket = Path(self.host.uri.partition("socket=")[2])
        return int((socket.parent / "qemu" / f"{name}.pid").read_text())

    def threads(self, name: str) -> dict[str, tuple[str, str]]:
        """CPU affinity and scheduling of QEMU's threads, by thread name."""
        found = {}
        for task in Path(f"/proc/{self.pid(name)}/task").iterdir():
            status = (task / "status").read_text()
            cpus = re.search(r"Cpus_allowed_list:\s*(\S+)", status)
            policy, priority = os.sched_getscheduler(int(task.name)), os.sched_getparam(int(task.name)).sched_priority
            words = {os.SCHED_FIFO: "fifo", os.SCHED_RR: "rr"}.get(policy & ~0x40000000, "normal")
            found[(task / "comm").read_text().strip()] = (cpus[1] if cpus else "", f"{words} {priority}")
        return found
