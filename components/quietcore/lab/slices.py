"""Which CPUs a host may use: a slice of its own where the machine has enough, the same two where it has not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from quietcore.units import CpuSet

_SIBLINGS = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


@dataclass(frozen=True)
class Slice:
    """The CPUs of one host; ``shared`` says that other hosts of the lab use the same ones."""

    housekeeping: CpuSet
    isolated: CpuSet
    shared: bool


def cut(cores: Sequence[CpuSet], hosts: int) -> list[Slice]:
    """One slice per host. ``cores`` are the machine's, each the set of its hardware threads.

    A host with two cores and more keeps house on the first and isolates the others; with one core, or a part of
    one, it does so by threads. A host needs two CPUs: where they do not suffice for all, every host gets the same
    two. On a machine with one CPU the isolated set is empty.
    """
    each = len(cores) // hosts
    if each >= 2:
        parts = [cores[index * each : (index + 1) * each] for index in range(hosts)]
        return [Slice(part[0], _union(part[1:]), shared=False) for part in parts]
    if each == 1 and all(len(core) >= 2 for core in cores):
        return [_by_threads(core, shared=False) for core in cores[:hosts]]
    return [_by_threads(_union(cores), shared=hosts > 1)] * hosts


def cores() -> list[CpuSet]:
    """The cores whose CPUs this process may run on, by their first CPU."""
    allowed = CpuSet(os.sched_getaffinity(0))
    return sorted({_siblings(cpu) & allowed for cpu in allowed}, key=min)


def _siblings(cpu: int) -> CpuSet:
    file = Path(_SIBLINGS.format(cpu))
    return CpuSet.parse(file.read_text().strip()) if file.exists() else CpuSet([cpu])


def _by_threads(cpus: CpuSet, *, shared: bool) -> Slice:
    first, *rest = sorted(cpus)
    return Slice(CpuSet([first]), CpuSet(rest[:1] if shared else rest), shared)


def _union(cores: Sequence[CpuSet]) -> CpuSet:
    return CpuSet(cpu for core in cores for cpu in core)
