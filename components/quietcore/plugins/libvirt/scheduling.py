"""Scheduling of a running QEMU's threads.

libvirt applies `vcpusched` only when a domain starts and has no call to change it after. The threads themselves can be
changed: through /proc of this machine where libvirtd runs here, through ssh where the connection is ssh. libvirt names
QEMU's threads ("CPU 1/KVM", "IO iothread1"), so each is known by name. Over TLS there is no such way: the change then
waits for a boot.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

from quietcore.plugins.handler import HandlerError, host_of
from quietcore.plugins.libvirt.facets import Facets

POLICIES: Final = {"fifo": os.SCHED_FIFO, "rr": os.SCHED_RR, "batch": os.SCHED_BATCH, "idle": os.SCHED_IDLE}
FLAGS: Final = {"fifo": "-f", "rr": "-r", "batch": "-b", "idle": "-i", "": "-o"}
RESET_ON_FORK: Final = 0x40000000
SSH_SECONDS: Final = 20

_VCPU = re.compile(r"CPU (\d+)/\w+\Z")
_IOTHREAD = re.compile(r"IO iothread(\d+)\Z")


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread of a QEMU: its number on the host and the fact whose scheduling it has."""

    tid: int
    key: str


def reachable(uri: str) -> bool:
    """Tell whether the threads behind this URI can be reached at all."""
    return _is_local(uri) or _is_ssh(uri)


def schedule(uri: str, uuid: str, wanted: Facets) -> list[str]:
    """Set what `wanted` says ("fifo 5", "" for normal) by key; give the keys whose thread was found and set.

    Raises:
        HandlerError: the kernel or the host refuses.
    """
    threads = [thread for thread in _threads(uri, uuid) if thread.key in wanted]
    for thread in threads:
        policy, _, priority = wanted[thread.key].partition(" ")
        if _is_local(uri):
            _set(thread.tid, policy, int(priority or 0))
        else:
            _ssh(uri, f"chrt {FLAGS.get(policy, '-o')} -p {int(priority or 0)} {thread.tid}")
    return [thread.key for thread in threads]


def observed(uri: str, uuid: str) -> Facets | None:
    """Give the scheduling that the kernel has for each thread; None where that takes more than a look at /proc."""
    if not _is_local(uri):
        return None
    threads = _threads(uri, uuid)
    return {thread.key: _get(thread.tid) for thread in threads} if threads else None


def _threads(uri: str, uuid: str) -> list[Thread]:
    listing = _local_threads(uuid) if _is_local(uri) else _remote_threads(uri, uuid)
    return [Thread(tid, key) for tid, key in ((tid, _key(name, main=tid == pid)) for pid, tid, name in listing) if key]


def _key(name: str, *, main: bool) -> str:
    if main:
        return "cputune.emulatorsched"
    for pattern, key in ((_VCPU, "cputune.vcpusched"), (_IOTHREAD, "cputune.iothreadsched")):
        found = pattern.match(name)
        if found:
            return f"{key}[{found.group(1)}]"
    return ""


def _local_threads(uuid: str) -> list[tuple[int, int, str]]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
            if uuid.encode() not in arguments or b"-uuid" not in arguments:
                continue
            tasks = sorted((folder / "task").iterdir())
            return [(int(folder.name), int(task.name), (task / "comm").read_text().strip()) for task in tasks]
        except OSError:
            continue  # a process that ended meanwhile
    return []


def _remote_threads(uri: str, uuid: str) -> list[tuple[int, int, str]]:
    script = (
        f"for p in /proc/[0-9]*; do if tr '\\0' '\\n' < $p/cmdline 2>/dev/null | grep -qx -- {uuid}; then "
        'for t in $p/task/*; do echo "${p##*/} ${t##*/} $(cat $t/comm)"; done; fi; done'
    )
    rows = (line.split(" ", 2) for line in _ssh(uri, script).splitlines())
    return [(int(row[0]), int(row[1]), row[2].strip()) for row in rows if len(row) == 3]


def _set(tid: int, policy: str, priority: int) -> None:
    number = POLICIES.get(policy, os.SCHED_OTHER)
    try:
        os.sched_setscheduler(tid, number, os.sched_param(priority))
    except ProcessLookupError:
        return
    except OSError as error:
        raise HandlerError(
            f"cannot schedule thread {tid} as {policy or 'normal'} {priority or ''}: {error.strerror}",
            hint="run pulumi as a user that may set real-time priorities, or restart the domain",
        ) from None


def _get(tid: int) -> str:
    try:
        number, priority = os.sched_getscheduler(tid) & ~RESET_ON_FORK, os.sched_getparam(tid).sched_priority
    except OSError:
        return ""
    name = next((name for name, known in POLICIES.items() if known == number), "")
    return f"{name} {priority}" if priority else name


def _ssh(uri: str, script: str) -> str:
    parts = urlsplit(uri)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    command = [query.get("command", "ssh"), "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]
    if query.get("keyfile"):
        command += ["-i", query["keyfile"]]
    if query.get("no_verify") == "1":
        command += ["-o", "StrictHostKeyChecking=no"]
    if parts.port:
        command += ["-p", str(parts.port)]
    if parts.username:
        command += ["-l", parts.username]
    command += [parts.hostname or "", "--", "sh", "-c", shlex.quote(script)]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SSH_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HandlerError(f"{host_of(uri)}: ssh for thread scheduling failed: {error}") from None
    if done.returncode:
        reason = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise HandlerError(f"{host_of(uri)}: cannot schedule QEMU's threads: {reason}")
    return done.stdout


def _is_local(uri: str) -> bool:
    """Tell whether libvirtd runs on this machine: a system URI without a host, by its socket."""
    parts = urlsplit(uri)
    return parts.scheme in ("qemu", "qemu+unix") and not parts.hostname


def _is_ssh(uri: str) -> bool:
    return urlsplit(uri).scheme in ("qemu+ssh", "qemu+libssh", "qemu+libssh2")
