"""Rules on what isolcpus takes away and what it leaves: flags, load balancing, kernel threads, partitions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from quietcore.rules.kernel.examples import facts, line, machine
from quietcore.rules.kernel.reading import dialect, named, unbalanced
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import KernelCmdline, KubeletSpec, MachineSpec, PodSpec, Severity
from quietcore.spec.cmdline import ISOLCPUS_FLAGS


def _managed(cmdline: KernelCmdline) -> Iterator[Hit]:
    said = cmdline.get("isolcpus")
    if said and ISOLCPUS_FLAGS.issuperset(cmdline.flags()) and "managed_irq" not in cmdline.flags():
        yield Hit(
            where="cmdline.isolcpus",
            given=f"isolcpus={said}",
            allowed="managed_irq among its flags",
            hint=f"write isolcpus=managed_irq,{said if cmdline.flags() else f'domain,{said}'}",
        )


C12: Rule[KernelCmdline] = Rule(
    code="C12",
    title="isolcpus leaves managed interrupts where they are",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=KernelCmdline,
    judge=_managed,
    doc=Doc(
        what="isolcpus has the flag managed_irq. (A flag that the kernel does not know is C34.)",
        why="Drivers of NVMe disks and of network cards spread their queues' interrupts over all CPUs themselves, and "
        "no affinity mask moves these. managed_irq is the one way to keep them off isolated CPUs.",
        fix="write isolcpus=managed_irq,domain, before the CPUs",
        sources=(source("K-PARAM", "isolcpus="), source("TUNED"), source("NTO-A")),
        bad=Example(text="isolcpus=domain,2-7", subject=lambda: line("isolcpus=domain,2-7", without=("isolcpus",))),
        good=Example(text="isolcpus=managed_irq,domain,2-7", subject=line),
    ),
)


def _unpinned(machine: MachineSpec) -> Iterator[Hit]:
    kubelet, cmdline = machine.kubelet, machine.cmdline
    if cmdline is None or kubelet is None or not unbalanced(cmdline) or not kubelet.static_cpus:
        return
    balanced = machine.online - machine.isolated - (kubelet.reserved_cpus or machine.housekeeping)
    if balanced:
        return
    for pod in machine.pods:
        if not pod.exclusive and not pod.undecided and not any(held.undecided for held in pod.containers):
            yield Hit(
                where=f'{pod.kind} "{pod.name}"',
                given=f"no CPUs of its own; {machine.end('cmdline')} isolates {machine.isolated} with the flag domain, "
                f"and {machine.end('kubelet')} leaves no other CPU to such pods",
                allowed="whole CPUs, as requests and limits alike; or CPUs whose load the kernel balances",
                hint="give the pod whole CPUs, or take the flag domain out of isolcpus",
            )


def _own_pool(machine: MachineSpec) -> str:
    return "StarlingX runs such pods on CPUs that it does not isolate" if dialect(machine) == "starlingx" else ""


def _worker(**fields: Any) -> MachineSpec:
    kubelet = KubeletSpec(cpu_manager_policy="static", reserved_cpus=machine().housekeeping)
    return machine(role="worker", kubelet=kubelet, **fields)


C13: Rule[MachineSpec] = Rule(
    code="C13",
    title="pod shares CPUs whose load nobody balances",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_unpinned,
    aside=_own_pool,
    doc=Doc(
        what="Where isolcpus takes the kubelet's CPUs out of load balancing (flag domain, or no flag at all), each pod "
        "has CPUs of its own.",
        why="The static CPU manager knows nothing of isolcpus: pods without CPUs of their own get all that are not "
        "reserved. There the scheduler moves no thread, so all threads of such a pod stay on the CPU on which they "
        "began, and wait for each other while the next CPU idles. OpenShift leaves domain out for this reason.",
        fix="give each pod whole CPUs, or leave the flag domain out",
        sources=(source("NTO-A"), source("NTO-D"), source("K-PARAM", "isolcpus=")),
        bad=Example(
            text="isolcpus=managed_irq,domain,2-7\n# kubelet: static, reserved 0-1\n# Pod web: no CPU requested",
            subject=lambda: _worker(pods=(PodSpec(name="web"),)),
        ),
        good=Example(
            text="isolcpus=managed_irq,2-7 systemd.cpu_affinity=0-1\n# kubelet: static, reserved 0-1\n"
            "# Pod web: no CPU requested",
            subject=lambda: _worker(
                pods=(PodSpec(name="web"),),
                cmdline=line("isolcpus=managed_irq,2-7", without=("isolcpus",)),
            ),
        ),
    ),
)


def _kernel_threads(machine: MachineSpec) -> Iterator[Hit]:
    if machine.cmdline is None or not machine.isolated:
        return
    said = named(machine, "kthread_cpus")
    wanted = machine.housekeeping
    owed = dialect(machine) == "starlingx" and machine.role != "guest" and machine.cmdline.get("kthread_cpus") is None
    if owed or (said is not None and (not said or said & machine.isolated)):
        given = machine.cmdline.get("kthread_cpus")
        yield Hit(
            where="cmdline.kthread_cpus",
            given="no kthread_cpus" if given is None else f"kthread_cpus={given}; isolated CPUs are {machine.isolated}",
            allowed=f"kthread_cpus={wanted}" if wanted else f"without {machine.isolated}",
            hint=f"write kthread_cpus={wanted}" if wanted else "write the housekeeping CPUs into kthread_cpus",
        )


C15: Rule[MachineSpec] = Rule(
    code="C15",
    title="kernel threads start on isolated CPUs",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_kernel_threads,
    depends_on=("C34",),
    doc=Doc(
        what="kthread_cpus names housekeeping CPUs only. StarlingX must have it; elsewhere it may be missing, as the "
        "kernel of kernel.org does not know it (there nohz_full keeps kernel threads away), and SUSE's ignores it.",
        why="Kernels that know it start their threads on those CPUs. With an isolated CPU among them, kernel threads "
        "run beside the real-time load.",
        fix="write the housekeeping CPUs into kthread_cpus",
        sources=(source("CAN-DOC"), source("STX-PLAT"), source("SUSE")),
        bad=Example(text="# isolated CPUs: 2-7\nkthread_cpus=0-2", subject=lambda: machine("kthread_cpus=0-2")),
        good=Example(text="# isolated CPUs: 2-7\nkthread_cpus=0-1", subject=lambda: machine("kthread_cpus=0-1")),
    ),
)


def _twice(machine: MachineSpec) -> Iterator[Hit]:
    if machine.facts.partitions and machine.cmdline is not None and unbalanced(machine.cmdline):
        yield Hit(
            where="cmdline.isolcpus",
            given=f"isolcpus={machine.cmdline.get('isolcpus')}, and cpuset partitions",
            allowed="one of them",
            hint="leave isolcpus to the flag managed_irq, and the domains to the partitions",
        )


C43: Rule[MachineSpec] = Rule(
    code="C43",
    title="isolcpus stands in the way of cpuset partitions",
    severity=Severity.INFO,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_twice,
    doc=Doc(
        what="A machine that isolates CPUs by cgroup-v2 cpuset partitions does not take them out of the scheduler's "
        "domains by isolcpus as well.",
        why="Partitions can be made, changed and dissolved while the machine runs; the kernel's own guide advises them "
        "in place of isolcpus=domain. What isolcpus took away at boot, no partition gives back.",
        fix="keep the partitions, and leave out isolcpus or its flag domain",
        sources=(source("K-ISO"), source("K-PARAM", "isolcpus=")),
        bad=Example(
            text="# CPUs 2-7 are a cpuset partition\nisolcpus=managed_irq,domain,2-7",
            subject=lambda: machine(facts=facts(partitions=True)),
        ),
        good=Example(
            text="# CPUs 2-7 are a cpuset partition\nnohz_full=2-7 rcu_nocbs=2-7",
            subject=lambda: machine(without=("isolcpus",), facts=facts(partitions=True)),
        ),
    ),
)
