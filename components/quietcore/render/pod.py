"""Pods and what holds a pod template, runtime classes and disruption budgets: Kubernetes objects to values and back.

Only what rules speak of is read. The API server's own defaults are not written into the values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from quietcore.render.amounts import amounts
from quietcore.render.manifest import Manifest, manifest_in, manifest_of, manifests, members
from quietcore.render.yaml_document import YamlDocument
from quietcore.spec.pod import ContainerSpec, DisruptionBudgetSpec, MemoryVolume, PodSpec, RuntimeClassSpec
from quietcore.units import Size

Lifted = PodSpec | RuntimeClassSpec | DisruptionBudgetSpec

TEMPLATES: Final[Mapping[str, tuple[str, ...]]] = {
    "Pod": (),
    "PodTemplate": ("template",),
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
"""Where each kind of object keeps its pod template."""

RUNTIME_CLASS: Final = "RuntimeClass"
BUDGET: Final = "PodDisruptionBudget"
KINDS: Final = frozenset({*TEMPLATES, RUNTIME_CLASS, BUDGET})
PROBES: Final = ("livenessProbe", "readinessProbe", "startupProbe")


def lift(text: str, name: str = "") -> tuple[Lifted, ...]:
    """Every pod, runtime class and disruption budget of a YAML or JSON file, in order; other objects are left out.

    ``name`` is the file's. Raises YamlError and ManifestError, which name the line.
    """
    return tuple(found for each in manifests(text, name) for found in _lifted(each))


def lift_document(document: YamlDocument) -> tuple[Lifted, ...]:
    """The same from one document of a file. Raises ManifestError, which names the line."""
    return tuple(found for each in members(manifest_in(document)) for found in _lifted(each))


def lift_object(data: Mapping[str, Any], name: str = "") -> tuple[Lifted, ...]:
    """The same from an object as plain data; a List gives several. ``name`` is for errors. Raises ManifestError."""
    return tuple(found for each in members(manifest_of(data, name)) for found in _lifted(each))


def with_classes(pods: Iterable[PodSpec], classes: Iterable[RuntimeClassSpec]) -> tuple[PodSpec, ...]:
    """The pods with what their runtime classes say, where the class is among these."""
    known = {each.name: each for each in classes}
    return tuple(
        pod.model_copy(update={"handler": found.handler, "class_selects": bool(found.node_selector)})
        if (found := known.get(pod.runtime_class or ""))
        else pod
        for pod in pods
    )


def _lifted(found: Manifest) -> Iterable[Lifted]:
    kind = found.at("kind").text() or ""
    if kind in TEMPLATES:
        yield _pod(found, kind)
    elif kind == RUNTIME_CLASS:
        yield _runtime_class(found)
    elif kind == BUDGET:
        yield _budget(found)


def _pod(found: Manifest, kind: str) -> PodSpec:
    template = found.at(*TEMPLATES[kind])
    spec, metadata = template.at("spec"), template.at("metadata")
    own = spec.at("resources")
    return PodSpec(
        name=_name(found),
        namespace=found.at("metadata", "namespace").text() or "default",
        kind=kind,
        labels=metadata.at("labels").texts(),
        annotations=metadata.at("annotations").texts(),
        runtime_class=spec.at("runtimeClassName").text(),
        node_selector=spec.at("nodeSelector").texts(),
        node_name=spec.at("nodeName").text(),
        node_labels=tuple(_node_labels(spec)),
        apart=tuple(_apart(spec)),
        tolerates=tuple(each.at("key").text() or "" for each in spec.at("tolerations").each()),
        host_network=spec.at("hostNetwork").flag() or False,
        restart=spec.at("restartPolicy").text(),
        replicas=_replicas(found, kind),
        containers=tuple(_containers(spec)),
        requests=amounts(own.at("requests")),
        limits=amounts(own.at("limits")),
        overhead=amounts(spec.at("overhead")),
        volumes=tuple(_volumes(spec)),
        undecided=tuple(_undecided(spec, metadata)),
    )


def _name(found: Manifest) -> str:
    metadata = found.at("metadata")
    return metadata.at("name").text() or metadata.at("generateName").text() or ""


def _undecided(spec: Manifest, metadata: Manifest) -> Iterable[str]:
    if metadata.at("annotations").undecided():
        yield "annotations"
    for key in ("containers", "initContainers"):
        if not spec.at(key).known:
            yield "containers"
    if spec.at("resources").undecided():
        yield "resources"
    if not spec.at("volumes").known or any(each.at("emptyDir").undecided() for each in spec.at("volumes").each()):
        yield "volumes"
    for name in ("runtimeClassName", "nodeSelector", "nodeName", "affinity", "topologySpreadConstraints"):
        if spec.at(name).undecided():
            yield name


def _replicas(found: Manifest, kind: str) -> int | None:
    if kind in ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"):
        return found.at("spec", "replicas").number()
    return found.at("spec", "parallelism").number() if kind == "Job" else None


def _node_labels(spec: Manifest) -> Iterable[str]:
    required = spec.at("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    for term in required.at("nodeSelectorTerms").each():
        for key in ("matchExpressions", "matchFields"):
            yield from (label for each in term.at(key).each() if (label := each.at("key").text()))


def _apart(spec: Manifest) -> Iterable[str]:
    affinity = spec.at("affinity", "podAntiAffinity")
    terms = affinity.at("requiredDuringSchedulingIgnoredDuringExecution").each()
    preferred = affinity.at("preferredDuringSchedulingIgnoredDuringExecution").each()
    spread = spec.at("topologySpreadConstraints").each()
    for term in (*terms, *(each.at("podAffinityTerm") for each in preferred), *spread):
        yield term.at("topologyKey").text() or ""


def _containers(spec: Manifest) -> Iterable[ContainerSpec]:
    for each in spec.at("initContainers").each():
        yield _container(each, "sidecar" if each.at("restartPolicy").text() == "Always" else "init")
    for each in spec.at("containers").each():
        yield _container(each, "container")


def _container(found: Manifest, kind: Literal["container", "init", "sidecar"]) -> ContainerSpec:
    resources, security = found.at("resources"), found.at("securityContext")
    words = (*found.at("command").each(), *found.at("args").each())
    return ContainerSpec(
        name=found.at("name").text() or "",
        kind=kind,
        command=tuple(text for word in words if (text := word.text()) is not None),
        requests=amounts(resources.at("requests")),
        limits=amounts(resources.at("limits")),
        exec_probes=tuple(probe for probe in PROBES if found.at(probe, "exec").fields()),
        capabilities=tuple(t for each in security.at("capabilities", "add").each() if (t := each.text())),
        privileged=security.at("privileged").flag() or False,
        undecided=tuple(name for name in ("resources", "securityContext", "command") if found.at(name).undecided()),
    )


def _volumes(spec: Manifest) -> Iterable[MemoryVolume]:
    for volume in spec.at("volumes").each():
        medium = volume.at("emptyDir", "medium").text()
        if medium:
            limit = volume.at("emptyDir", "sizeLimit").quantity()
            size = None if limit is None else Size(limit.whole)
            yield MemoryVolume(name=volume.at("name").text() or "", medium=medium, size=size)


def _runtime_class(found: Manifest) -> RuntimeClassSpec:
    return RuntimeClassSpec(
        name=_name(found),
        handler=found.at("handler").text() or "",
        node_selector=found.at("scheduling", "nodeSelector").texts(),
        overhead=amounts(found.at("overhead", "podFixed")),
    )


def _budget(found: Manifest) -> DisruptionBudgetSpec:
    spec = found.at("spec")
    return DisruptionBudgetSpec(
        name=_name(found),
        namespace=found.at("metadata", "namespace").text() or "default",
        match_labels=spec.at("selector", "matchLabels").texts(),
        min_available=_count(spec.at("minAvailable")),
        max_unavailable=_count(spec.at("maxUnavailable")),
    )


def _count(found: Manifest) -> str | None:
    """A number of pods or a share of them."""
    return found.text() if isinstance(found.value, str) else None if (n := found.number()) is None else str(n)


__all__ = ["KINDS", "TEMPLATES", "Lifted", "lift", "lift_object", "with_classes"]
