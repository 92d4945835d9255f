"""The documents of a YAML or JSON text: topologies of ours, Kubernetes objects, and what no rule speaks of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from quietcore.render.yaml_document import Path, YamlDocument, documents

Values = Iterator[tuple[str, Any]]


@dataclass
class Found:
    """Values by the name of their layer, and why the rest of a text is not judged."""

    values: list[tuple[str, Any]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    @property
    def unjudged(self) -> tuple[str, ...]:
        """The reasons, each once."""
        return tuple(dict.fromkeys(self.reasons))


def of_text(content: str, name: str) -> Found:
    """Everything that the documents hold. Raises QuietcoreError that names file and line."""
    found = Found()
    every = [each for document in documents(content, name) for each in _members(document, 0)]
    if not every:
        found.reasons.append("no document")
    for document in every:
        lift = _lift_of(document)
        if isinstance(lift, str):
            found.reasons.append(lift)
        else:
            found.values += list(lift(document))
    return found


def _members(document: YamlDocument, depth: int) -> Iterator[YamlDocument]:
    """What a List holds, one by one, or the document itself."""
    data = document.data
    items = data.get("items") if isinstance(data, Mapping) else None
    if depth > 3 or not isinstance(items, list) or not str(data.get("kind", "")).endswith("List"):
        yield document
        return
    lines = _lines_by_item(document)
    for index, item in enumerate(items):
        line = document.lines.get(("items", index), document.line)
        yield from _members(YamlDocument(item, document.name, line, lines[index]), depth + 1)


def _lines_by_item(document: YamlDocument) -> dict[int, dict[Path, int]]:
    """The lines of each item of a List, by its index, under the paths that they have within the item."""
    lines: dict[int, dict[Path, int]] = defaultdict(dict)
    for path, line in document.lines.items():
        if len(path) > 2 and path[0] == "items" and isinstance(path[1], int):
            lines[path[1]][path[2:]] = line
    return lines


def _lift_of(document: YamlDocument) -> Callable[[YamlDocument], Values] | str:
    """How to lift a document, or why it is not judged."""
    data = document.data
    if not isinstance(data, Mapping):
        return "YAML that is no mapping"
    kind = data.get("kind")
    if kind is None and "cells" in data:
        return _topology
    if list(data) == ["kubeletconfig"]:
        return _kubelet
    if not isinstance(kind, str):
        return "YAML without a kind, of which no rule speaks"
    version = data.get("apiVersion")
    lift = _BY_KIND.get((str(version or "").rpartition("/")[0], kind))
    if lift is None and version is None and any(kind == known for _, known in _BY_KIND):
        return f"a {kind} without apiVersion"
    return lift or f"a {kind}, of which no rule speaks"


def _topology(document: YamlDocument) -> Values:
    from quietcore.spec.spec import spec_of
    from quietcore.spec.topology import HostTopology

    yield "topology file", spec_of(HostTopology, document.data, f"topology {document.name}")


def _kubelet(document: YamlDocument) -> Values:
    from quietcore.render.kubelet import lift_document

    yield "kubelet", lift_document(document)


def _profile(document: YamlDocument) -> Values:
    from quietcore.render.performance_profile import lift_document

    yield "profile", lift_document(document)


def _tuned(document: YamlDocument) -> Values:
    from quietcore.render.tuned_resource import lift

    yield "tuned resource", lift(document.data, document.place(()))


def _workload(document: YamlDocument) -> Values:
    from quietcore.render.pod import lift_document
    from quietcore.spec.pod import PodSpec, RuntimeClassSpec

    for value in lift_document(document):
        noun = "pod" if isinstance(value, PodSpec) else "class" if isinstance(value, RuntimeClassSpec) else "budget"
        yield noun, value


def _virtual_machine(document: YamlDocument) -> Values:
    from quietcore.render.virtual_machine import lift_document

    for value in lift_document(document):
        yield "virtual machine", value


_CORE = ("Pod", "PodTemplate", "ReplicationController")
_APPS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")
_BY_KIND: Final[Mapping[tuple[str, str], Callable[[YamlDocument], Values]]] = {
    ("kubelet.config.k8s.io", "KubeletConfiguration"): _kubelet,
    ("machineconfiguration.openshift.io", "KubeletConfig"): _kubelet,
    ("performance.openshift.io", "PerformanceProfile"): _profile,
    ("tuned.openshift.io", "Tuned"): _tuned,
    **{("", kind): _workload for kind in _CORE},
    **{("apps", kind): _workload for kind in _APPS},
    **{("batch", kind): _workload for kind in ("Job", "CronJob")},
    ("node.k8s.io", "RuntimeClass"): _workload,
    ("policy", "PodDisruptionBudget"): _workload,
    **{
        ("kubevirt.io", kind): _virtual_machine
        for kind in ("VirtualMachine", "VirtualMachineInstance", "VirtualMachineInstanceReplicaSet")
    },
}
