"""Which machines the kubelet rules speak of, and how they call both ends of a finding."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Final, Literal

from quietcore.rules.rule import Hit
from quietcore.spec import KubeletSpec, MachineSpec
from quietcore.units import CpuSet

DELEGATED: Final = "performance.openshift.io/dra-resource-management"
"""With this annotation of a PerformanceProfile, CPUs and memory are left to drivers, and all managers are off."""

_VERSION: Final = re.compile(r"v?(\d{1,3})\.(\d{1,3})")


def of_realtime(judge: Callable[[MachineSpec, KubeletSpec], Iterable[Hit]]) -> Callable[[MachineSpec], Iterator[Hit]]:
    """The judge of a machine and its kubelet, silent where there is none or where no real-time claim is made."""

    @wraps(judge)
    def judged(machine: MachineSpec) -> Iterator[Hit]:
        if machine.kubelet is not None and realtime(machine):
            yield from judge(machine, machine.kubelet)

    return judged


def of_kubelet(judge: Callable[[MachineSpec, KubeletSpec], Iterable[Hit]]) -> Callable[[MachineSpec], Iterator[Hit]]:
    """The judge of a machine and its kubelet, silent where there is none."""

    @wraps(judge)
    def judged(machine: MachineSpec) -> Iterator[Hit]:
        if machine.kubelet is not None:
            yield from judge(machine, machine.kubelet)

    return judged


def realtime(machine: MachineSpec) -> bool:
    """Whether real-time pods are meant to run here: CPUs are isolated, or pods that ask for it are placed here."""
    return bool(isolated(machine)) or any(pod.realtime for pod in machine.pods)


def isolated(machine: MachineSpec) -> CpuSet:
    """The isolated CPUs: those of the plan, else those that were declared or read."""
    return machine.plan.isolated if machine.plan else machine.isolated


def isolation_end(machine: MachineSpec) -> str:
    """Who says which CPUs are isolated."""
    layers = ("plan", "cmdline", "profile")
    known = next((layer for layer in layers if getattr(machine, layer) is not None), None)
    return machine.end(known) if known else machine.name or "the machine"


def dialect(machine: MachineSpec) -> Literal["plain", "nto", "starlingx"]:
    """Whose words the machine's files speak; a PerformanceProfile is OpenShift's."""
    if machine.plan is not None and machine.plan.dialect != "plain":
        return machine.plan.dialect
    return "nto" if machine.profile is not None else "plain"


def delegated(machine: MachineSpec) -> bool:
    """Whether the profile leaves CPUs and memory to drivers of dynamic resource allocation."""
    profile = machine.profile
    return profile is not None and profile.annotations.get(DELEGATED, "").lower() in ("true", "1", "t")


def threads(machine: MachineSpec) -> int:
    """The most sibling threads of a core that run at once; 1 where nobody knows of any."""
    if machine.topology is None or machine.facts.smt is False or _has(machine, "nosmt"):
        return 1
    off = machine.plan.offlined if machine.plan else CpuSet()
    return max((len(core - off) for core in machine.topology.cores), default=1)


def release(machine: MachineSpec) -> int | None:
    """The minor number of the kubelet's release, 31 for 1.31; None where nobody said."""
    match = _VERSION.match(machine.facts.kubelet_version or "")
    return int(match[2]) if match and match[1] == "1" else None


def _has(machine: MachineSpec, parameter: str) -> bool:
    return machine.cmdline is not None and machine.cmdline.get(parameter) is not None
