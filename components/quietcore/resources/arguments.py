"""The arguments of the components as typed dictionaries: plain data that the specs then judge, all mistakes at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict


class CpuPlan(TypedDict, total=False):
    """CPU sets in the kernel's list form, host numbers: ``CpuPlan(housekeeping="0-1", isolated="2-7")``."""

    housekeeping: str
    isolated: str
    shared: str
    offlined: str
    vswitch: str
    dialect: Literal["plain", "nto", "starlingx"]


class HostFacts(TypedDict, total=False):
    """What the machine lets a domain do; see ``quietcore.spec.HostFacts``."""

    accelerator: Literal["kvm", "tcg"]
    memlock: Literal["unlimited", "limited"]
    cpus: Literal["own", "shared"]
    smt: Literal["on", "off"]


class RtNodeArgs(TypedDict, total=False):
    """The plain facts of a node; see ``quietcore.spec.RtNodeSpec`` for what each means and what is derived."""

    vcpus: int
    rt_vcpus: str
    memory: str
    networks: Sequence[str]
    boot: Literal["disk", "direct"]
    root: str
    disk: str
    scheduler: Literal["fifo", "rr"]
    priority: int
    iothreads: int
    pins: Mapping[int, int]
    emulator: str
    cell: int
    page_size: str
    guest_hugepages: int
    cmdline: Sequence[str]
    restart: Literal["never", "when-needed"]
    shutdown_timeout: str
    autostart: bool
