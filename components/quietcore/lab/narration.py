"""A lab in words: what its hosts have, and what this machine makes different from the real thing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from quietcore.lab.hosts import Condition
from quietcore.lab.hugepages import PAGE
from quietcore.lab.state import LabState
from quietcore.units import Size


def hosts(state: LabState) -> list[str]:
    """One line per host: name, CPUs, hugepages, URI."""
    return [
        f"{host.name:<5} housekeeping {host.cpus.housekeeping}, isolated {host.cpus.isolated or 'none'}, "
        f"{Size(host.hugepages * PAGE)} in hugepages  {host.uri}"
        for host in state.hosts
    ]


def conditions(seen: Mapping[str, Sequence[Condition]]) -> list[str]:
    """A table: one row per condition, one column per host."""
    names = list(dict.fromkeys(one.name for row in seen.values() for one in row))
    width = max(map(len, names), default=0)
    lines = [" " * width + "".join(f"  {host:<5}" for host in seen)]
    for name in names:
        marks = (_mark(row, name) for row in seen.values())
        lines.append(f"{name:<{width}}" + "".join(f"  {mark:<5}" for mark in marks))
    return [line.rstrip() for line in lines]


def limits(state: LabState) -> list[str]:
    """What holds on this machine and would not on real hosts; a line each."""
    found = []
    if state.accelerator == "tcg":
        found.append(f"accelerator tcg ({state.accelerator_reason}): latency figures are plumbing tests")
    if state.memlock == "limited":
        found.append("memlock limited (no CAP_SYS_RESOURCE): domains with <locked/> do not start")
    if any(host.cpus.shared for host in state.hosts):
        cpus = state.hosts[0].cpus
        found.append(
            f"all hosts share CPU {cpus.housekeeping} (housekeeping) and {cpus.isolated} (isolated): "
            "real-time vCPUs run rr at priority 1"
        )
    if not state.fifo:
        found.append("SCHED_FIFO is refused here: domains with <vcpusched/> do not start")
    if not state.rt_throttling:
        found.append("RT throttling is off: a busy real-time vCPU can take a whole CPU from this machine")
    return found


def _mark(row: Iterable[Condition], name: str) -> str:
    return next(("✓" if one.true else "✗" for one in row if one.name == name), "-")
