"""What of a lab can be seen on the machine: compared before and after, it shows what stayed behind."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path


def trace(name: str) -> dict[str, list[str]]:
    """Everything of the machine that bears the lab's name or is shared by all labs, by kind."""
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    return {
        "namespaces": [one for one in _lines("ip", "netns", "list") if f"qc-{name}-" in one],
        "mounts": [line for line in mounts if f"/{name}/" in line or f"qc-{name}-" in line],
        "processes": _processes(name),
        "links": sorted(link["ifname"] for link in json.loads("".join(_lines("ip", "-j", "link")))),
        "groups": sorted(str(path) for path in Path("/sys/fs/cgroup").glob(f"**/quietcore/{name}")),
        "files": [str(path) for path in Path("/var/tmp/quietcore-lab").glob(name)],
        "register": sorted(path.name for path in Path("/run/quietcore-lab").glob(f"*{name}*")),
    }


def _processes(name: str) -> list[str]:
    """Command lines of living processes that are tied to the lab by namespace, folder or control group."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            groups = (entry / "cgroup").read_text()
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if f"/quietcore/{name}/" in groups or f"quietcore-lab/{name}/" in words:
            found.append(words)
    return found


def _lines(*argv: str) -> list[str]:
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=30).stdout.splitlines()
