"""The namespaces that make a host: network, mount, host name (UTS) and control groups.

Each is pinned by a bind mount, so a host survives the death of any of its processes. The set-up inside the mount
namespace writes its identity as its last act: a half-made namespace is recognised and made anew.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from quietcore.errors import EnvironmentFault
from quietcore.lab import cgroups, processes
from quietcore.lab.commands import run, succeeds
from quietcore.lab.layout import HostDir, LabDir

KINDS = ("mnt", "uts", "cgroup")
_UNSHARE = {"mnt": "mount", "uts": "uts", "cgroup": "cgroup"}

# Runs inside the new namespaces: $1 host name, $2 ready file, $3 "v1" or "v2", $4 controllers; then pairs TARGET OWN.
_SETUP = r"""
set -eu
name=$1 ready=$2 version=$3 controllers=$4; shift 4
hostname "$name"
# Copies of other namespaces' pins would keep those namespaces alive after their owner removed them.
for pin in $(awk '$3 == "nsfs" { print $2 }' /proc/self/mounts); do
  umount -l "$pin" 2>/dev/null || ! grep -q " $pin " /proc/self/mounts  # its owner may have been faster
done
# Unmounted, not only covered: libvirt reads /proc/self/mounts and would use the covered hierarchies.
umount -R -l /sys/fs/cgroup
mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
if [ "$version" = v2 ]; then
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  for controller in $controllers; do
    mkdir "/sys/fs/cgroup/$controller"
    mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller"
  done
fi
while [ $# -gt 0 ]; do
  mount --bind "$2" "$1"; shift 2
done
mkdir -p /run/lock /run/libvirt /run/openvswitch /run/sshd /run/hugepages
mount -t hugetlbfs -o pagesize=2M hugetlbfs /run/hugepages
readlink /proc/self/ns/mnt > "$ready"
"""


def pinned(file: Path) -> bool:
    """Whether the file is a namespace that is kept alive by a bind mount."""
    with contextlib.suppress(OSError):
        return os.statvfs(file).f_blocks == 0 and any(line.split()[1:3] == [str(file), "nsfs"] for line in _mounts())
    return False


def complete(host: HostDir) -> bool:
    """Whether all namespaces of the host are there and their set-up had come to its end."""
    if not pinned(host.netns_file) or not all(pinned(host.pin(kind)) for kind in KINDS):
        return False
    with contextlib.suppress(OSError):
        return host.ready.read_text().strip() == f"mnt:[{host.pin('mnt').stat().st_ino}]"
    return False


def make(host: HostDir) -> None:
    """Make the host's namespaces and mounts; needs root.

    The host's /run starts empty, as after a boot.
    """
    if not pinned(host.netns_file):
        remove_netns(host.netns)
        run(["ip", "netns", "add", host.netns])
    run(["ip", "-n", host.netns, "link", "set", "lo", "up"])
    cgroups.make(host)
    shutil.rmtree(host.run, ignore_errors=True)
    host.ready.unlink(missing_ok=True)
    host.root.mkdir(mode=0o700, exist_ok=True)
    for own in host.overlays.values():
        own.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        host.pin(kind).touch()
    run(
        _joining(
            host,
            ["nsenter", f"--net={host.netns_file}", "unshare"]
            + [f"--{_UNSHARE[kind]}={host.pin(kind)}" for kind in KINDS]
            + ["--propagation", "slave", "/bin/sh", "-c", _SETUP, "sh", host.name, str(host.ready)]
            + ["v2" if cgroups.unified() else "v1", " ".join(cgroups.controllers())]
            + [str(word) for target, own in _present(host) for word in (target, own)],
            first=True,
        )
    )
    if not complete(host):
        raise EnvironmentFault(f"the namespaces of {host.name} did not come up", where=str(host.root))


def command(host: HostDir, argv: Sequence[str | Path]) -> list[str]:
    """The command line that runs ``argv`` as a process of the host."""
    return _joining(host, [*_enter(host), *(str(word) for word in argv)])


def shell(host: HostDir) -> list[str]:
    """The command a person types to look around on the host."""
    return [*_enter(host), "bash"]


def inhabitants(host: HostDir) -> list[processes.Process]:
    """Every process that lives in the host's network or mount namespace: all of them are the host's."""
    spaces = [("net", host.netns_file), ("mnt", host.pin("mnt"))]
    return processes.inside((kind, file.stat().st_ino) for kind, file in spaces if pinned(file))


def remove(host: HostDir) -> None:
    """End the host's processes and remove its namespaces and control groups; what is gone already is no error."""
    processes.end(inhabitants(host), grace=2.0)
    for kind in KINDS:
        _unmount(host.pin(kind))
    remove_netns(host.netns)
    cgroups.remove(host)


def remove_netns(name: str) -> None:
    """Remove a network namespace with the links inside it; also the empty file that a crash leaves."""
    file = Path("/run/netns") / name
    if file.exists():
        _unmount(file)
        file.unlink(missing_ok=True)


def make_pins(lab: LabDir) -> None:
    """Mount the folder of the pins on itself, private: a mount namespace cannot be pinned on a shared mount."""
    lab.namespaces.mkdir(parents=True, exist_ok=True)
    if not _mounted(lab.namespaces):
        run(["mount", "--bind", lab.namespaces, lab.namespaces])
    run(["mount", "--make-private", lab.namespaces])


def remove_pins(lab: LabDir) -> None:
    """Undo ``make_pins``."""
    while _mounted(lab.namespaces) and succeeds(["umount", "-l", lab.namespaces]):
        continue


def _enter(host: HostDir) -> list[str]:
    return ["nsenter", f"--net={host.netns_file}"] + [f"--{_UNSHARE[kind]}={host.pin(kind)}" for kind in KINDS]


def _joining(host: HostDir, argv: list[str], *, first: bool = False) -> list[str]:
    """Join the host's control groups, then become ``argv``; the process stays the same."""
    files = [group / "cgroup.procs" for group in cgroups.groups(host)] if first else cgroups.members(host)
    join = "".join(f"echo $$ > {file} && " for file in map(str, files))
    return ["/bin/sh", "-c", f'{join}exec "$@"', "sh", *argv]


def _present(host: HostDir) -> list[tuple[str, Path]]:
    return [(target, own) for target, own in host.overlays.items() if Path(target).is_dir()]


def _mounts() -> list[str]:
    return Path("/proc/self/mounts").read_text().splitlines()


def _mounted(folder: Path) -> bool:
    return any(line.split()[1] == str(folder) for line in _mounts())


def _unmount(file: Path) -> None:
    with contextlib.suppress(subprocess.SubprocessError):
        while _mounted(file) and succeeds(["umount", "-l", file]):
            continue
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)
