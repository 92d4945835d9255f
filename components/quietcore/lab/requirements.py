"""What the lab needs of this machine: root, devices, programs with the Debian package that brings each."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from quietcore.errors import EnvironmentFault

HOSTS = {
    "ip": "iproute2",
    "unshare": "util-linux",
    "libvirtd": "libvirt-daemon-system",
    "virtlogd": "libvirt-daemon",
    "virsh": "libvirt-clients",
    "virt-ssh-helper": "libvirt-daemon",
    "dnsmasq": "dnsmasq-base",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "ovsdb-server": "openvswitch-switch",
    "ovs-vswitchd": "openvswitch-switch",
    "sshd": "openssh-server",
    "ssh": "openssh-client",
}
"""Program -> Debian package, for the hosts."""

IMAGES = {
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "sfdisk": "fdisk",
    "qemu-img": "qemu-utils",
    "setpriv": "util-linux",
}
"""Program -> Debian package, for building guest images."""

DEVICES = (Path("/dev/net/tun"),)
_SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"


def missing(programs: dict[str, str]) -> dict[str, str]:
    """Those of the programs that are not installed, with their packages."""
    path = f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}"
    return {program: package for program, package in programs.items() if shutil.which(program, path=path) is None}


def require_root() -> None:
    """Refuse to look into a lab's namespaces, or to end it, without the right to."""
    if os.geteuid() != 0:
        raise EnvironmentFault("a lab belongs to root", hint="sudo quietcore lab ...")


def require(*, images: bool) -> None:
    """Refuse to start where something is missing: all of it at once, and what works without."""
    lacks = [] if os.geteuid() == 0 else ["root: namespaces and mounts need it"]
    lacks += [f"{device}: guests' network taps need it" for device in DEVICES if not device.exists()]
    programs = missing({**HOSTS, **(IMAGES if images else {})})
    lacks += [f"{program}: in package {package}" for program, package in programs.items()]
    if not lacks:
        return
    packages = " ".join(sorted(set(programs.values())))
    raise EnvironmentFault(
        "the lab cannot run on this machine",
        given="missing " + "; ".join(lacks),
        allowed="still works: check, render, show, explain, and preview (hosts are told as not observed)",
        hint=f"apt-get install {packages}" if packages else "run as root, on a machine or container with these devices",
    )
