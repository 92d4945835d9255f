"""What this machine can do for guests. Each fact is tried, not read off a flag, and found once per boot."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from quietcore.lab.layout import cache_root
from quietcore.lab.processes import boot_id
from quietcore.lab.state import replace

CAP_SYS_RESOURCE = 24  # include/uapi/linux/capability.h


@dataclass(frozen=True)
class Facts:
    """``accelerator``: kvm only where a guest booted under it. ``memlock``: limited where QEMU may not raise its
    limit of locked memory. ``fifo``: threads of a domain may run SCHED_FIFO. ``rt_throttling``: the kernel takes
    CPU time from real-time threads that never yield."""

    accelerator: Literal["kvm", "tcg"]
    memlock: Literal["limited", "unlimited"]
    fifo: bool
    rt_throttling: bool
    reason: str


def find() -> Facts:
    """The facts of this boot: tried the first time, read afterwards."""
    file = cache_root() / "lab" / "facts.json"
    try:
        known = json.loads(file.read_text())
        if known.pop("boot") == boot_id():
            return Facts(**{**known, "rt_throttling": rt_throttling()})
    except (OSError, ValueError, TypeError, KeyError):
        pass
    facts = _try()
    replace(file, json.dumps({"boot": boot_id(), **asdict(facts)}))
    return facts


def memlock() -> Literal["limited", "unlimited"]:
    """Whether a process of the lab may lock any amount of memory."""
    status = Path("/proc/self/status").read_text()
    capabilities = int(next(line for line in status.splitlines() if line.startswith("CapEff")).split()[1], 16)
    if capabilities >> CAP_SYS_RESOURCE & 1:
        return "unlimited"
    unlimited = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1] == resource.RLIM_INFINITY
    return "unlimited" if unlimited else "limited"


def rt_throttling() -> bool:
    """Whether the kernel's real-time throttling is on (sched-rt-group.rst: -1 switches it off)."""
    return int(Path("/proc/sys/kernel/sched_rt_runtime_us").read_text()) >= 0


def fifo() -> bool:
    """Whether a process may become SCHED_FIFO; tried in a child."""
    child = multiprocessing.get_context("fork").Process(target=_become_fifo)
    child.start()
    child.join()
    return child.exitcode == 0


def _become_fifo() -> None:
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        os._exit(1)
    os._exit(0)


def _try() -> Facts:
    return Facts("tcg", memlock(), fifo(), rt_throttling(), "not tried")
