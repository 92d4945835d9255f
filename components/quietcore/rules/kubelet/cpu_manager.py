"""Rules on the kubelet's CPU manager: who has CPUs of its own, and in what pieces."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.kubelet.examples import hardware, kubelet, operated, options, pod, worker
from quietcore.rules.kubelet.machines import (
    delegated,
    dialect,
    isolated,
    isolation_end,
    of_kubelet,
    of_realtime,
    release,
    threads,
)
from quietcore.rules.kubelet.options import CPU_OPTIONS, FULL_CORES, STRICT
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import KubeletSpec, MachineSpec, Severity
from quietcore.spec.pod import exclusive_cpus

POLICY = "kubelet.cpuManagerPolicy"
OPTIONS = "kubelet.cpuManagerPolicyOptions"


def _said(kubelet: KubeletSpec) -> str:
    return kubelet.cpu_manager_policy or "none, the default"


def _says_nothing(kubelet: KubeletSpec) -> bool:
    """A file that is laid over another says nothing by leaving the policy out."""
    return kubelet.fragment and kubelet.cpu_manager_policy is None


def _shared_pool(machine: MachineSpec, kubelet: KubeletSpec) -> Iterator[Hit]:
    if kubelet.static_cpus or _says_nothing(kubelet):
        return
    cpus = isolated(machine)
    wants = f"{isolation_end(machine)} isolates {cpus.counted('CPU')}" if cpus else "its pods ask for real time"
    yield Hit(
        where=POLICY,
        given=f"{machine.end('kubelet')} says {_said(kubelet)}; {wants}",
        allowed="static",
        hint="set cpuManagerPolicy to static and reservedSystemCPUs to the housekeeping CPUs",
    )


def _not_by_kubelet(machine: MachineSpec) -> str:
    if dialect(machine) == "starlingx":
        return "StarlingX hands isolated CPUs out by a device plugin: K25 tells"
    if machine.guests and not any(pod.realtime for pod in machine.pods):
        return "the isolated CPUs are guests', and no pod asks for real time"
    return "the profile leaves CPUs to drivers of dynamic resource allocation" if delegated(machine) else ""


K01: Rule[MachineSpec] = Rule(
    code="K01",
    title="pods of a real-time node share all CPUs",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=of_realtime(_shared_pool),
    aside=_not_by_kubelet,
    doc=Doc(
        what="Where CPUs are isolated, or pods ask for real time, the kubelet's cpuManagerPolicy is static. (Silent "
        "for a file that is laid over another and does not name the policy.)",
        why="Under the policy none every container may run on every CPU, isolated ones too: a real-time container has "
        "no CPU to itself, and ordinary pods land beside its threads.",
        fix="set cpuManagerPolicy to static",
        sources=(source("K8S-DOC", "static policy"), source("NTO-K", "kubeletconfig")),
        bad=Example(
            text="# isolated CPUs: 2-7\ncpuManagerPolicy: none",
            subject=lambda: worker(kubelet(cpu_manager_policy="none", cpu_manager_options={})),
        ),
        good=Example(text="# isolated CPUs: 2-7\ncpuManagerPolicy: static\nreservedSystemCPUs: 0-1", subject=worker),
    ),
)


def _threads_apart(machine: MachineSpec, kubelet: KubeletSpec) -> Iterator[Hit]:
    count = threads(machine)
    if not kubelet.static_cpus or kubelet.chooses(FULL_CORES) or count < 2:
        return
    yield Hit(
        where=OPTIONS,
        given=f"{machine.end('kubelet')} has no {FULL_CORES}; each core of the machine has {count} threads",
        allowed=f'{FULL_CORES}: "true", or SMT off',
        hint=f'set {FULL_CORES} to "true"',
    )


def _without_full_cores(machine: MachineSpec) -> str:
    number = release(machine)
    if CPU_OPTIONS[FULL_CORES].stage(number) in ("absent", "alpha"):
        return f"a kubelet 1.{number} offers {FULL_CORES} behind a gate at most"
    said = {"nto": "OpenShift's operator chooses whole cores: K15 tells", "starlingx": "StarlingX gives CPUs by plugin"}
    return said.get(dialect(machine), "")


K06: Rule[MachineSpec] = Rule(
    code="K06",
    title="containers share a core's sibling threads",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=of_realtime(_threads_apart),
    aside=_without_full_cores,
    doc=Doc(
        what=f"On a real-time machine with SMT the static policy has the option {FULL_CORES}, which is within reach "
        "since release 1.23. Threads that are offlined or switched off do not count.",
        why="Without it the kubelet may give one thread of a core to the real-time container and its sibling to "
        "another pod. They share the core's pipelines and caches, and no measure in the container shows it.",
        fix=f'set {FULL_CORES} to "true" in cpuManagerPolicyOptions, or switch SMT off',
        sources=(source("K8S-DOC", FULL_CORES), source("KEP-2625")),
        bad=Example(
            text="# two threads per core\ncpuManagerPolicy: static",
            subject=lambda: worker(kubelet(cpu_manager_options=options(STRICT)), topology=hardware(threads=2)),
        ),
        good=Example(
            text=f'# two threads per core\ncpuManagerPolicy: static\ncpuManagerPolicyOptions:\n  {FULL_CORES}: "true"',
            subject=lambda: worker(topology=hardware(threads=2)),
        ),
    ),
)


def _half_cores(machine: MachineSpec, kubelet: KubeletSpec) -> Iterator[Hit]:
    count = threads(machine)
    if not kubelet.static_cpus or not kubelet.chooses(FULL_CORES):
        return
    for each in machine.pods:
        for container in each.containers if each.guaranteed else ():
            cpus = exclusive_cpus(container)
            if cpus % count:
                fits = -(-cpus // count) * count
                yield Hit(
                    where=f'pods["{each.name}"].containers["{container.name}"].resources.requests.cpu',
                    given=f"{cpus}; {machine.end('kubelet')} gives whole cores only, of {count} threads each",
                    allowed=f"a multiple of {count}",
                    hint=f"ask for {fits} CPUs",
                )


K07: Rule[MachineSpec] = Rule(
    code="K07",
    title="container asks for half a core where whole cores are given",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=of_kubelet(_half_cores),
    doc=Doc(
        what=f"With {FULL_CORES}, each container that gets CPUs of its own asks for a multiple of the threads per "
        "core.",
        why="The kubelet refuses the pod with SMTAlignmentError, after the scheduler has placed it. Nobody places it "
        "again elsewhere.",
        fix="ask for a multiple of the threads per core",
        sources=(source("K8S-DOC", "SMTAlignmentError"), source("KEP-2625")),
        bad=Example(
            text=f'# two threads per core, {FULL_CORES}: "true"\nresources:\n  limits: {{cpu: 3, memory: 1Gi}}',
            subject=lambda: worker(topology=hardware(threads=2), pods=(pod("web", 3000),)),
        ),
        good=Example(
            text=f'# two threads per core, {FULL_CORES}: "true"\nresources:\n  limits: {{cpu: 4, memory: 1Gi}}',
            subject=lambda: worker(topology=hardware(threads=2), pods=(pod("web", 4000),)),
        ),
    ),
)


def _burst(machine: MachineSpec, kubelet: KubeletSpec) -> Iterator[Hit]:
    number = release(machine)
    in_reach = number is not None and CPU_OPTIONS[STRICT].stage(number) in ("beta", "stable")
    if not in_reach or not kubelet.static_cpus or not kubelet.reserved_cpus or kubelet.chooses(STRICT):
        return
    yield Hit(
        where=OPTIONS,
        given=f"no {STRICT}: pods without CPUs of their own may run on the reserved CPUs {kubelet.reserved_cpus}",
        allowed=f'{STRICT}: "true"',
        hint=f'set {STRICT} to "true"',
    )


def _operator_chooses(machine: MachineSpec) -> str:
    if dialect(machine) == "nto":
        return "OpenShift's operator keeps reserved CPUs open to pods, unless a userspace switch needs them: K24 tells"
    return "StarlingX counts isolated CPUs into the reserved ones" if dialect(machine) == "starlingx" else ""


K08: Rule[MachineSpec] = Rule(
    code="K08",
    title="ordinary pods run on the reserved CPUs",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=of_realtime(_burst),
    aside=_operator_chooses,
    doc=Doc(
        what=f"On a real-time node whose kubelet is known to be of release 1.33 or newer, {STRICT} is chosen. (It is "
        "beta and within reach since 1.33, stable since 1.35; older kubelets hide it.)",
        why="Reserved CPUs are kept from containers with CPUs of their own only. All others may burst there, and "
        "starve the kubelet, the runtime and the interrupt threads that real-time pods depend on.",
        fix=f'set {STRICT} to "true" in cpuManagerPolicyOptions',
        sources=(source("K8S-DOC", STRICT), source("KEP-4540", "milestones")),
        bad=Example(
            text="# kubelet 1.35\ncpuManagerPolicy: static\nreservedSystemCPUs: 0-1",
            subject=lambda: worker(kubelet(cpu_manager_options=options(FULL_CORES)), version="1.35"),
        ),
        good=Example(
            text=f'# kubelet 1.35\nreservedSystemCPUs: 0-1\ncpuManagerPolicyOptions:\n  {STRICT}: "true"',
            subject=lambda: worker(version="1.35"),
        ),
    ),
)


def _no_manager(machine: MachineSpec, kubelet: KubeletSpec) -> Iterator[Hit]:
    if dialect(machine) == "starlingx" and not kubelet.static_cpus and not _says_nothing(kubelet):
        yield Hit(
            where=POLICY,
            given=f"{machine.end('kubelet')} says {_said(kubelet)}",
            allowed="static, StarlingX's default",
            hint="remove the label kube-cpu-mgr-policy=none from the host",
        )


K25: Rule[MachineSpec] = Rule(
    code="K25",
    title="StarlingX worker gives up its CPU manager",
    severity=Severity.INFO,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=of_realtime(_no_manager),
    doc=Doc(
        what="A real-time worker of StarlingX keeps the policy static; the label kube-cpu-mgr-policy=none takes it "
        "away.",
        why="StarlingX does not support the policy none on low-latency workers: pods that ask for whole CPUs share "
        "them with all others.",
        fix="remove the label kube-cpu-mgr-policy=none",
        sources=(source("STX-CPU", "kube-cpu-mgr-policy"), source("STX-PLAT")),
        bad=Example(
            text='# CpuPlan(dialect="starlingx")\ncpuManagerPolicy: none',
            subject=lambda: operated(KubeletSpec(cpu_manager_policy="none"), "starlingx"),
        ),
        good=Example(
            text='# CpuPlan(dialect="starlingx")\ncpuManagerPolicy: static\nreservedSystemCPUs: 0-7',
            subject=lambda: operated(kubelet(reserved_cpus=worker().online, cpu_manager_options={}), "starlingx"),
        ),
    ),
)
