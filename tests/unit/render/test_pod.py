"""Kubernetes objects to values: what is read, what is left, and what is said of what cannot be read."""

from __future__ import annotations

import pytest

from quietcore.render.manifest import ManifestError
from quietcore.render.pod import lift, lift_object
from quietcore.spec.pod import DisruptionBudgetSpec, PodSpec, RuntimeClassSpec
from quietcore.units import Size

FILE = """
kind: Namespace
metadata: {name: plant}
---
kind: PodDisruptionBudget
metadata: {name: plc, namespace: plant}
spec: {minAvailable: 1, maxUnavailable: "50%", selector: {matchLabels: {app: plc}}}
---
kind: PodList
items:
- kind: Pod
  metadata: {generateName: plc-}
  spec:
    containers:
    - name: rt
      resources:
        requests: {cpu: "0.5", memory: 1G, ephemeral-storage: 1Gi}
        limits: {hugepages-2Mi: 4Mi, intel.com/nic: "2"}
    tolerations: [{operator: Exists}, {key: rt}]
    overhead: {cpu: 250m}
---
kind: RuntimeClass
metadata: {name: performance-plc}
handler: high-performance
overhead: {podFixed: {memory: 120Mi}}
scheduling: {nodeSelector: {rt: "true"}}
"""


def test_every_object_that_rules_know_is_read_in_order() -> None:
    budget, pod, runtime_class = lift(FILE, "all.yaml")
    assert budget == DisruptionBudgetSpec(
        name="plc", namespace="plant", match_labels={"app": "plc"}, min_available="1", max_unavailable="50%"
    )
    assert isinstance(pod, PodSpec)
    assert pod.name == "plc-"
    assert pod.tolerates == ("", "rt")
    assert pod.overhead.cpu == 250
    (container,) = pod.containers
    assert (container.cpu, container.memory) == (500, 10**9)
    assert container.limits.hugepages == {Size.parse("2MiB"): 4 << 20}
    assert container.limits.devices == {"intel.com/nic": 2}
    assert isinstance(runtime_class, RuntimeClassSpec)
    assert runtime_class.node_selector == {"rt": "true"}
    assert runtime_class.overhead.memory == 120 << 20


def test_an_object_of_another_kind_gives_nothing() -> None:
    assert lift_object({"kind": "ConfigMap"}) == ()
    assert lift_object({}) == ()


BROKEN = {
    "spec: {containers: x}": ("line 3, spec.containers", "'x'", "a list"),
    "spec:\n  containers:\n  - resources: {limits: {cpu: two}}": (
        "line 5, spec.containers[0].resources.limits.cpu",
        "'two'",
        'a number, with a suffix such as "500m", "1.5Gi" or "100M"',
    ),
    "spec: {hostNetwork: 1}": ("line 3, spec.hostNetwork", "1", "true or false"),
    "metadata: {annotations: {quietcore.dev/cpu-bound: true}}": (
        "line 3, metadata.annotations.quietcore.dev/cpu-bound",
        "True",
        "text",
    ),
    "spec: {containers: [{resources: {limits: {hugepages-big: 1}}}]}": (
        "line 3, spec.containers[0].resources.limits.hugepages-big",
        "1",
        "hugepages-<size>, such as hugepages-1Gi",
    ),
}


@pytest.mark.parametrize("body", BROKEN)
def test_a_value_that_the_api_server_would_refuse_is_told_with_its_line(body: str) -> None:
    where, given, allowed = BROKEN[body]
    with pytest.raises(ManifestError) as refused:
        lift(f"\nkind: Pod\n{body}\n", "pod.yaml")
    assert (refused.value.where, refused.value.given, refused.value.allowed) == (f"pod.yaml, {where}", given, allowed)


def test_without_a_file_the_object_is_known_by_its_name() -> None:
    with pytest.raises(ManifestError) as refused:
        lift_object({"kind": "Deployment", "spec": {"replicas": "two"}}, 'Deployment "plc"')
    assert refused.value.where == 'Deployment "plc", spec.replicas'
