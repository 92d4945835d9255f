"""The threads of a running QEMU, as the kernel knows them: name, allowed CPUs, scheduling policy and priority."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quietcore.units import CpuSet

POLICIES = {os.SCHED_OTHER: "other", os.SCHED_FIFO: "fifo", os.SCHED_RR: "rr", os.SCHED_BATCH: "batch"}
_RESET_ON_FORK = 0x40000000  # SCHED_RESET_ON_FORK is or-ed into the policy (sched(7))


@dataclass(frozen=True)
class Thread:
    """One thread. ``role`` is "emulator", or "vcpu N" or "iothread N" as QEMU numbers them."""

    role: str
    cpus: CpuSet
    policy: str
    priority: int


def threads_of(domain: Any) -> dict[str, Thread]:
    """The emulator, vCPU and IOThread threads by role. ``domain`` is a running libvirt domain on this very machine."""
    vcpus = {f"vcpu {cpu['cpu-index']}": cpu["thread-id"] for cpu in _monitor(domain, "query-cpus-fast")}
    iothreads = {
        f"iothread {re.sub('[^0-9]', '', thread['id'])}": thread["thread-id"]
        for thread in _monitor(domain, "query-iothreads")
    }
    ids = {"emulator": process_of(next(iter(vcpus.values()))), **vcpus, **iothreads}
    return {role: _thread(role, number) for role, number in ids.items()}


def process_of(thread: int) -> int:
    """The process that a thread belongs to."""
    return int(_status(thread)["Tgid"])


def _monitor(domain: Any, command: str) -> list[dict[str, Any]]:
    import libvirt_qemu

    answer = json.loads(libvirt_qemu.qemuMonitorCommand(domain, json.dumps({"execute": command}), 0))
    found: list[dict[str, Any]] = answer["return"]
    return found


def _thread(role: str, number: int) -> Thread:
    policy = os.sched_getscheduler(number) & ~_RESET_ON_FORK
    return Thread(
        role=role,
        cpus=CpuSet.parse(_status(number)["Cpus_allowed_list"]),
        policy=POLICIES.get(policy, str(policy)),
        priority=os.sched_getparam(number).sched_priority,
    )


def _status(number: int) -> dict[str, str]:
    lines = Path(f"/proc/{number}/status").read_text(encoding="utf-8").splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}
