"""Rules on the CPUs that a kubelet sets aside for the system, against the CPU plan that says which those are."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.examples import cpus
from quietcore.rules.kubelet.examples import kubelet, options, pod, shares, worker
from quietcore.rules.kubelet.machines import dialect, isolated, isolation_end, of_kubelet, of_realtime
from quietcore.rules.kubelet.options import FULL_CORES, STRICT
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import KubeletSpec, MachineSpec, PodSpec, Severity
from quietcore.units import CpuSet, Quantity

RESERVED = "kubelet.reservedSystemCPUs"


def _nothing_reserved(kubelet: KubeletSpec) -> Iterator[Hit]:
    if kubelet.static_cpus and not kubelet.fragment and not kubelet.reserved_cpus and not kubelet.reserved("cpu"):
        yield Hit(
            where="reservedSystemCPUs",
            given="static CPU policy without reservedSystemCPUs, and no cpu in kubeReserved or systemReserved",
            allowed="more than no CPU reserved",
            hint="set reservedSystemCPUs to the housekeeping CPUs",
        )


K02: Rule[KubeletSpec] = Rule(
    code="K02",
    title="static CPU policy reserves no CPU",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=KubeletSpec,
    judge=_nothing_reserved,
    doc=Doc(
        what="With the static CPU policy, reservedSystemCPUs names a CPU, or the cpu of kubeReserved and "
        "systemReserved together is more than zero. (Silent for a file that is laid over another.)",
        why="The kubelet does not start: its shared pool could become empty, and what has no CPU of its own would have "
        "nowhere to run.",
        fix="set reservedSystemCPUs",
        sources=(source("K8S-DOC", "static policy"), source("K8S-VAL", "cpumanager")),
        bad=Example(
            text="cpuManagerPolicy: static",
            subject=lambda: kubelet(reserved_cpus=None),
        ),
        good=Example(
            text="cpuManagerPolicy: static\nsystemReserved:\n  cpu: 500m",
            subject=lambda: kubelet(reserved_cpus=None, system_reserved={"cpu": Quantity.parse("500m")}),
        ),
    ),
)


def _wanted(machine: MachineSpec) -> tuple[CpuSet, CpuSet] | None:
    """The CPUs that must be reserved and those that may be, in the plan's dialect; None where nobody knows."""
    plan = machine.plan
    if plan is None:
        rest = machine.online - machine.isolated
        return (rest, rest) if machine.isolated and rest else None
    must = plan.housekeeping | plan.vswitch
    if plan.dialect == "nto":
        must = must | plan.shared
    elif plan.dialect == "starlingx":
        must = must | plan.isolated
    return must, must | plan.shared


def _reservation(machine: MachineSpec, kubelet: KubeletSpec) -> Iterator[Hit]:
    reserved, wanted = kubelet.reserved_cpus, _wanted(machine)
    if not kubelet.static_cpus:
        return
    if wanted is None:
        yield from _both(machine, reserved or CpuSet())
        return
    must, may = wanted
    if reserved is None:
        yield from _by_amount(machine, kubelet, must, may)
        return
    missing, beyond = must - reserved, reserved - may - machine.guests
    if not missing and not beyond:
        return
    parts = [f"{machine.end('kubelet')} reserves {reserved}", f"{isolation_end(machine)} {_sets(machine)}"]
    wrong = [f"not reserved: {missing}"] if missing else []
    wrong += [f"reserved, but not for the system: {beyond}"] if beyond else []
    yield Hit(
        where=RESERVED,
        given="; ".join([*parts, *wrong]),
        allowed=str(must),
        hint=f"set reservedSystemCPUs to {must}",
    )


def _both(machine: MachineSpec, reserved: CpuSet) -> Iterator[Hit]:
    """Where nobody knows how many CPUs there are, one that is isolated and reserved is wrong all the same."""
    twice = (reserved & isolated(machine)) - machine.guests
    if twice:
        rest = reserved - twice
        yield Hit(
            where=RESERVED,
            given=f"{machine.end('kubelet')} reserves {reserved}; {isolation_end(machine)} isolates "
            f"{isolated(machine)}",
            allowed="no isolated CPU",
            hint=f"set reservedSystemCPUs to {rest}" if rest else "reserve the CPUs that are not isolated",
        )


def _by_amount(machine: MachineSpec, kubelet: KubeletSpec, must: CpuSet, may: CpuSet) -> Iterator[Hit]:
    """The kubelet picks the CPUs itself, from the first core on; their number at least must be right."""
    count = -(-kubelet.reserved("cpu").nano // Quantity.of(1).nano)
    if count and not kubelet.fragment and not len(must) <= count <= len(may):
        yield Hit(
            where=RESERVED,
            given=f"nothing, and an amount of {kubelet.reserved('cpu')} CPUs; {isolation_end(machine)} "
            f"{_sets(machine)}",
            allowed=str(must),
            hint=f"set reservedSystemCPUs to {must}",
        )


def _sets(machine: MachineSpec) -> str:
    """What the other end says of the CPUs, as short as the dialect allows."""
    if machine.plan is None:
        return f"isolates {machine.isolated} of {machine.online}"
    named = {name: held for name, held in machine.plan.sets().items() if held}
    return "has " + ", ".join(f"{name} {held}" for name, held in named.items())


K03: Rule[MachineSpec] = Rule(
    code="K03",
    title="kubelet reserves other CPUs than the housekeeping ones",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=of_realtime(_reservation),
    doc=Doc(
        what="reservedSystemCPUs are the plan's housekeeping CPUs and those of a userspace switch. In the dialect nto "
        "also the shared CPUs, in starlingx also the isolated ones, which a device plugin hands out there. Shared CPUs "
        "and those of guests on the same host may be reserved in any dialect. Without a plan: the CPUs that are not "
        "isolated; where their number is not known, none that is isolated. Where CPUs are reserved by amount only, "
        "their number is compared.",
        why="The kubelet gives every CPU that is not reserved to some pod. A housekeeping CPU that is not reserved is "
        "promised twice; an isolated one that is reserved lies idle, or takes ordinary pods.",
        fix="set reservedSystemCPUs to the housekeeping CPUs",
        sources=(source("NTO-K", "kubeletconfig"), source("STX-PLAT"), source("K8S-DOC", "explicitly reserved CPUs")),
        bad=Example(
            text='CpuPlan(housekeeping="0-1", isolated="2-7")\nreservedSystemCPUs: 0-2',
            subject=lambda: worker(kubelet(reserved_cpus=cpus("0-2"))),
        ),
        good=Example(text='CpuPlan(housekeeping="0-1", isolated="2-7")\nreservedSystemCPUs: 0-1', subject=worker),
    ),
)


def _cgroups(kubelet: KubeletSpec) -> Iterator[Hit]:
    held = (
        ("systemReservedCgroup", kubelet.system_reserved_cgroup),
        ("kubeReservedCgroup", kubelet.kube_reserved_cgroup),
    )
    for key, cgroup in held:
        if cgroup and kubelet.reserved_cpus:
            yield Hit(
                where=key,
                given=f"{cgroup}, beside reservedSystemCPUs {kubelet.reserved_cpus}",
                allowed="one of the two",
                hint=f"remove {key}",
            )


K04: Rule[KubeletSpec] = Rule(
    code="K04",
    title="reserved CPUs stand beside a reserved cgroup",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=KubeletSpec,
    judge=_cgroups,
    doc=Doc(
        what="reservedSystemCPUs stands without systemReservedCgroup and without kubeReservedCgroup.",
        why="The kubelet refuses the configuration and does not start.",
        fix="remove the cgroup, or reserve by amount with kubeReserved and systemReserved",
        sources=(source("K8S-VAL", "validation.go, reservedSystemCPUs"),),
        bad=Example(
            text="reservedSystemCPUs: 0-1\nsystemReservedCgroup: /system.slice",
            subject=lambda: kubelet(system_reserved_cgroup="/system.slice"),
        ),
        good=Example(text="reservedSystemCPUs: 0-1", subject=kubelet),
    ),
)


def _polled(machine: MachineSpec, kubelet: KubeletSpec) -> Iterator[Hit]:
    plan, runtime = machine.plan, machine.runtime
    if plan is None or not plan.vswitch or not kubelet.static_cpus or kubelet.chooses(STRICT):
        return
    if "management" in runtime.workloads if runtime else dialect(machine) == "nto":
        return
    yield Hit(
        where="kubelet.cpuManagerPolicyOptions",
        given=f"{machine.end('plan')} gives {plan.vswitch.counted('CPU')} to a switch that polls; "
        f"{machine.end('kubelet')} has no {STRICT}, so pods run there too",
        allowed=f"{STRICT}, or workload partitioning",
        hint=f'set {STRICT} to "true"',
    )


K24: Rule[MachineSpec] = Rule(
    code="K24",
    title="pods run on the CPUs of a polling switch",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=of_kubelet(_polled),
    doc=Doc(
        what=f"Where the plan has CPUs for a userspace switch, the kubelet has {STRICT}, or CRI-O has the workload "
        "type management (workload partitioning). Under OpenShift's operator it is judged where CRI-O's files are "
        "known.",
        why="The switch's CPUs are reserved, so no pod has them alone; but without strict reservation all other pods "
        "may run there. A thread that polls and a pod then halve each other's time.",
        fix=f'set {STRICT} to "true" in cpuManagerPolicyOptions',
        sources=(source("NTO-V", "ovsDpdk"), source("NTO-K"), source("KEP-4540")),
        bad=Example(
            text='CpuPlan(housekeeping="0-1", isolated="4-7", vswitch="2-3")\nreservedSystemCPUs: 0-3',
            subject=lambda: worker(
                kubelet(reserved_cpus=cpus("0-3"), cpu_manager_options=options(FULL_CORES)),
                plan=shares(isolated="4-7", vswitch="2-3"),
            ),
        ),
        good=Example(
            text='CpuPlan(housekeeping="0-1", isolated="4-7", vswitch="2-3")\nreservedSystemCPUs: 0-3\n'
            f'cpuManagerPolicyOptions:\n  {STRICT}: "true"',
            subject=lambda: worker(kubelet(reserved_cpus=cpus("0-3")), plan=shares(isolated="4-7", vswitch="2-3")),
        ),
    ),
)

CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


def _is_control_plane(pod: PodSpec) -> bool:
    system = pod.namespace == "kube-system" or pod.namespace.startswith("openshift-")
    return pod.labels.get("tier") == "control-plane" or (system and pod.name.startswith(CONTROL_PLANE))


def _control_plane(machine: MachineSpec, kubelet: KubeletSpec) -> Iterator[Hit]:
    if not kubelet.static_cpus or not isolated(machine):
        return
    for each in machine.pods:
        if _is_control_plane(each) and each.exclusive:
            yield Hit(
                where=f'pods["{each.name}"]',
                given=f"it gets {each.exclusive} CPUs of its own, which the kubelet takes from {isolated(machine)}",
                allowed="a share of the housekeeping CPUs",
                hint="let it request less than its limit, or a part of a CPU",
            )


K27: Rule[MachineSpec] = Rule(
    code="K27",
    title="control plane takes isolated CPUs",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=of_realtime(_control_plane),
    doc=Doc(
        what="Control-plane pods (etcd, API server, controller manager, scheduler) on a machine with isolated CPUs do "
        "not ask for CPUs of their own: whole CPUs, with requests equal to limits. (Inferred.)",
        why="CPUs of their own come from the isolated ones. Real-time pods then have fewer, and etcd waits for its "
        "disk on a CPU that interrupts are kept away from.",
        fix="give control-plane pods requests below their limits, so that they run on the shared CPUs",
        sources=(source("TELCO", "control-plane profile"), source("K8S-DOC", "static policy")),
        bad=Example(
            text="# namespace kube-system, pod etcd-cp1\nresources:\n  requests: {cpu: 2, memory: 1Gi}\n"
            "  limits: {cpu: 2, memory: 1Gi}",
            subject=lambda: worker(pods=(pod("etcd-cp1", 2000, namespace="kube-system"),)),
        ),
        good=Example(
            text="# namespace kube-system, pod etcd-cp1\nresources:\n  requests: {cpu: 500m, memory: 1Gi}\n"
            "  limits: {cpu: 500m, memory: 1Gi}",
            subject=lambda: worker(pods=(pod("etcd-cp1", 500, namespace="kube-system"),)),
        ),
    ),
)
