"""Kubernetes resources that a program registers raw: the pack lifts and judges them, whatever has no value yet."""

from __future__ import annotations

import json
import re
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from quietcore.policy.lifted import is_lifted, lifted
from quietcore.render.element import UNKNOWN_TEXT
from quietcore.render.pod_object import pod_object
from quietcore.render.virtual_machine import virtual_machine_object
from quietcore.resources.site import Registered, site_from, unreadable
from quietcore.rules.catalogue import CATALOGUE
from quietcore.rules.judge import findings
from quietcore.rules.rule import Rule
from quietcore.spec import PodSpec, VirtualMachineSpec

ROOT = Path(__file__).resolve().parents[2]
CODE = re.compile(r"\[([A-Z]\d\d)\]")
GOOD = yaml.safe_load("""
apiVersion: apps/v1
kind: Deployment
metadata: {name: plc, namespace: plant}
spec:
  replicas: 2
  template:
    metadata:
      labels: {app: plc}
      annotations: {cpu-load-balancing.crio.io: disable, quietcore.dev/sched-priority: "40"}
    spec:
      runtimeClassName: performance-plc
      nodeSelector: {rt: "true"}
      affinity:
        podAntiAffinity:
          requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname}]
      containers:
      - name: rt
        image: plc
        command: [./plc]
        resources: {limits: {cpu: "2", memory: 1Gi, hugepages-1Gi: 1Gi}}
        livenessProbe: {tcpSocket: {port: 1}}
        securityContext: {capabilities: {add: [SYS_NICE, IPC_LOCK]}}
      volumes:
      - {name: huge, emptyDir: {medium: HugePages-1Gi}}
      - {name: shm, emptyDir: {medium: Memory, sizeLimit: 64Mi}}
""")
DEPLOYMENT = "kubernetes:apps/v1:Deployment"


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, inner in below for found in paths(inner, (*path, key)))]


def placed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = placed(value[path[0]], path[1:], new)
    return copy


def codes(props: Any, token: str = DEPLOYMENT) -> set[str]:
    return {found.code for found in lifted(token, "plc", props)}


def test_a_good_deployment_breaks_nothing() -> None:
    assert codes(GOOD) == set()


@pytest.mark.parametrize("path", [path for path in paths(GOOD) if path and path != ("kind",)], ids=str)
def test_a_value_that_is_not_known_yet_breaks_nothing(path: tuple[Any, ...]) -> None:
    assert codes(placed(GOOD, path, UNKNOWN_TEXT)) == set()


@pytest.mark.parametrize(
    "token",
    [
        "kubernetes:core/v1:Pod",
        "kubernetes:core/v1:ReplicationController",
        "kubernetes:apps/v1:StatefulSet",
        "kubernetes:apps/v1:DaemonSet",
        "kubernetes:apps/v1:ReplicaSet",
        "kubernetes:batch/v1:Job",
        "kubernetes:batch/v1:CronJob",
        "kubernetes:node.k8s.io/v1:RuntimeClass",
        "kubernetes:kubevirt.io/v1:VirtualMachine",
    ],
)
def test_resources_with_pods_are_read(token: str) -> None:
    assert is_lifted(token)


@pytest.mark.parametrize(
    "token", ["kubernetes:core/v1:ConfigMap", "pulumi:providers:kubernetes", "other:core/v1:Pod", ""]
)
def test_other_resources_are_left_alone(token: str) -> None:
    assert not is_lifted(token)


def test_a_list_is_judged_as_what_it_holds() -> None:
    token = "kubernetes:apps/v1:DeploymentList"
    assert is_lifted(token)
    bad = placed(GOOD, ("spec", "template", "spec", "containers", 0, "resources", "limits", "cpu"), "1500m")
    held = {key: value for key, value in bad.items() if key != "kind"}
    assert codes(bad)
    assert codes({"items": [GOOD, held]}, token) == codes(bad)
    assert codes({"items": [GOOD, UNKNOWN_TEXT]}, token) == codes({"items": UNKNOWN_TEXT}, token) == set()


def test_an_object_that_cannot_be_read_is_a_finding_that_names_the_place() -> None:
    broken = placed(GOOD, ("spec", "template", "spec", "containers", 0, "resources", "limits", "memory"), "1GB")
    (found,) = lifted(DEPLOYMENT, "plc", broken)
    assert found.code == "S07"
    assert found.where == 'Deployment "plc", spec.template.spec.containers[0].resources.limits.memory'
    assert found.given == "'1GB'"
    assert unreadable([Registered("urn", DEPLOYMENT, "plc", broken)]) == [found]


def test_numbers_come_from_the_engine_as_floats() -> None:
    floats = placed(GOOD, ("spec", "replicas"), 2.0)
    assert (
        codes(placed(floats, ("spec", "template", "spec", "containers", 0, "resources", "limits", "cpu"), 2.0)) == set()
    )


def test_an_object_without_a_name_is_known_by_its_resource() -> None:
    bad = placed(placed(GOOD, ("metadata",), {}), ("spec", "template", "spec", "affinity"), {})
    assert [found.where for found in lifted(DEPLOYMENT, "raw", bad)] == ['Deployment "raw", affinity.podAntiAffinity']


def test_the_whole_stack_knows_the_runtime_class_of_a_pod() -> None:
    handler = {"kind": "RuntimeClass", "metadata": {"name": "performance-plc"}, "handler": "runc"}
    deployment = Registered("a", DEPLOYMENT, "plc", GOOD)
    runtime_class = Registered("b", "kubernetes:node.k8s.io/v1:RuntimeClass", "class", handler)
    assert findings(site_from([deployment])) == []
    assert [found.code for found in findings(site_from([deployment, runtime_class]))] == ["W05"]


def test_virtual_machines_are_part_of_the_picture() -> None:
    cpu = {"cores": 4, "dedicatedCpuPlacement": True, "realtime": {}}
    props = {
        "metadata": {"name": "plc"},
        "spec": {"domain": {"cpu": cpu, "memory": {"hugepages": {"pageSize": "1Gi"}}}},
    }
    token = "kubernetes:kubevirt.io/v1:VirtualMachineInstance"
    assert codes(props, token) == {"D43"}
    assert [found.code for found in findings(site_from([Registered("a", token, "plc", props)]))] == ["D43"]


OF_OBJECTS = [rule for rule in CATALOGUE if rule.subject in (PodSpec, VirtualMachineSpec) and rule.code != "W05"]
TOKENS = {"Pod": "kubernetes:core/v1:Pod", "VirtualMachine": "kubernetes:kubevirt.io/v1:VirtualMachine"}


@pytest.mark.parametrize("rule", OF_OBJECTS, ids=lambda rule: rule.code)
def test_the_pack_refuses_the_bad_example_of_each_rule_and_takes_the_good_one(rule: Rule[Any]) -> None:
    for example, expected in ((rule.doc.bad, {rule.code}), (rule.doc.good, set())):
        subject = example.subject()
        written = pod_object(subject) if isinstance(subject, PodSpec) else virtual_machine_object(subject)
        assert codes(written, TOKENS.get(subject.kind, DEPLOYMENT)) == expected


ECHO = """#!/bin/sh
exec "{python}" -u "{echo}" "$@"
"""
RAW = """
pod = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "plc", "annotations": {"cpu-quota.crio.io": "false"}},
    "spec": {
        "runtimeClassName": "performance-plc",
        "containers": [{
            "name": "rt",
            "resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "2", "memory": "1Gi"}},
            "livenessProbe": {"exec": {"command": ["alive"]}},
        }],
    },
}
"""
UNKNOWN = """
other = pulumi.CustomResource("kubernetes:core/v1:ConfigMap", "other", {"data": None, "made": None})
pod["metadata"]["annotations"] = {"cpu-quota.crio.io": "disable"}
pod["spec"]["containers"][0] = {"name": "rt", "resources": {"limits": {"cpu": other.id, "memory": "1Gi"}}}
"""
REGISTER = """
pulumi.CustomResource("kubernetes:core/v1:Pod", "plc", pod)
"""


@pytest.fixture
def with_kubernetes(project):
    """The project with a provider that takes every Kubernetes object as it is."""
    folder = project.folder / "plugin"
    folder.mkdir()
    plugin = folder / "pulumi-resource-kubernetes"
    plugin.write_text(ECHO.format(python=sys.executable, echo=ROOT / "bench" / "echo" / "echo.py"))
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    settings = json.loads((project.folder / "Pulumi.yaml").read_text())
    settings["plugins"]["providers"].append({"name": "kubernetes", "path": str(folder)})
    (project.folder / "Pulumi.yaml").write_text(json.dumps(settings))
    return project


@pytest.mark.engine
def test_a_raw_pod_is_refused_at_preview(with_kubernetes):
    with_kubernetes.write(RAW + REGISTER)
    assert with_kubernetes.checked() == {"W01", "W04", "W06", "W15"}
    previewed = with_kubernetes.previewed()
    assert previewed.returncode != 0
    assert set(CODE.findall(previewed.output)) == {"W01", "W04", "W06", "W15"}
    assert 'Pod "plc", container "rt", livenessProbe' in previewed.output


@pytest.mark.engine
def test_a_cpu_limit_that_is_not_known_yet_is_said_to_be_undecided(with_kubernetes):
    with_kubernetes.write(RAW + UNKNOWN + REGISTER)
    previewed = with_kubernetes.previewed()
    assert set(CODE.findall(previewed.output)) == {"W04"}
    assert "spec.containers[0].resources.limits.cpu" in previewed.output
