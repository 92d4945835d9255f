"""Rules on where a pod runs, and on what brings it back."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.rules.workload.examples import pod
from quietcore.rules.workload.realtime import of_pod
from quietcore.spec import PodSpec, Severity

_SCALED = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")


@of_pod
def _bare(given: PodSpec) -> Iterator[Hit]:
    if given.kind == "Pod" and given.restart in (None, "Always"):
        yield Hit(where="kind", given="a pod that nothing makes again", allowed="Deployment, StatefulSet or DaemonSet")


W04: Rule[PodSpec] = Rule(
    code="W04",
    title="real-time pod stands alone",
    severity=Severity.INFO,
    scope=Scope.VALUE,
    subject=PodSpec,
    judge=_bare,
    doc=Doc(
        what="A real-time pod that is to run for good is made by a Deployment, StatefulSet or DaemonSet. (A pod with "
        "restartPolicy Never or OnFailure, such as a test, may stand alone.)",
        why="Where the topology manager finds no room in one NUMA cell, the kubelet refuses the pod with "
        "TopologyAffinityError or SMTAlignmentError. Nobody tries such a pod again, unless something makes a new one.",
        fix="hold the pod in a Deployment or StatefulSet",
        sources=(source("K8S-DOC", "Control Topology Management Policies on a node"),),
        bad=Example(text="kind: Pod\nspec: {containers: [...]}", subject=lambda: pod(kind="Pod")),
        good=Example(text="kind: Deployment\nspec: {template: {spec: {containers: [...]}}}", subject=pod),
    ),
)


@of_pod
def _anywhere(given: PodSpec) -> Iterator[Hit]:
    if {"nodeSelector", "nodeName", "affinity", "runtimeClassName"} & {*given.undecided}:
        return
    chosen_by_class = given.runtime_class is not None and given.class_selects is None
    if not given.selects and not chosen_by_class:
        yield Hit(where="nodeSelector", given="none", allowed="a label that only real-time machines have")


W17: Rule[PodSpec] = Rule(
    code="W17",
    title="real-time pod may be placed on any machine",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=PodSpec,
    judge=_anywhere,
    doc=Doc(
        what="A real-time pod says on which machines it runs: by node selector, required node affinity, node name, or "
        "by a runtime class that selects. (A runtime class that is not in view is taken to do so. Taints keep other "
        "pods off; the pod alone does not show them.)",
        why="The scheduler counts CPUs and memory; it knows nothing of isolated CPUs or of the kernel. On a machine "
        "without a static CPU manager the pod runs, and misses its deadlines.",
        fix="label the real-time machines and write the label into nodeSelector",
        sources=(source("K8S-DOC", "Assigning Pods to Nodes; Taints and Tolerations"), source("TELCO")),
        bad=Example(
            text='annotations: {quietcore.dev/sched-priority: "10"}\n# no nodeSelector, no runtimeClassName',
            subject=lambda: pod(
                annotations={"quietcore.dev/sched-priority": "10"}, runtime_class=None, node_selector={}
            ),
        ),
        good=Example(
            text='annotations: {quietcore.dev/sched-priority: "10"}\n'
            'nodeSelector: {node-role.kubernetes.io/realtime: ""}',
            subject=lambda: pod(annotations={"quietcore.dev/sched-priority": "10"}, runtime_class=None),
        ),
    ),
)


@of_pod
def _together(given: PodSpec) -> Iterator[Hit]:
    undecided = {"affinity", "topologySpreadConstraints"} & {*given.undecided}
    if given.kind in _SCALED and (given.replicas or 0) > 1 and not given.apart and not undecided:
        yield Hit(
            where="affinity.podAntiAffinity",
            given=f"none, with {given.replicas} replicas",
            allowed="pod anti-affinity or a spread constraint",
        )


W18: Rule[PodSpec] = Rule(
    code="W18",
    title="replicas may all land on one machine",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=PodSpec,
    judge=_together,
    doc=Doc(
        what="A real-time pod with several replicas has pod anti-affinity or a topology spread constraint.",
        why="Who runs two controllers wants one to outlive a machine. Without a word about it the scheduler may put "
        "both on the same one, where they also compete for its isolated CPUs.",
        fix="add podAntiAffinity with the topology key kubernetes.io/hostname",
        sources=(source("QUIETCORE", "inferred"), source("K8S-DOC", "Assigning Pods to Nodes")),
        bad=Example(text="replicas: 2\n# no affinity", subject=lambda: pod(replicas=2)),
        good=Example(
            text="replicas: 2\naffinity: {podAntiAffinity: {required...: [{topologyKey: kubernetes.io/hostname}]}}",
            subject=lambda: pod(replicas=2, apart=("kubernetes.io/hostname",)),
        ),
    ),
)
