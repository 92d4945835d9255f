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
import threading
import time
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
GLANCE_SECONDS: Final = 5.0
"""For how long a look at all threads of a host over ssh serves: the reads of one run follow each other closely."""

_VCPU = re.compile(r"CPU (\d+)/\w+\Z")
_IOTHREAD = re.compile(r"IO iothread(\d+)\Z")


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread of a QEMU: its number on the host, the fact whose scheduling it has, and what the kernel says of it."""

    tid: int
    key: str
    scheduling: str


@dataclass(slots=True)
class _Glance:
    """The threads of a host's guests by UUID, and when they were looked at."""

    threads: dict[str, list[Thread]]
    at: float


_glances: dict[str, _Glance] = {}
_looking = threading.Lock()


def reachable(uri: str) -> bool:
    """Tell whether the threads behind this URI can be reached at all."""
    return _is_local(uri) or _is_ssh(uri)


def schedule(uri: str, uuid: str, wanted: Facets) -> list[str]:
    """Set what `wanted` says ("fifo 5", "" for normal) by key; give the keys whose thread was found and set.

    Raises:
        HandlerError: the kernel or the host refuses.
    """
    found = _local_threads(uuid) if _is_local(uri) else _remote_threads(uri).get(uuid, [])
    threads = [thread for thread in found if thread.key in wanted]
    commands = []
    for thread in threads:
        policy, _, priority = wanted[thread.key].partition(" ")
        if _is_local(uri):
            _set(thread.tid, policy, int(priority or 0))
        else:
            commands.append(f"chrt {FLAGS.get(policy, '-o')} -p {int(priority or 0)} {thread.tid}")
    if commands:
        _ssh(uri, " && ".join(commands))
        _glances.pop(uri, None)
    return [thread.key for thread in threads]


def observed(uri: str, uuid: str) -> Facets | None:
    """Give the scheduling that the kernel has for each thread; None where nobody can look, or ssh does not let us."""
    threads = _local_threads(uuid) if _is_local(uri) else _glance(uri).get(uuid, []) if _is_ssh(uri) else []
    return {thread.key: thread.scheduling for thread in threads} if threads else None


def _glance(uri: str) -> dict[str, list[Thread]]:
    """Look at all guests of the host at once: one ssh for all domains that are read together."""
    with _looking:
        seen = _glances.get(uri)
        if seen is None or time.monotonic() - seen.at > GLANCE_SECONDS:
            try:
                threads = _remote_threads(uri)
            except HandlerError:
                threads = {}  # an account that may not log in still reads all that libvirt tells
            seen = _glances[uri] = _Glance(threads, time.monotonic())
        return seen.threads


def _key(name: str, *, main: bool) -> str:
    if main:
        return "cputune.emulatorsched"
    for pattern, key in ((_VCPU, "cputune.vcpusched"), (_IOTHREAD, "cputune.iothreadsched")):
        found = pattern.match(name)
        if found:
            return f"{key}[{found.group(1)}]"
    return ""


def _local_threads(uuid: str) -> list[Thread]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
            if uuid.encode() not in arguments or b"-uuid" not in arguments:
                continue
            tasks = sorted((folder / "task").iterdir())
            named = {int(task.name): (task / "comm").read_text().strip() for task in tasks}
            return _known([(tid, name, _get(tid)) for tid, name in named.items()], int(folder.name))
        except OSError:
            continue  # a process that ended meanwhile
    return []


_LOOK: Final = (
    "for c in $(grep -ls -e -uuid /proc/[0-9]*/cmdline); do p=${c%/cmdline}; "
    "echo \"process ${p#/proc/} $(tr '\\0' ' ' < $c)\"; cat $p/task/*/stat; done 2>/dev/null; true"
)
_PROCESS: Final = re.compile(r"process (\d+) .* -uuid (\S+) ")
# proc(5): tid (name) state ..., where rt_priority is field 40 and policy field 41.
_STAT: Final = re.compile(r"(\d+) \((.*)\) ((?:\S+ ){37})(\d+) (\d+) ")


def _remote_threads(uri: str) -> dict[str, list[Thread]]:
    """Give the threads of all guests by UUID."""
    found: dict[str, list[Thread]] = {}
    pid, mine = 0, list[Thread]()
    for line in _ssh(uri, _LOOK).splitlines():
        if line.startswith("process "):
            process = _PROCESS.match(line + " ")
            pid = int(process[1]) if process else 0
            mine = found.setdefault(process[2], []) if process else []
        elif stat := _STAT.match(line):
            mine += _known([(int(stat[1]), stat[2], _said(int(stat[5]), int(stat[4])))], pid)
    return found


def _known(rows: list[tuple[int, str, str]], pid: int) -> list[Thread]:
    """Keep the threads whose part in the guest is known by their name; `pid` is the emulator's own."""
    named = ((tid, _key(name, main=tid == pid), scheduling) for tid, name, scheduling in rows)
    return [Thread(tid, key, scheduling) for tid, key, scheduling in named if key]


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
    return _said(number, priority)


def _said(number: int, priority: int) -> str:
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
