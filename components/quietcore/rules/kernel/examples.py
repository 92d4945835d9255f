"""A good machine with a complete command line, from which the bad example of each kernel rule differs by one thing."""

from __future__ import annotations

from typing import Any

from quietcore.spec import Cell, CpuPlan, HostTopology, KernelCmdline, MachineFacts, MachineSpec
from quietcore.units import CpuSet, Size

GOOD = (
    "isolcpus=managed_irq,domain,2-7 nohz=on nohz_full=2-7 rcu_nocbs=2-7 irqaffinity=0-1 "
    "systemd.cpu_affinity=0-1 skew_tick=1 nosoftlockup nowatchdog"
)


def line(extra: str = "", *, without: tuple[str, ...] = ()) -> KernelCmdline:
    """The good line for CPUs 2-7 of 0-7: ``without`` names parameters to leave out, ``extra`` follows."""
    kept = (word for word in GOOD.split() if word.partition("=")[0] not in without)
    return KernelCmdline.parse(" ".join([*kept, extra]))


def machine(extra: str = "", *, without: tuple[str, ...] = (), **fields: Any) -> MachineSpec:
    """The good machine of eight CPUs, which isolates 2-7; ``fields`` replace its own."""
    given = {
        "online": CpuSet(range(8)),
        "isolated": CpuSet(range(2, 8)),
        "cmdline": line(extra, without=without),
        **fields,
    }
    return MachineSpec(**given)


def facts(**known: Any) -> MachineFacts:
    """What is known of a machine."""
    return MachineFacts(**known)


def shares(dialect: str = "plain", **sets: str) -> CpuPlan:
    """The good machine's CPU plan in a dialect; ``sets`` replace its own."""
    texts = {"housekeeping": "0-1", "isolated": "2-7", **sets}
    return CpuPlan(dialect=dialect, **{name: CpuSet.parse(text) for name, text in texts.items()})  # type: ignore[arg-type]


def hardware(threads: int = 1, model: str = "", vendor: str = "", **pages: int) -> HostTopology:
    """Eight CPUs in two cells of 16 GiB, CPU n and n+4 siblings where ``threads`` is 2. ``pages`` as in ``p1GiB=4``."""
    pools = {Size.parse(size.removeprefix("p")): number for size, number in pages.items()}
    cells = tuple(
        Cell(id=cell, socket=cell, cpus=CpuSet(cpus), memory=Size.parse("16GiB"), pages=pools)
        for cell, cpus in enumerate(((0, 1, 4, 5), (2, 3, 6, 7)))
    )
    cores = tuple(CpuSet([cpu, cpu + 4]) for cpu in range(4)) if threads > 1 else ()
    return HostTopology(cells=cells, cores=cores, model=model, vendor=vendor)
