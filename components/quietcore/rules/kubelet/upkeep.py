"""Rules on how a kubelet keeps house: its pace, CPUs that go away under it, and what it leaves to drivers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from quietcore.rules.kubelet.examples import (
    delegating,
    golden,
    operated,
    worker,
)
from quietcore.rules.kubelet.machines import delegated, dialect, of_kubelet
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import KubeletSpec, MachineSpec, Severity, TunedProfileSpec
from quietcore.units import Duration

PERIOD = Duration.parse("5s")  # NTO-K, cpuManagerReconcilePeriod
_OFFLINE = re.compile(r"/sys/devices/system/cpu/(cpu[^/]+)/online")


def _slow(machine: MachineSpec, kubelet: KubeletSpec) -> Iterator[Hit]:
    period = kubelet.cpu_manager_reconcile_period
    if dialect(machine) != "nto" or not kubelet.static_cpus or period == PERIOD:
        return
    yield Hit(
        where="kubelet.cpuManagerReconcilePeriod",
        given=str(period) if period else "nothing, so 10s",
        allowed=str(PERIOD),
        hint=f"set cpuManagerReconcilePeriod to {PERIOD}, or let the operator write the file",
    )


K19: Rule[MachineSpec] = Rule(
    code="K19",
    title="CPU manager reconciles at another pace than OpenShift's operator sets",
    severity=Severity.INFO,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=of_kubelet(_slow),
    doc=Doc(
        what="Under OpenShift's operator cpuManagerReconcilePeriod is 5s.",
        why="In each period the kubelet puts back the cpusets of containers that something else has changed; the "
        "kubelet's own default is 10s. The operator writes 5s, so another value shows that the file was changed by "
        "hand.",
        fix="set cpuManagerReconcilePeriod to 5s",
        sources=(source("NTO-K", "kubeletconfig.go"), source("K8S-DOC", "CPU manager")),
        bad=Example(
            text='# CpuPlan(dialect="nto")\ncpuManagerReconcilePeriod: 10s',
            subject=lambda: operated(golden(cpu_manager_reconcile_period=Duration.parse("10s"))),
        ),
        good=Example(
            text='# CpuPlan(dialect="nto")\ncpuManagerReconcilePeriod: 5s', subject=lambda: operated(golden())
        ),
    ),
)


def _going_away(machine: MachineSpec, kubelet: KubeletSpec) -> Iterator[Hit]:
    if machine.tuned is None or not kubelet.static_cpus:
        return
    for section, options in machine.tuned.sections.items():
        for path, value in options.items():
            named = _OFFLINE.match(path)
            if named and value.strip().strip('"') == "0":
                yield Hit(
                    where=f"tuned.{section}",
                    given=f"{machine.end('tuned')} takes {named[1]} offline when tuned starts; "
                    f"{machine.end('kubelet')} has the static CPU policy",
                    allowed="CPUs that go offline before the kubelet starts",
                    hint="take it offline in a unit that is ordered before kubelet.service",
                )


K23: Rule[MachineSpec] = Rule(
    code="K23",
    title="CPU goes offline under a running kubelet",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=of_kubelet(_going_away),
    doc=Doc(
        what="On a machine whose kubelet has the static CPU policy, the tuned profile takes no CPU offline: nothing "
        "orders tuned before the kubelet. (Units of systemd that do so at boot are not read; they are the right "
        "place.)",
        why="The kubelet counts CPUs when it starts and does not support that they change. It then gives out a CPU "
        "that is gone, or finds its state file at odds with the machine and does not start.",
        fix="take CPUs offline in a unit that is ordered before kubelet.service",
        sources=(source("K8S-DOC", "the CPU manager does not support offlining at runtime"), source("NTO-K")),
        bad=Example(
            text="[sysfs]\n/sys/devices/system/cpu/cpu7/online=0",
            subject=lambda: worker(tuned=offlining("0")),
        ),
        good=Example(
            text="[sysfs]\n/sys/devices/system/cpu/cpu7/online=1",
            subject=lambda: worker(tuned=offlining("1")),
        ),
    ),
)


def offlining(value: str) -> TunedProfileSpec:
    """A profile that writes to the switch of CPU 7."""
    sections = {"sysfs": {"/sys/devices/system/cpu/cpu7/online": value}}
    return TunedProfileSpec(name="ours", role="host", foreign=True, include="realtime", sections=sections)


def _delegation(machine: MachineSpec, kubelet: KubeletSpec) -> Iterator[Hit]:
    if not delegated(machine):
        return
    held = (
        ("cpuManagerPolicy", kubelet.cpu_manager_policy, "none"),
        ("memoryManagerPolicy", kubelet.memory_manager_policy, "None"),
        ("topologyManagerPolicy", kubelet.topology_manager_policy, "none"),
    )
    for key, value, off in held:
        if value not in (None, off):
            yield Hit(
                where=f"kubelet.{key}",
                given=f"{value}; {machine.end('profile')} leaves CPUs and memory to drivers",
                allowed=off,
                hint=f"set {key} to {off}, or remove the annotation",
            )
    if machine.profile is not None and machine.profile.hints.mixed_cpus:
        yield Hit(
            where="profile.workloadHints.mixedCpus",
            given="true, in a profile that leaves CPUs and memory to drivers",
            allowed="one of the two",
            hint="remove mixedCpus, or the annotation",
        )


K26: Rule[MachineSpec] = Rule(
    code="K26",
    title="kubelet manages what is left to drivers",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=of_kubelet(_delegation),
    doc=Doc(
        what="Where a PerformanceProfile's annotation leaves CPUs and memory to drivers of dynamic resource "
        "allocation, the kubelet's CPU, memory and topology managers are off, and the profile does not mix CPUs.",
        why="Two managers that know nothing of each other give the same CPU to two pods. OpenShift's operator refuses "
        "the annotation together with mixed CPUs.",
        fix="set the kubelet's managers to none, or remove the annotation",
        sources=(source("NTO-K", "setKubeletConfigForDRAManagement"),),
        bad=Example(
            text='# the profile has dra-resource-management: "true"\ntopologyManagerPolicy: restricted',
            subject=lambda: worker(KubeletSpec(topology_manager_policy="restricted"), profile=delegating()),
        ),
        good=Example(
            text='# the profile has dra-resource-management: "true"\ncpuManagerPolicy: none\n'
            "memoryManagerPolicy: None\ntopologyManagerPolicy: none",
            subject=lambda: worker(
                KubeletSpec(cpu_manager_policy="none", memory_manager_policy="None", topology_manager_policy="none"),
                profile=delegating(),
            ),
        ),
    ),
)
