"""A good profile and good workers, from which the bad example of each rule differs by one thing."""

from __future__ import annotations

from typing import Any

from quietcore.rules.examples import cpus
from quietcore.spec import Cell, HostTopology, KernelCmdline, MachineSpec, PerformanceProfileSpec, SiteSpec
from quietcore.spec.performance_profile import ProfilePages
from quietcore.units import Size

WORKER = {"node-role.kubernetes.io/worker-cnf": ""}
"""The node selector of the good profile, from whose label the operator learns the role."""

ISOLATION = (
    "isolcpus=managed_irq,domain,2-7 nohz=on nohz_full=2-7 rcu_nocbs=2-7 irqaffinity=0-1 systemd.cpu_affinity=0-1 "
    "skew_tick=1 nosoftlockup nowatchdog nmi_watchdog=0"
)


def profile(**changes: Any) -> PerformanceProfileSpec:
    """The profile ``cnf`` for workers of eight CPUs: 0-1 reserved, 2-7 isolated, eight pages of 1 GiB."""
    good = PerformanceProfileSpec(
        name="cnf",
        reserved=cpus("0-1"),
        isolated=cpus("2-7"),
        default_page_size="1G",
        pages=(ProfilePages(size="1G", count=8),),
        realtime_kernel=True,
        topology_policy="single-numa-node",
        node_selector=WORKER,
    )
    return good.model_copy(update=changes)


def topology(present: str = "0-7", arch: str = "x86_64") -> HostTopology:
    """One NUMA cell without SMT."""
    return HostTopology(arch=arch, cells=(Cell(id=0, cpus=cpus(present), memory=Size.parse("32GiB")),))


def worker(name: str = "w1", present: str = "0-7", **changes: Any) -> MachineSpec:
    """A worker of the profile's pool."""
    machine = MachineSpec(name=name, role="worker", online=cpus(present), topology=topology(present), profile=profile())
    return machine.model_copy(update=changes)


def booted(extra: str = "tsc=reliable", **changes: Any) -> MachineSpec:
    """A host of eight CPUs, 2-7 of them isolated, with ``extra`` on its command line."""
    cmdline = KernelCmdline.parse(f"{ISOLATION} {extra}")
    machine = MachineSpec(online=cpus("0-7"), isolated=cpus("2-7"), cmdline=cmdline)
    return machine.model_copy(update=changes)


def pool(*machines: MachineSpec) -> SiteSpec:
    """A site of workers."""
    return SiteSpec(machines=machines)
