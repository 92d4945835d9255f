"""The kernel command line that follows from an isolated set, for a guest and for a host, each in its own CPU numbers.

Parameters and their order: Documentation/admin-guide/kernel-parameters.txt; what real-time operation needs of them:
Documentation/admin-guide/cpu-isolation.rst and tuned's realtime profiles, whose boot-loader lines these replace.
"""

from __future__ import annotations

from collections.abc import Mapping

from quietcore.spec.cmdline import KernelCmdline
from quietcore.spec.host import HostSpec
from quietcore.spec.node import RtNodeSpec
from quietcore.spec.topology import HostTopology
from quietcore.units import CpuSet, Size

GUEST_PAGE = Size.mib(2)
"""The size of the pages that ``RtNodeSpec.guest_hugepages`` counts."""

_HUGEPAGES = frozenset({"default_hugepagesz", "hugepagesz", "hugepages"})


def guest_cmdline(node: RtNodeSpec, host: HostSpec) -> KernelCmdline:
    """What the guest's kernel boots with; a parameter that the node gives replaces the derived one of that name.

    A disk's own boot loader names root and console itself; a kernel that is booted directly needs them from us.
    """
    boot = [f"root={node.root}", "ro", "console=ttyS0"] if node.boot == "direct" else []
    pages = {GUEST_PAGE: str(node.guest_hugepages)} if node.guest_hugepages else {}
    derived = [*_isolation(node.rt_vcpus, node.housekeeping_vcpus), *_clock(host), *_hugepages(pages)]
    return _joined([*boot, *derived], node.cmdline)


def host_cmdline(host: HostSpec, extra: tuple[str, ...] = ()) -> KernelCmdline:
    """What the host's kernel should boot with; ``extra`` replaces derived parameters of the same name."""
    isolated = host.cpus.isolated
    others = host.topology.cpus - isolated - host.cpus.offlined
    return _joined([*_isolation(isolated, others), *_clock(host), *_hugepages(_pools(host.topology))], extra)


def _isolation(isolated: CpuSet, others: CpuSet) -> list[str]:
    """Work, ticks, RCU callbacks and interrupts kept off the isolated CPUs; watchdogs, which tick there, off.

    ``managed_irq`` alone moves no ordinary interrupt, hence ``irqaffinity``; ``isolcpus`` confines no daemon, as
    systemd sets its own affinity, hence ``systemd.cpu_affinity``.
    """
    if not isolated:
        return []
    return [
        f"isolcpus=managed_irq,domain,{isolated}",
        "nohz=on",
        f"nohz_full={isolated}",
        f"rcu_nocbs={isolated}",
        *([f"irqaffinity={others}", f"systemd.cpu_affinity={others}"] if others else []),
        "skew_tick=1",
        "nosoftlockup",
        "nowatchdog",
    ]


def _clock(host: HostSpec) -> list[str]:
    """Trust the TSC where it is one: TCG only emulates it, and other architectures have none."""
    return ["tsc=reliable"] if host.facts.accelerator == "kvm" and host.topology.arch == "x86_64" else []


def _hugepages(pages: Mapping[Size, str]) -> list[str]:
    """Each size right before its count, as the kernel reads them in order; the largest is the default."""
    if not pages:
        return []
    sizes = sorted(pages, reverse=True)
    pairs = [part for size in sizes for part in (f"hugepagesz={size.kernel()}", f"hugepages={pages[size]}")]
    return [f"default_hugepagesz={sizes[0].kernel()}", *pairs]


def _pools(topology: HostTopology) -> dict[Size, str]:
    """Page counts by size: one number where all cells have the same (the kernel spreads it), else cell by cell."""
    sizes = {size for cell in topology.cells for size, count in cell.pages.items() if count}
    return {size: _count({cell.id: cell.pages.get(size, 0) for cell in topology.cells}) for size in sizes}


def _count(by_cell: Mapping[int, int]) -> str:
    if len(set(by_cell.values())) == 1:
        return str(sum(by_cell.values()))
    return ",".join(f"{cell}:{count}" for cell, count in sorted(by_cell.items()) if count)


def _joined(derived: list[str], given: tuple[str, ...]) -> KernelCmdline:
    """Derived parameters and then the given ones, none of them twice; hugepage parameters are given all or none."""
    names = {parameter.partition("=")[0] for parameter in given}
    if names & _HUGEPAGES:
        names |= _HUGEPAGES
    kept = [parameter for parameter in derived if parameter.partition("=")[0] not in names]
    return KernelCmdline(parameters=(*kept, *given))
