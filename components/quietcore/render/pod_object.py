"""Pods and runtime classes as Kubernetes objects: what ``quietcore.render.pod`` reads back to equal values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from quietcore.render.amounts import resources
from quietcore.render.pod import TEMPLATES
from quietcore.render.yaml_text import yaml_text
from quietcore.spec.pod import Amounts, ContainerSpec, PodSpec, RuntimeClassSpec
from quietcore.units.quantity import Quantity

_VERSIONS: Final = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
}

Object = dict[str, Any]


def render(given: PodSpec | RuntimeClassSpec) -> str:
    """Give the YAML text of the object."""
    return yaml_text(pod_object(given) if isinstance(given, PodSpec) else runtime_class_object(given))


def pod_object(pod: PodSpec) -> Object:
    """Give the object that holds the pod. Affinity is written by its keys alone."""
    holder = {"name": pod.name} | ({} if pod.namespace == "default" else {"namespace": pod.namespace})
    version = _VERSIONS.get(pod.kind, "v1")
    metadata = _given(labels=dict(pod.labels), annotations=dict(pod.annotations))
    path = TEMPLATES[pod.kind]
    if not path:
        return {"apiVersion": version, "kind": pod.kind, "metadata": holder | metadata, "spec": _spec(pod)}
    template: Object = {**({"metadata": metadata} if metadata else {}), "spec": _spec(pod)}
    for key in reversed(path):
        template = {key: template}
    if pod.replicas is not None:
        template["spec"] = {"parallelism" if pod.kind == "Job" else "replicas": pod.replicas, **template["spec"]}
    return {"apiVersion": version, "kind": pod.kind, "metadata": holder, **template}


def runtime_class_object(given: RuntimeClassSpec) -> Object:
    """Give the RuntimeClass."""
    return _given(
        apiVersion="node.k8s.io/v1",
        kind="RuntimeClass",
        metadata={"name": given.name},
        handler=given.handler,
        scheduling=_given(nodeSelector=dict(given.node_selector)),
        overhead=_given(podFixed=resources(given.overhead)),
    )


def _spec(pod: PodSpec) -> Object:
    return _given(
        runtimeClassName=pod.runtime_class,
        nodeSelector=dict(pod.node_selector),
        nodeName=pod.node_name,
        affinity=_affinity(pod),
        tolerations=[{"key": key, "operator": "Exists"} if key else {"operator": "Exists"} for key in pod.tolerates],
        hostNetwork=pod.host_network,
        restartPolicy=pod.restart,
        resources=_resources(pod.requests, pod.limits),
        overhead=resources(pod.overhead),
        initContainers=[_container(each) for each in pod.containers if each.kind != "container"],
        containers=[_container(each) for each in pod.containers if each.kind == "container"],
        volumes=[
            {
                "name": volume.name,
                "emptyDir": _given(
                    medium=volume.medium, sizeLimit=None if volume.size is None else str(Quantity.of(volume.size.bytes))
                ),
            }
            for volume in pod.volumes
        ],
    )


def _affinity(pod: PodSpec) -> Object:
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    labels = [{"key": key, "operator": "Exists"} for key in pod.node_labels]
    apart = [{"topologyKey": key} for key in pod.apart]
    return _given(
        nodeAffinity={required: {"nodeSelectorTerms": [{"matchExpressions": labels}]}} if labels else None,
        podAntiAffinity={required: apart} if apart else None,
    )


def _container(given: ContainerSpec) -> Object:
    return _given(
        name=given.name,
        command=list(given.command),
        restartPolicy="Always" if given.kind == "sidecar" else None,
        resources=_resources(given.requests, given.limits),
        securityContext=_given(
            privileged=given.privileged, capabilities={"add": list(given.capabilities)} if given.capabilities else None
        ),
        **{probe: {"exec": {"command": ["true"]}} for probe in given.exec_probes},
    )


def _resources(requests: Amounts, limits: Amounts) -> Object:
    return _given(requests=resources(requests), limits=resources(limits))


def _given(**values: Any) -> Object:
    """The values that say something."""
    return {key: value for key, value in values.items() if value not in (None, "", False) and not _empty(value)}


def _empty(value: Any) -> bool:
    return isinstance(value, Mapping | list) and not value
