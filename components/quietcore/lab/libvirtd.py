"""libvirtd and virtlogd of one host, without systemd, and the default NAT network with its own subnet."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from quietcore.errors import EnvironmentFault
from quietcore.lab import cgroups, namespaces, processes
from quietcore.lab.commands import succeeds
from quietcore.lab.layout import HostDir
from quietcore.lab.underlay import Addresses

_SYSTEM = Path("/etc/libvirt")

# Source of the option names: libvirt 9.0, src/qemu/qemu.conf.in and src/remote/libvirtd.conf.in.
_QEMU_CONF = """\
# One trust domain: the lab runs as root and its hosts are namespaces.
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
# A mount namespace per guest would hide the guest from the lab's own clean-up.
namespaces = []
# Not "cpu": with RT_GROUP_SCHED it blocks FIFO threads.
cgroup_controllers = [{controllers}]
hugetlbfs_mount = ["/run/hugepages"]
"""

_LIBVIRTD_CONF = """\
host_uuid = "{uuid}"
auth_unix_ro = "none"
auth_unix_rw = "none"
unix_sock_rw_perms = "0700"
log_outputs = "2:file:/var/log/libvirtd.log"
"""

_NETWORK = """\
<network>
  <name>default</name>
  <uuid>{uuid}</uuid>
  <forward mode='nat'/>
  <bridge name='virbr0' stp='on' delay='0'/>
  <ip address='{net}.1' netmask='255.255.255.0'>
    <dhcp><range start='{net}.2' end='{net}.254'/></dhcp>
  </ip>
</network>
"""


def configure(host: HostDir, at: Addresses) -> None:
    """Write the host's /etc/libvirt, once; what a user changed there later stays."""
    done = host.etc_libvirt / ".configured"
    if done.exists():
        return
    if (_SYSTEM / "nwfilter").is_dir():
        shutil.copytree(_SYSTEM / "nwfilter", host.etc_libvirt / "nwfilter", dirs_exist_ok=True)
    controllers = ", ".join(f'"{name}"' for name in cgroups.controllers())
    (host.etc_libvirt / "qemu.conf").write_text(_QEMU_CONF.format(controllers=controllers))
    (host.etc_libvirt / "libvirtd.conf").write_text(_LIBVIRTD_CONF.format(uuid=_identity(host, "host")))
    for name in ("libvirt.conf", "virtlogd.conf", "qemu-lockd.conf"):
        (host.etc_libvirt / name).touch()
    networks = host.etc_libvirt / "qemu" / "networks"
    (networks / "autostart").mkdir(parents=True, exist_ok=True)
    (networks / "default.xml").write_text(_NETWORK.format(uuid=_identity(host, "default"), net=at.guests))
    link = networks / "autostart" / "default.xml"
    link.unlink(missing_ok=True)
    link.symlink_to("/etc/libvirt/qemu/networks/default.xml")
    done.touch()


def up(host: HostDir) -> None:
    """Start what does not run and wait until libvirtd answers; guests of a libvirtd that died run on."""
    if not processes.recorded(host.pids / "virtlogd"):
        (host.run / "virtlogd.pid").unlink(missing_ok=True)
        processes.start(host.pids / "virtlogd", namespaces.command(host, ["virtlogd"]), log=host.log / "virtlogd.out")
    if not processes.recorded(host.pids / "libvirtd"):
        (host.run / "libvirtd.pid").unlink(missing_ok=True)
        _forget_half_started(host)
        processes.start(host.pids / "libvirtd", namespaces.command(host, ["libvirtd"]), log=host.log / "libvirtd.out")
    if not processes.await_condition(lambda: answers(host), seconds=30, every=0.05):
        raise EnvironmentFault(f"libvirtd of {host.name} does not answer", where=str(host.log / "libvirtd.log"))


def _forget_half_started(host: HostDir) -> None:
    """Drop the status of guests whose QEMU was not there yet when libvirtd was killed: it would hold them for ever.

    libvirt 9.0 takes such a start up again, waits for a QEMU that never came, and refuses every other job on the guest.
    """
    for status in (host.run / "libvirt" / "qemu").glob("*.xml"):
        if "reason='starting up' pid='0'" in status.read_text():
            status.unlink()
            status.with_suffix(".pid").unlink(missing_ok=True)


def running(host: HostDir) -> bool:
    """Whether both daemons of the host live."""
    return all(processes.recorded(host.pids / name) for name in ("libvirtd", "virtlogd"))


def answers(host: HostDir) -> bool:
    """Whether libvirtd takes a connection on its socket."""
    return host.libvirt_socket.exists() and succeeds(["virsh", "-c", uri(host), "uri"])


def uri(host: HostDir) -> str:
    """The URI of the unix socket, good from anywhere on the machine."""
    return f"qemu+unix:///system?socket={host.libvirt_socket}"


def _identity(host: HostDir, what: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"urn:quietcore:lab:{host.lab}:{host.name}:{what}")
