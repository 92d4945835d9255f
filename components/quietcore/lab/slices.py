"""Which CPUs a host may use: a slice of its own where the machine has enough, the same two where it has not."""

from __future__ import annotations

import os
from dataclasses import dataclass

from quietcore.units import CpuSet


@dataclass(frozen=True)
class Slice:
    """The CPUs of one host; ``shared`` says that other hosts of the lab use the same ones."""

    housekeeping: CpuSet
    isolated: CpuSet
    shared: bool


def cut(cpus: CpuSet, hosts: int) -> list[Slice]:
    """One slice per host: its first CPU keeps house, the rest is isolated.

    A host needs two CPUs. Where they do not suffice for all, every host gets the same slice; on a machine with one
    CPU the isolated set is empty.
    """
    numbers = sorted(cpus)
    each = len(numbers) // hosts
    if each >= 2:
        parts = [numbers[index * each : (index + 1) * each] for index in range(hosts)]
    else:
        parts = [numbers[: max(2, len(numbers) // 2)]] * hosts
    return [Slice(CpuSet(part[:1]), CpuSet(part[1:]), each < 2 and hosts > 1) for part in parts]


def online() -> CpuSet:
    """The CPUs that this process may run on."""
    return CpuSet(os.sched_getaffinity(0))
