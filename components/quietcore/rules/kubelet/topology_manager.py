"""Rules on the kubelet's topology manager: whether a pod's CPUs, memory and devices are of one NUMA node."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.kubelet.examples import golden, hardware, kubelet, operated, options, pod, worker
from quietcore.rules.kubelet.machines import dialect, isolated, of_kubelet, of_realtime, threads
from quietcore.rules.kubelet.options import FULL_CORES, MOST_NODES
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import KubeletSpec, MachineSpec, PodSpec, Severity
from quietcore.spec.pod import exclusive_cpus

POLICIES = ("none", "best-effort", "restricted", "single-numa-node")
SCOPES = ("container", "pod")
BINDING = POLICIES[2:]
MOST = 8  # NUMA nodes; pkg/kubelet/cm/topologymanager, defaultMaxAllowableNUMANodes


def _words(kubelet: KubeletSpec) -> Iterator[Hit]:
    held = (
        ("topologyManagerPolicy", kubelet.topology_manager_policy, POLICIES),
        ("topologyManagerScope", kubelet.topology_manager_scope, SCOPES),
    )
    for key, value, allowed in held:
        if value is not None and value not in allowed:
            yield Hit(where=key, given=value, allowed=", ".join(allowed), hint=f"set {key} to {allowed[-1]}")


K12: Rule[KubeletSpec] = Rule(
    code="K12",
    title="topology manager is given a word that it does not know",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=KubeletSpec,
    judge=_words,
    doc=Doc(
        what="topologyManagerPolicy is none, best-effort, restricted or single-numa-node; topologyManagerScope is "
        "container or pod. Which of them suits real-time pods is K13's matter.",
        why="The kubelet refuses the configuration and does not start.",
        fix="write one of the words that the kubelet knows",
        sources=(source("K8S-VAL", "validation.go"), source("K8S-DOC", "topology manager policies"), source("NTO-V")),
        bad=Example(
            text="topologyManagerPolicy: single-numa", subject=lambda: kubelet(topology_manager_policy="single-numa")
        ),
        good=Example(text="topologyManagerPolicy: single-numa-node", subject=kubelet),
    ),
)


def _apart(machine: MachineSpec, kubelet: KubeletSpec) -> Iterator[Hit]:
    if machine.topology is None or not kubelet.static_cpus:
        return
    cells = machine.topology.cells_of(isolated(machine))
    if len(cells) < 2:
        return
    policy = kubelet.topology_manager_policy
    if policy not in BINDING:
        if dialect(machine) == "plain" and not (kubelet.fragment and policy is None):
            yield Hit(
                where="kubelet.topologyManagerPolicy",
                given=f"{policy or 'none, the default'}; isolated CPUs {isolated(machine)} are of NUMA nodes {cells}",
                allowed="single-numa-node, or restricted",
                hint="set topologyManagerPolicy to single-numa-node",
            )
    elif kubelet.topology_manager_scope != "pod":
        for several in filter(_helped, machine.pods):
            yield Hit(
                where="kubelet.topologyManagerScope",
                given=f"{kubelet.topology_manager_scope or 'container, the default'}; pod {several.name} has several "
                "containers with CPUs of their own",
                allowed="pod",
                hint="set topologyManagerScope to pod",
            )
            return


def _helped(pod: PodSpec) -> bool:
    """Whether more than one of its running containers has CPUs of its own."""
    running = (container for container in pod.containers if container.kind != "init")
    return pod.guaranteed and sum(1 for container in running if exclusive_cpus(container)) > 1


K13: Rule[MachineSpec] = Rule(
    code="K13",
    title="real-time pod may be spread over NUMA nodes",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=of_realtime(_apart),
    doc=Doc(
        what="Where the isolated CPUs are of several NUMA nodes, topologyManagerPolicy is single-numa-node or "
        "restricted; and topologyManagerScope is pod where a pod has several containers with CPUs of their own. "
        "(OpenShift's operator chooses best-effort by default: there only the scope is judged.)",
        why="With none or best-effort a container may get CPUs of one node and memory or a network device of the "
        "other; each access across costs half as much again. With the scope container the real-time container and its "
        "helper may be on different nodes.",
        fix="set topologyManagerPolicy to single-numa-node and topologyManagerScope to pod",
        sources=(source("K8S-DOC", "topology manager policies and scopes"), source("NTO-V", "topologyPolicy")),
        bad=Example(
            text="# isolated CPUs of NUMA nodes 0 and 1\ntopologyManagerPolicy: best-effort",
            subject=lambda: worker(kubelet(topology_manager_policy="best-effort"), topology=hardware(2)),
        ),
        good=Example(
            text="# isolated CPUs of NUMA nodes 0 and 1\ntopologyManagerPolicy: single-numa-node",
            subject=lambda: worker(topology=hardware(2), pods=(pod("web", 1000, 1500),)),
        ),
    ),
)


def _many(machine: MachineSpec, kubelet: KubeletSpec) -> Iterator[Hit]:
    nodes = len(machine.topology.cells) if machine.topology else 0
    written = kubelet.topology_manager_options.get(MOST_NODES, str(MOST))
    most = int(written) if written.isascii() and written.isdecimal() and len(written) < 19 else MOST
    if kubelet.topology_manager_policy in (None, "none") or nodes <= most:
        return
    yield Hit(
        where="kubelet.topologyManagerPolicy",
        given=f"{kubelet.topology_manager_policy}; the machine has {nodes} NUMA nodes",
        allowed=f"at most {most} NUMA nodes",
        hint=f'set topologyManagerPolicyOptions.{MOST_NODES} to "{nodes}", or let the firmware make fewer nodes',
    )


K14: Rule[MachineSpec] = Rule(
    code="K14",
    title="more NUMA nodes than the topology manager takes",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=of_kubelet(_many),
    doc=Doc(
        what=f"With a topology policy other than none the machine has at most {MOST} NUMA nodes, or as many as the "
        f"option {MOST_NODES} says.",
        why="The kubelet does not start. Firmware modes that split sockets (sub-NUMA clustering, nodes per socket) "
        "pass the limit easily.",
        fix=f"set {MOST_NODES} in topologyManagerPolicyOptions, or let the firmware make fewer nodes",
        sources=(source("K8S-DOC", "topology manager, known limitations"), source("KEP-4622")),
        bad=Example(
            text="# 9 NUMA nodes\ntopologyManagerPolicy: single-numa-node",
            subject=lambda: worker(topology=hardware(9)),
        ),
        good=Example(
            text=f"# 9 NUMA nodes\ntopologyManagerPolicy: single-numa-node\ntopologyManagerPolicyOptions:\n"
            f'  {MOST_NODES}: "9"',
            subject=lambda: worker(
                kubelet(topology_manager_options=options(**{MOST_NODES: "9"})), topology=hardware(9)
            ),
        ),
    ),
)


def _half(machine: MachineSpec, kubelet: KubeletSpec) -> Iterator[Hit]:
    known = machine.topology is not None and threads(machine) < 2
    single = kubelet.topology_manager_policy == "single-numa-node"
    if dialect(machine) == "nto" and single and kubelet.static_cpus and not known and not kubelet.chooses(FULL_CORES):
        yield Hit(
            where="kubelet.cpuManagerPolicyOptions",
            given=f"no {FULL_CORES}, with topologyManagerPolicy single-numa-node",
            allowed=f'{FULL_CORES}: "true"',
            hint=f'set {FULL_CORES} to "true", or let the operator write the file',
        )


K15: Rule[MachineSpec] = Rule(
    code="K15",
    title="OpenShift worker gives parts of cores",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=of_kubelet(_half),
    doc=Doc(
        what=f"Under OpenShift's operator, topologyManagerPolicy single-numa-node comes with {FULL_CORES}. Silent on a "
        "machine that is known to run without SMT.",
        why="The operator writes both together, so that no two pods share a core. A file with one of them was changed "
        "by hand, or by a snippet in the profile's annotation.",
        fix=f'set {FULL_CORES} to "true" in cpuManagerPolicyOptions',
        sources=(source("NTO-K", "kubeletconfig.go"),),
        bad=Example(
            text='# CpuPlan(dialect="nto")\ntopologyManagerPolicy: single-numa-node\ncpuManagerPolicy: static',
            subject=lambda: operated(golden(cpu_manager_options={})),
        ),
        good=Example(
            text='# CpuPlan(dialect="nto")\ntopologyManagerPolicy: single-numa-node\ncpuManagerPolicy: static\n'
            f'cpuManagerPolicyOptions:\n  {FULL_CORES}: "true"',
            subject=lambda: operated(golden()),
        ),
    ),
)
