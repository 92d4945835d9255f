"""Profiles that others wrote and machines that use them; a bad example differs from a good one by one thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from quietcore.rules.examples import cpus
from quietcore.spec import KernelCmdline, MachineFacts, MachineSpec, TunedProfileSpec
from quietcore.spec.tuned import TunedAdvice, TunedResourceSpec


def theirs(
    include: str | None = "realtime-virtual-host",
    sysctl: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    **sections: Mapping[str, str],
) -> TunedProfileSpec:
    """A host's profile in a file of its own, such as ``theirs(vm={"transparent_hugepages": "never"})``."""
    return TunedProfileSpec(
        name="plant",
        role="host",
        include=include,
        foreign=True,
        sysctl=dict(sysctl or {}),
        variables=dict(variables or {}),
        sections={name: dict(options) for name, options in sections.items()},
    )


def tuned_machine(
    tuned: TunedProfileSpec,
    cmdline: str | None = None,
    role: Literal["host", "guest", "worker"] = "host",
    isolated: str = "1-3",
    **facts: Any,
) -> MachineSpec:
    """A machine of four CPUs, of which 1-3 are isolated, with that profile and, where given, that command line."""
    return MachineSpec(
        role=role,
        online=cpus("0-3"),
        isolated=cpus(isolated),
        facts=MachineFacts(**facts),
        cmdline=None if cmdline is None else KernelCmdline.parse(cmdline),
        tuned=tuned,
        files={"tuned": "plant/tuned.conf", **({} if cmdline is None else {"cmdline": "cmdline.txt"})},
    )


def patch(
    include: str = "openshift-node-performance-plant", priority: int = 19, recommend: bool = True
) -> TunedResourceSpec:
    """An OpenShift patch of the profile that is made of the PerformanceProfile ``plant``."""
    profile = TunedProfileSpec(
        name="performance-patch",
        role="host",
        include=include,
        foreign=True,
        sections={"service": {"service.stalld": "start,enable"}},
    )
    advice = TunedAdvice(profile="performance-patch", priority=priority)
    return TunedResourceSpec(
        name="performance-patch",
        profiles=(profile,),
        recommend=(advice,) if recommend else (),
        performance_profiles=("plant",),
    )
