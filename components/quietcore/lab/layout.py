"""Where a lab keeps its things. One folder per lab, one below it per host; nothing is written elsewhere
but the machine-wide register (which names and address slots are taken)."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from quietcore.errors import EnvironmentFault

REGISTER = Path("/run/quietcore-lab")
"""One entry per lab that is up on this machine; gone after a reboot, as the namespaces are."""

NETNS = Path("/run/netns")
MAX_SOCKET = 107  # sockaddr_un.sun_path is 108 bytes with the terminating zero (unix(7))
_NAME = re.compile(r"[a-z][a-z0-9-]{0,23}")


@dataclass(frozen=True)
class HostDir:
    """The folder of one lab host; ``lab`` and ``name`` make its identity on the machine."""

    root: Path
    lab: str
    name: str

    @property
    def netns(self) -> str:
        """Name of the network namespace, as ``ip netns`` lists it."""
        return f"qc-{self.lab}-{self.name}"

    @property
    def netns_file(self) -> Path:
        """Where iproute2 pins the network namespace."""
        return NETNS / self.netns

    def pin(self, kind: str) -> Path:
        """File that keeps the namespace of that kind (mnt, uts, cgroup) alive."""
        return self.root.parent / "ns" / f"{self.name}.{kind}"

    @property
    def ready(self) -> Path:
        """Written by the set-up inside the mount namespace as its last act; holds the namespace's identity."""
        return self.root / "namespace.ready"

    @property
    def run(self) -> Path:
        """What the host sees as /run."""
        return self.root / "run"

    @property
    def etc_libvirt(self) -> Path:
        """What the host sees as /etc/libvirt."""
        return self.root / "etc-libvirt"

    @property
    def log(self) -> Path:
        """What the host sees as /var/log."""
        return self.root / "log"

    @property
    def pids(self) -> Path:
        """Records of the host's daemons, one file each."""
        return self.root / "pids"

    @property
    def ssh(self) -> Path:
        """Server side of SSH: host key, authorized keys, configuration."""
        return self.root / "ssh"

    @property
    def libvirt_socket(self) -> Path:
        """libvirtd's socket, as seen from the machine."""
        return self.run / "libvirt" / "libvirt-sock"

    @property
    def ovsdb_socket(self) -> Path:
        """ovsdb-server's socket, as seen from the machine."""
        return self.run / "openvswitch" / "db.sock"

    @property
    def overlays(self) -> dict[str, Path]:
        """Folder of the machine -> the folder that the host sees in its place.

        All are the host's own but libvirt's cache: asking QEMU what it can do takes seconds on a busy machine, and
        libvirt checks itself whether an answer is still true.
        """
        return {
            "/run": self.run,
            "/var/log": self.log,
            "/etc/libvirt": self.etc_libvirt,
            "/etc/openvswitch": self.root / "etc-openvswitch",
            "/var/lib/libvirt": self.root / "var-lib-libvirt",
            "/var/lib/openvswitch": self.root / "var-lib-openvswitch",
            "/var/cache/libvirt": cache_root() / "lab" / "libvirt",
        }


@dataclass(frozen=True)
class LabDir:
    """The folder of one lab."""

    root: Path

    @property
    def name(self) -> str:
        """The lab's name."""
        return self.root.name

    @property
    def state(self) -> Path:
        """The lab's description for people and programs."""
        return self.root / "lab.json"

    @property
    def namespaces(self) -> Path:
        """The folder of the pins."""
        return self.root / "ns"

    @property
    def ssh(self) -> Path:
        """Client side of SSH: key pair, known hosts, configuration, wrapper."""
        return self.root / "ssh"

    def host(self, name: str) -> HostDir:
        """The folder of one of the lab's hosts."""
        return HostDir(self.root / name, self.name, name)


def cache_root() -> Path:
    """The folder of what may be made again: $QUIETCORE_CACHE, else quietcore below the user's cache folder."""
    own = os.environ.get("QUIETCORE_CACHE")
    return Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "quietcore"


def labs_root() -> Path:
    """The folder that holds all labs: $QUIETCORE_LAB_DIR, else one under /var/tmp."""
    return Path(os.environ.get("QUIETCORE_LAB_DIR") or "/var/tmp/quietcore-lab").absolute()


def lab_dir(name: str) -> LabDir:
    """The folder of the lab called ``name``; refuses names and places that the kernel would refuse later."""
    if not _NAME.fullmatch(name):
        raise EnvironmentFault("this is no lab name", given=repr(name), allowed=_NAME.pattern, hint="--name lab2")
    found = LabDir(labs_root() / name)
    longest = len(str(found.host("hv99").libvirt_socket))
    if longest > MAX_SOCKET:
        raise EnvironmentFault(
            "the lab's folder is too deep for unix sockets",
            given=f"{found.root} (socket path of {longest} bytes)",
            allowed=f"socket paths up to {MAX_SOCKET} bytes",
            hint="set QUIETCORE_LAB_DIR to a shorter path",
        )
    return found
