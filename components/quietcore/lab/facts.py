"""What this machine can do for guests. Each fact is tried, not read off a flag, and found once per boot."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
from dataclasses import asdict, dataclass
from pathlib import Path

from quietcore.lab import accelerator
from quietcore.lab.accelerator import Accelerator
from quietcore.lab.layout import cache_root
from quietcore.lab.processes import boot_id
from quietcore.lab.state import Memlock, replace

CAP_SYS_RESOURCE = 24  # include/uapi/linux/capability.h


@dataclass(frozen=True)
class Facts:
    """``memlock``: limited where QEMU may not raise its limit of locked memory, so that a domain with ``<locked/>``
    does not start. ``fifo``: threads may run SCHED_FIFO. ``rt_throttling``: the kernel takes CPU time from
    real-time threads that never yield."""

    accelerator: Accelerator
    memlock: Memlock
    fifo: bool
    rt_throttling: bool


def find(kernel: Path | None) -> Facts:
    """The facts of this boot. ``kernel`` is a guest kernel that proves the accelerator, where one is built."""
    return Facts(accelerated(kernel), memlock(), fifo(), rt_throttling())


def memlock() -> Memlock:
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


def accelerated(kernel: Path | None) -> Accelerator:
    """The accelerator, from the record of this boot when it rests on as good a proof."""
    record = cache_root() / "lab" / "accelerator.json"
    try:
        known = json.loads(record.read_text())
        if known.pop("boot") == boot_id() and (kernel is None or known["proved"]):
            return Accelerator(**known)
    except (OSError, ValueError, TypeError, KeyError):
        pass
    found = accelerator.find(kernel)
    replace(record, json.dumps({"boot": boot_id(), **asdict(found)}))
    return found
