"""Rules on a machine and its pods together: whether its kernel and kubelet give what a pod counts on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from quietcore.rules.kubelet.machines import release
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.rules.workload import examples
from quietcore.rules.workload.examples import amounts, container, kubelet, topology, worker
from quietcore.rules.workload.realtime import named, realtime_pods
from quietcore.spec import CpuPlan, KernelCmdline, MachineFacts, MachineSpec, Severity
from quietcore.spec.pod import POLLS, PRIORITY, SHARED_CPUS
from quietcore.units import CpuSet

_QUOTA = "cpu-quota.crio.io"
_QUOTA_GATE = "DisableCPUQuotaWithExclusiveCPUs"
_PRIORITY = re.compile(r"[0-9]{1,2}\Z")
_GROUP = re.compile(r"[^:]*:f:([0-9]{1,2}):")


def _shared(machine: MachineSpec) -> Iterator[Hit]:
    wanting = [pod for pod in machine.pods if any(key.startswith(f"{SHARED_CPUS}/") for key in pod.crio)]
    plan, profile = machine.plan, machine.profile
    ends = []
    if profile is not None and not (profile.hints.mixed_cpus and profile.shared):
        said = f"mixedCpus {str(bool(profile.hints.mixed_cpus)).lower()}, shared CPUs {profile.shared or 'none'}"
        ends.append(f"{machine.end('profile')} says {said}")
    elif profile is None and plan is not None and not plan.shared:
        ends.append(f"{machine.end('plan')} has no shared CPUs")
    for pod in wanting if ends else ():
        given = f"{named(pod)} asks for shared CPUs; {ends[0]}"
        yield Hit(where="pods", given=given, allowed="mixedCpus and a shared set")


_MIXED = CpuPlan(housekeeping=CpuSet.parse("0-1"), isolated=CpuSet.parse("2-6"), shared=CpuSet.parse("7"))

W09: Rule[MachineSpec] = Rule(
    code="W09",
    title="pod asks for shared CPUs where there are none",
    severity=Severity.ERROR,
    scope=Scope.HOST,
    subject=MachineSpec,
    judge=_shared,
    doc=Doc(
        what="Where a pod has the annotation cpu-shared.crio.io/<container>, its machine has shared CPUs: mixedCpus in "
        "the performance profile, and a shared set.",
        why="CRI-O finds no shared CPUs to add and does not start the container.",
        fix="name shared CPUs in the profile and turn mixedCpus on, or remove the annotation",
        sources=(source("CRIO"), source("NTO-V")),
        bad=Example(
            text='# the plan has no shared CPUs\ncpu-shared.crio.io/rt: "enable"',
            subject=lambda: worker(examples.pod(annotations={f"{SHARED_CPUS}/rt": "enable"})),
        ),
        good=Example(
            text='# shared CPUs: 7\ncpu-shared.crio.io/rt: "enable"',
            subject=lambda: worker(
                examples.pod(annotations={f"{SHARED_CPUS}/rt": "enable"}),
                plan=_MIXED,
                isolated=CpuSet.parse("2-6"),
            ),
        ),
    ),
)


def kthread_priority(machine: MachineSpec) -> tuple[int, str] | None:
    """The FIFO priority of the kernel's RCU threads, and who sets it; None where nobody does."""
    text = machine.cmdline.get("rcutree.kthread_prio") if machine.cmdline is not None else None
    if text and _PRIORITY.match(text):
        return int(text), f"{machine.end('cmdline')} has rcutree.kthread_prio={text}"
    groups = machine.tuned.sections.get("scheduler", {}) if machine.tuned is not None else {}
    if match := _GROUP.match(groups.get("group.rcuc", "")):
        return int(match[1]), f"{machine.end('tuned')} has group.rcuc={groups['group.rcuc']}"
    return None


def _above_rcu(machine: MachineSpec) -> Iterator[Hit]:
    threads = kthread_priority(machine)
    if threads is None:
        return
    limit, said = threads
    for pod in realtime_pods(machine):
        for each in pod.rt_containers:
            starts = pod.scheduling(each)
            if starts and starts.priority is not None and starts.priority >= limit and pod.polls(each):
                yield Hit(
                    where="pods",
                    given=f'{named(pod)}, container "{each.name}" spins at {starts.policy} {starts.text}; {said}',
                    allowed=f"a priority below {limit}",
                )


W14: Rule[MachineSpec] = Rule(
    code="W14",
    title="spinning threads of the pod starve RCU's",
    severity=Severity.WARNING,
    scope=Scope.HOST,
    subject=MachineSpec,
    judge=_above_rcu,
    doc=Doc(
        what="Threads that never sleep have a priority below that of the kernel's RCU threads on their machine "
        "(rcutree.kthread_prio, or group.rcuc of the tuned profile).",
        why="Where the rcuc thread never gets the CPU, grace periods do not end: the kernel reports an RCU stall, and "
        "memory that waits for RCU is never freed.",
        fix="lower the priority of the pod's threads",
        sources=(source("TUNED"), source("NTO-A")),
        bad=Example(
            text='# rcutree.kthread_prio=11\nquietcore.dev/cpu-bound: "true"\nquietcore.dev/sched-priority: "20"',
            subject=lambda: worker(
                examples.pod(annotations={POLLS: "true", PRIORITY: "20"}),
                plan=None,
                isolated=CpuSet(),
                cmdline=KernelCmdline.parse("rcutree.kthread_prio=11"),
            ),
        ),
        good=Example(
            text='# rcutree.kthread_prio=11\nquietcore.dev/cpu-bound: "true"\nquietcore.dev/sched-priority: "10"',
            subject=lambda: worker(
                examples.pod(annotations={POLLS: "true", PRIORITY: "10"}),
                plan=None,
                isolated=CpuSet(),
                cmdline=KernelCmdline.parse("rcutree.kthread_prio=11"),
            ),
        ),
    ),
)


def _throttled(machine: MachineSpec) -> Iterator[Hit]:
    version = release(machine)
    gates = machine.kubelet.feature_gates if machine.kubelet is not None else {}
    quota_off = machine.kubelet is not None and machine.kubelet.cpu_cfs_quota is False
    lifted = gates.get(_QUOTA_GATE, version is None or version >= 33)
    if lifted or quota_off:
        return
    for pod in realtime_pods(machine):
        if pod.exclusive and pod.annotations.get(_QUOTA) not in ("disable", "true"):
            known = f"kubelet {machine.facts.kubelet_version}" if version is not None else machine.end("kubelet")
            given = f"{named(pod)} without {_QUOTA}; {known} sets a quota on CPUs of its own too"
            yield Hit(where="pods", given=given, allowed=f'{_QUOTA}: "disable", or cpuCFSQuota: false')


W16: Rule[MachineSpec] = Rule(
    code="W16",
    title="quota throttles a pod on CPUs of its own",
    severity=Severity.WARNING,
    scope=Scope.HOST,
    subject=MachineSpec,
    judge=_throttled,
    doc=Doc(
        what="On a kubelet before 1.33, or with the feature DisableCPUQuotaWithExclusiveCPUs off, a real-time pod with "
        'CPUs of its own has cpu-quota.crio.io: "disable", or the kubelet has cpuCFSQuota: false. (A container '
        "without CPUs of its own breaks W01 or W02.)",
        why="The kernel counts run time in slices. A busy thread on a CPU of its own uses up the quota of 100 ms a "
        "little early, and is stopped until the next period begins.",
        fix='write cpu-quota.crio.io: "disable", or update the kubelet',
        sources=(source("CRIO"), source("OCP-DOC"), source("K8S-DOC", "feature gates")),
        bad=Example(
            text='# kubelet 1.31\nannotations: {}\nlimits: {cpu: "2", memory: 1Gi}',
            subject=lambda: worker(examples.pod(annotations={}), facts=MachineFacts(kubelet_version="1.31")),
        ),
        good=Example(
            text='# kubelet 1.31\nannotations: {cpu-quota.crio.io: "disable"}\nlimits: {cpu: "2", memory: 1Gi}',
            subject=lambda: worker(facts=MachineFacts(kubelet_version="1.31")),
        ),
    ),
)


def _group_scheduling(machine: MachineSpec) -> Iterator[Hit]:
    off = machine.cmdline is not None and machine.cmdline.get("rt_group_sched") == "0"
    if machine.facts.rt_group_sched is not True or off:
        return
    wanting = [
        pod
        for pod in realtime_pods(machine)
        if any(each.may("SYS_NICE") or pod.scheduling(each) for each in pod.rt_containers)
    ]
    if wanting:
        names = ", ".join(named(pod) for pod in wanting)
        yield Hit(where="facts.rt_group_sched", given=f"true; {names} sets real-time priorities", allowed="false")


W19: Rule[MachineSpec] = Rule(
    code="W19",
    title="kernel refuses real-time priorities in containers",
    severity=Severity.ERROR,
    scope=Scope.HOST,
    subject=MachineSpec,
    judge=_group_scheduling,
    doc=Doc(
        what="A machine for pods that set real-time priorities has a kernel without CONFIG_RT_GROUP_SCHED, or boots "
        "with rt_group_sched=0. (Judged where the machine's facts say how the kernel is built.)",
        why="With it each control group has a budget of real-time run time, which is zero for a container's; cgroup v2 "
        "has no file to change that. sched_setscheduler then fails with EPERM, whatever the capabilities.",
        fix="boot a kernel without CONFIG_RT_GROUP_SCHED",
        sources=(source("RT-GROUP"), source("K-RT-THROTTLE")),
        bad=Example(text="rt_group_sched: true", subject=lambda: worker(facts=MachineFacts(rt_group_sched=True))),
        good=Example(text="rt_group_sched: false", subject=lambda: worker(facts=MachineFacts(rt_group_sched=False))),
    ),
)


def _apart(machine: MachineSpec) -> Iterator[Hit]:
    if machine.kubelet is None or machine.kubelet.topology_manager_policy in ("single-numa-node", "restricted"):
        return
    if machine.kubelet.fragment and machine.kubelet.topology_manager_policy is None:
        return
    policy = machine.kubelet.topology_manager_policy or "none (the default)"
    for pod in realtime_pods(machine):
        devices = sorted({name for each in pod.containers for name in each.limits.devices})
        if devices and pod.exclusive:
            given = f"{named(pod)} takes {', '.join(devices)}; {machine.end('kubelet')} has the policy {policy}"
            yield Hit(where="kubelet.topologyManagerPolicy", given=given, allowed="single-numa-node or restricted")


def _one_cell(machine: MachineSpec) -> str:
    cells = machine.topology.cells if machine.topology is not None and machine.pods else ()
    return "the machine has one NUMA cell" if len(cells) == 1 else ""


_DEVICE = container(limits=amounts(nic=1))


def _two_cells(policy: str) -> MachineSpec:
    """A worker whose second cell is isolated; the device may be in the first."""
    first, second = CpuSet.parse("0-3"), CpuSet.parse("4-7")
    return worker(
        examples.pod(_DEVICE),
        kubelet=kubelet(topology_manager_policy=policy, reserved_cpus=first),
        topology=topology("0-3", "4-7"),
        plan=CpuPlan(housekeeping=first, isolated=second),
        isolated=second,
    )


W22: Rule[MachineSpec] = Rule(
    code="W22",
    title="devices and CPUs of a pod may be in different NUMA cells",
    severity=Severity.WARNING,
    scope=Scope.HOST,
    subject=MachineSpec,
    judge=_apart,
    doc=Doc(
        what="Where a real-time pod takes devices and CPUs of its own, the kubelet's topology manager policy is "
        "single-numa-node or restricted.",
        why="Under the other policies the kubelet starts the pod with CPUs of one cell and a network function of "
        "another. Each packet then crosses the link between sockets.",
        fix="set topologyManagerPolicy: single-numa-node",
        sources=(source("K8S-DOC", "Control Topology Management Policies on a node"),),
        bad=Example(
            text="topologyManagerPolicy: best-effort\n---\nlimits: {cpu: 2, memory: 1Gi, vendor.io/nic: 1}",
            subject=lambda: _two_cells("best-effort"),
        ),
        good=Example(
            text="topologyManagerPolicy: restricted\n---\nlimits: {cpu: 2, memory: 1Gi, vendor.io/nic: 1}",
            subject=lambda: _two_cells("restricted"),
        ),
    ),
    aside=_one_cell,
    depends_on=("K13",),
)
