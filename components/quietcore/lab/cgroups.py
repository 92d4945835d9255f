"""A host's own control groups: libvirt's /machine of two hosts must not be the same group.

The host's processes join a group per host; a cgroup namespace then makes that group the root that libvirtd sees.
Controller ``cpu`` is left alone: with RT_GROUP_SCHED a group without a budget refuses FIFO threads.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from quietcore.lab.layout import HostDir

ROOT = Path("/sys/fs/cgroup")
CONTROLLERS = ("devices", "memory", "cpuset")


def unified() -> bool:
    """Whether the machine mounts cgroup v2 alone, as Debian 12 with systemd does."""
    return (ROOT / "cgroup.controllers").exists()


def controllers() -> list[str]:
    """Those of the lab's controllers that this machine has."""
    if unified():
        there = (ROOT / "cgroup.controllers").read_text().split()
        return [name for name in CONTROLLERS if name in there or name == "devices"]
    return [name for name in CONTROLLERS if (ROOT / name / "cgroup.procs").exists()]


def groups(host: HostDir) -> list[Path]:
    """The host's group in every hierarchy."""
    hierarchies = [ROOT] if unified() else [ROOT / name for name in controllers()]
    return [hierarchy / "quietcore" / host.lab / host.name for hierarchy in hierarchies]


def members(host: HostDir) -> list[Path]:
    """The ``cgroup.procs`` files that a daemon of the host joins (v2 allows processes in leaves only)."""
    return [(group / "daemons" if unified() else group) / "cgroup.procs" for group in groups(host)]


def make(host: HostDir) -> None:
    """Make the host's groups; the ones that are there stay."""
    for group in groups(host):
        for folder in (group.parent.parent, group.parent, group):
            folder.mkdir(exist_ok=True)
            if unified():
                _delegate(folder.parent)
            else:
                _inherit_cpuset(folder)
        if unified():
            (group / "daemons").mkdir(exist_ok=True)


def remove(host: HostDir) -> None:
    """Remove the host's groups with everything below, then the shared parents where they are empty."""
    for group in groups(host):
        for folder in sorted(group.rglob("*/"), key=lambda path: len(path.parts), reverse=True):
            with contextlib.suppress(OSError):
                folder.rmdir()
        for folder in (group, group.parent, group.parent.parent):
            with contextlib.suppress(OSError):
                folder.rmdir()


def _delegate(parent: Path) -> None:
    """Hand the controllers to the children of a v2 group."""
    there = (parent / "cgroup.controllers").read_text().split()
    for name in CONTROLLERS:
        if name in there:
            with contextlib.suppress(OSError):
                (parent / "cgroup.subtree_control").write_text(f"+{name}")


def _inherit_cpuset(folder: Path) -> None:
    """A new v1 cpuset is empty and takes no process until it has CPUs and memory (cpusets.rst)."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        file = folder / name
        if file.exists() and not file.read_text().strip():
            file.write_text((folder.parent / name).read_text())
