"""SSH into a host: its sshd, and the client's key, known hosts, configuration and wrapper.

Host keys are made by the lab, so the client knows them beforehand: nothing is trusted on first use, and the
user's own ~/.ssh is neither read nor written.
"""

from __future__ import annotations

import shlex
import socket
from pathlib import Path

from quietcore.errors import EnvironmentFault
from quietcore.lab import namespaces, processes
from quietcore.lab.commands import run
from quietcore.lab.layout import HostDir, LabDir
from quietcore.lab.underlay import Addresses

_SHADOW = Path("/etc/shadow")
_SSHD = "/usr/sbin/sshd"
_SSHD_CONFIG = """\
ListenAddress {address}
HostKey {ssh}/host_key
AuthorizedKeysFile {ssh}/authorized_keys
PidFile none
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
# The folder stands below /var/tmp, which is writable to all; the lab's own folder is not.
StrictModes no
UsePAM {pam}
UseDNS no
PrintMotd no
Subsystem sftp internal-sftp
"""
_CLIENT_HOST = """\
Host {name} {address}
  HostName {address}
  User root
  HostKeyAlias {address}
"""
_CLIENT_ALL = """\
Host *
  IdentityFile {ssh}/id_ed25519
  IdentitiesOnly yes
  UserKnownHostsFile {ssh}/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  BatchMode yes
  LogLevel ERROR
  ConnectTimeout 10
"""


def make_client(lab: LabDir, hosts: list[tuple[HostDir, Addresses]]) -> None:
    """Make the client's key and every host's key once; write known hosts and configuration for them."""
    _key(lab.ssh / "id_ed25519", f"quietcore lab {lab.name}")
    known, config = "", ""
    for host, at in hosts:
        _key(host.ssh / "host_key", host.name)
        public = (host.ssh / "host_key.pub").read_text().split()
        known += f"{at.management} {public[0]} {public[1]}\n"
        config += _CLIENT_HOST.format(name=host.name, address=at.management)
        (host.ssh / "authorized_keys").write_text((lab.ssh / "id_ed25519.pub").read_text())
    (lab.ssh / "known_hosts").write_text(known)
    (lab.ssh / "config").write_text(config + _CLIENT_ALL.format(ssh=lab.ssh))
    wrapper = lab.ssh / "ssh"
    wrapper.write_text(f'#!/bin/sh\nexec ssh -F {shlex.quote(str(lab.ssh / "config"))} "$@"\n')
    wrapper.chmod(0o755)


def up(host: HostDir, at: Addresses) -> None:
    """Start the host's sshd where it does not run, and wait until it takes connections."""
    record = host.pids / "sshd"
    if not processes.recorded(record):
        (host.run / "sshd").mkdir(parents=True, exist_ok=True)
        config = host.ssh / "sshd_config"
        config.write_text(_SSHD_CONFIG.format(address=at.management, ssh=host.ssh, pam=_pam()))
        argv = namespaces.command(host, [_SSHD, "-D", "-e", "-f", config])
        processes.start(record, argv, log=host.log / "sshd.log")
    if not processes.await_condition(lambda: answers(at), seconds=15):
        raise EnvironmentFault(f"sshd of {host.name} does not answer", where=str(host.log / "sshd.log"))


def running(host: HostDir) -> bool:
    """Whether the host's sshd lives."""
    return processes.recorded(host.pids / "sshd") is not None


def answers(at: Addresses) -> bool:
    """Whether something listens on the host's SSH port."""
    try:
        with socket.create_connection((at.management, 22), timeout=1):
            return True
    except OSError:
        return False


def uri(lab: LabDir, at: Addresses) -> str:
    """libvirt's URI over SSH; ``command`` is the wrapper that brings the pinned host keys."""
    return f"qemu+ssh://root@{at.management}/system?keyfile={lab.ssh / 'id_ed25519'}&command={lab.ssh / 'ssh'}&no_tty=1"


def _pam() -> str:
    """Whether sshd has to ask PAM: without it, it refuses a root whose password is locked, even with a key."""
    return "yes" if any(line.startswith("root:!") for line in _SHADOW.read_text().splitlines()) else "no"


def _key(file: Path, comment: str) -> None:
    if file.with_name(file.name + ".pub").exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", file])
