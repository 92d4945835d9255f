"""Rules on a real-time container: what it may do, at which priority it runs, and who disturbs it."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.rules.workload.examples import container, pod
from quietcore.rules.workload.quality import place
from quietcore.rules.workload.realtime import of_pod
from quietcore.spec import ContainerSpec, PodSpec, Severity
from quietcore.spec.pod import ABOVE_INTERRUPTS, POLICY, PRIORITY, exclusive_cpus
from quietcore.spec.pod_command import Scheduling

_POLICIES = ("fifo", "rr", "deadline", "other")
_INTERRUPTS = 50


@of_pod
def _rights(given: PodSpec) -> Iterator[Hit]:
    for each in given.rt_containers:
        if "securityContext" in each.undecided:
            continue
        if each.privileged and given.restart in (None, "Always"):
            yield Hit(
                where=place(each, "securityContext.privileged"),
                given="privileged",
                allowed="the capabilities SYS_NICE and IPC_LOCK",
            )
        starts = given.scheduling(each)
        if starts is None or starts.policy == "other":
            continue
        missing = [capability for capability in ("SYS_NICE", "IPC_LOCK") if not each.may(capability)]
        if missing:
            yield Hit(
                where=place(each, "securityContext.capabilities.add"),
                given=", ".join(each.capabilities) or "none",
                allowed="SYS_NICE, IPC_LOCK",
                hint=f"add {' and '.join(missing)}",
            )


W12: Rule[PodSpec] = Rule(
    code="W12",
    title="real-time container has too few rights, or all of them",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=PodSpec,
    judge=_rights,
    doc=Doc(
        what="A container whose threads run under a real-time policy has the capabilities SYS_NICE and IPC_LOCK. No "
        "real-time container is privileged, but in a pod that ends (restartPolicy Never or OnFailure): a test that "
        "traces the machine.",
        why="Without SYS_NICE setting the policy fails with EPERM, without IPC_LOCK mlockall does, and a page fault "
        "then costs milliseconds. A privileged container may do both, and anything else to the machine.",
        fix="write capabilities: {add: [SYS_NICE, IPC_LOCK]}, and leave privileged out",
        sources=(source("LTX"), source("K8S-NICE")),
        bad=Example(
            text="securityContext: {privileged: true}",
            subject=lambda: pod(container(privileged=True, capabilities=())),
        ),
        good=Example(text="securityContext: {capabilities: {add: [SYS_NICE, IPC_LOCK]}}", subject=pod),
    ),
)


def _priority(given: PodSpec, each: ContainerSpec, starts: Scheduling, where: str) -> Iterator[Hit]:
    said = f"{starts.policy} {starts.text}"
    if starts.priority is None or not 1 <= starts.priority <= 98:
        yield Hit(where=where, given=said, allowed="a priority from 1 to 98")
    elif starts.priority >= _INTERRUPTS and given.polls(each) and given.annotations.get(ABOVE_INTERRUPTS) != "true":
        yield Hit(
            where=where,
            given=f"{said}, for threads that never sleep",
            allowed="1-49, below the threads of interrupts at 50",
            hint=f'lower the priority, or say that it is meant: {ABOVE_INTERRUPTS}: "true"',
        )


@of_pod
def _priorities(given: PodSpec) -> Iterator[Hit]:
    policy = given.annotations.get(POLICY)
    if policy is not None and policy not in _POLICIES:
        yield Hit(where=f"annotations[{POLICY}]", given=f'"{policy}"', allowed=", ".join(_POLICIES))
    if policy in ("other", "deadline"):
        return
    for each in given.containers:
        if each.scheduling is not None and each.scheduling.policy != "other":
            yield from _priority(given, each, each.scheduling, place(each, "command"))
    declared = next((each for each in given.rt_containers if each.scheduling is None), None)
    if declared is not None and (starts := given.scheduling(declared)):
        yield from _priority(given, declared, starts, f"annotations[{PRIORITY}]")


W13: Rule[PodSpec] = Rule(
    code="W13",
    title="priority of the pod's threads starves the kernel's",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=PodSpec,
    judge=_priorities,
    doc=Doc(
        what="A FIFO or RR priority is from 1 to 98. For threads that never sleep it is at most 49, unless the author "
        "says that more is meant. The priority is read from chrt and the known latency tests in a container's command, "
        "else from the annotations quietcore.dev/sched-policy and quietcore.dev/sched-priority; "
        'quietcore.dev/cpu-bound: "true" says that the threads never sleep, and '
        'quietcore.dev/above-interrupts: "true" that 50 and more is meant.',
        why="At 99 a thread keeps the kernel's migration and watchdog threads off its CPU. Threads of interrupts run "
        "at 50: what spins above them keeps the CPU's interrupts from being served, for ever.",
        fix="choose a priority below 50",
        sources=(source("RHEL-RT", "scheduling policies and priorities"),),
        bad=Example(
            text='command: [chrt, -f, "99", ./plc]',
            subject=lambda: pod(container(command=("chrt", "-f", "99", "./plc"))),
        ),
        good=Example(
            text='command: [chrt, -f, "40", ./plc]',
            subject=lambda: pod(container(command=("chrt", "-f", "40", "./plc"))),
        ),
    ),
)


@of_pod
def _probes(given: PodSpec) -> Iterator[Hit]:
    for each in given.containers:
        if each.exec_probes and (each in given.rt_containers or (given.guaranteed and exclusive_cpus(each))):
            yield Hit(
                where=place(each, each.exec_probes[0]),
                given=f"exec in {', '.join(each.exec_probes)}",
                allowed="httpGet, tcpSocket or grpc, or a probe of a container beside it",
            )


W15: Rule[PodSpec] = Rule(
    code="W15",
    title="probe runs a program on real-time CPUs",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=PodSpec,
    judge=_probes,
    doc=Doc(
        what="A container with real-time work or CPUs of its own has no exec probes.",
        why="The kubelet starts the probe's program within the container, on the CPUs that are the container's own. "
        "Each start interrupts the real-time thread for milliseconds.",
        fix="probe over the network, or probe a sidecar that watches the real-time program",
        sources=(source("OCP-DOC", "low latency, probes on guaranteed pods"),),
        bad=Example(
            text='livenessProbe: {exec: {command: ["./healthy"]}}',
            subject=lambda: pod(container(exec_probes=("livenessProbe",))),
        ),
        good=Example(text="livenessProbe: {tcpSocket: {port: 8080}}", subject=pod),
    ),
)
