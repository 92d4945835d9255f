"""Files with pods and virtual machines: what is rendered is read back; nothing broken gets past a clear error."""

from __future__ import annotations

import random
from typing import Any

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from quietcore.errors import QuietcoreError
from quietcore.policy.lifted import lifted
from quietcore.render import pod, virtual_machine
from quietcore.render.element import UNKNOWN_TEXT
from quietcore.render.pod_object import pod_object, render
from quietcore.rules.judge import findings
from quietcore.spec.pod import (
    CRIO,
    POLICY,
    PRIORITY,
    Amounts,
    ContainerSpec,
    MemoryVolume,
    PodSpec,
    RuntimeClassSpec,
)
from quietcore.spec.virtual_machine import VirtualMachineSpec
from quietcore.units import Size

words = st.from_regex(r"[a-z][a-z-]{0,11}", fullmatch=True)
labels = st.dictionaries(words.map(lambda word: f"example.com/{word}"), words, max_size=2)
sizes = st.sampled_from((Size.parse("2MiB"), Size.parse("1GiB"), Size.parse("64KiB")))
amounts = st.builds(
    Amounts,
    cpu=st.none() | st.sampled_from((0, 500, 1000, 2000, 4000, 2001)),
    memory=st.none() | st.integers(0, 1 << 40),
    hugepages=st.dictionaries(sizes, st.integers(0, 1 << 40), max_size=2),
    devices=st.dictionaries(words.map(lambda word: f"vendor.io/{word}"), st.integers(0, 9), max_size=2),
)
commands = st.lists(
    st.sampled_from(("chrt", "-f", "-r", "99", "40", "sh", "-c", "exec chrt --fifo 5 x", "oslat", "-p", "cyclictest")),
    max_size=5,
).map(tuple)


def containers(kinds: tuple[str, ...]) -> st.SearchStrategy[ContainerSpec]:
    return st.builds(
        ContainerSpec,
        name=words,
        kind=st.sampled_from(kinds),
        command=commands,
        requests=amounts,
        limits=amounts,
        exec_probes=st.sampled_from(((), ("livenessProbe",), ("readinessProbe", "startupProbe"))),
        capabilities=st.sampled_from(((), ("SYS_NICE",), ("ALL",), ("SYS_NICE", "IPC_LOCK"))),
        privileged=st.booleans(),
    )


annotations = st.dictionaries(
    st.sampled_from((*CRIO, POLICY, PRIORITY, "cpu-shared.crio.io/rt")),
    st.sampled_from(("disable", "enable", "true", "40", "99", "max_latency:3", "fifo", "")),
    max_size=4,
)
volumes = st.builds(
    MemoryVolume,
    name=words,
    medium=st.sampled_from(("Memory", "HugePages", "HugePages-1Gi")),
    size=st.none() | st.integers(0, 1 << 40).map(Size),
)
pods = st.builds(
    PodSpec,
    name=words,
    namespace=words,
    kind=st.sampled_from([kind for kind in pod.TEMPLATES if kind != "PodTemplate"]),
    labels=labels,
    annotations=annotations,
    runtime_class=st.none() | st.sampled_from(("performance-plc", "kata")),
    node_selector=labels,
    node_name=st.none() | words,
    node_labels=st.lists(words, max_size=2).map(tuple),
    apart=st.lists(words, max_size=2).map(tuple),
    tolerates=st.lists(words | st.just(""), max_size=2).map(tuple),
    host_network=st.booleans(),
    restart=st.none() | st.sampled_from(("Always", "Never")),
    containers=st.tuples(
        st.lists(containers(("init", "sidecar")), max_size=2), st.lists(containers(("container",)), max_size=3)
    ).map(lambda two: (*two[0], *two[1])),
    requests=amounts,
    limits=amounts,
    overhead=amounts,
    volumes=st.lists(volumes, max_size=2).map(tuple),
)
machines = st.builds(
    VirtualMachineSpec,
    name=words,
    namespace=words,
    kind=st.sampled_from(sorted(virtual_machine.TEMPLATES)),
    vcpus=st.none() | st.integers(1, 64),
    realtime=st.booleans(),
    dedicated=st.booleans(),
    isolated_emulator=st.booleans(),
    guest_mapping=st.booleans(),
    hugepages=st.none() | st.sampled_from(("1Gi", "2Mi")),
    requests=amounts,
    limits=amounts,
)
classes = st.builds(RuntimeClassSpec, name=words, handler=words, node_selector=labels, overhead=amounts)


@given(pods, st.none() | st.integers(0, 9))
def test_a_pod_is_read_back_as_it_was_written(written: PodSpec, replicas: int | None) -> None:
    scaled = written.kind in ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "Job")
    written = written.model_copy(update={"replicas": replicas if scaled else None})
    assert pod.lift(render(written), "pod.yaml") == (written,)
    assert pod.lift_object(pod_object(written)) == (written,)


@given(classes)
def test_a_runtime_class_is_read_back_as_it_was_written(written: RuntimeClassSpec) -> None:
    assert pod.lift(render(written)) == (written,)


@given(machines)
def test_a_virtual_machine_is_read_back_as_it_was_written(written: VirtualMachineSpec) -> None:
    assert virtual_machine.lift(virtual_machine.render(written)) == (written,)


def shuffled(value: Any, order: random.Random) -> Any:
    """The same object with its keys in another order."""
    if isinstance(value, dict):
        keys = order.sample(sorted(value), len(value))
        return {key: shuffled(value[key], order) for key in keys}
    return [shuffled(item, order) for item in value] if isinstance(value, list) else value


@given(pods, st.integers(0, 99), st.booleans())
def test_order_and_layout_of_a_file_change_no_finding(written: PodSpec, seed: int, flow: bool) -> None:
    data = shuffled(pod_object(written), random.Random(seed))
    text = yaml.safe_dump(data, default_flow_style=flow, indent=4, sort_keys=False)
    (lifted,) = pod.lift(text)
    assert findings(lifted) == findings(written)


@given(pods, words)
def test_another_name_changes_no_finding_but_its_place(written: PodSpec, name: str) -> None:
    renamed = written.model_copy(update={"name": name})
    told = [(found.code, found.given, found.allowed) for found in findings(written)]
    assert told == [(found.code, found.given, found.allowed) for found in findings(renamed)]


@given(pods)
def test_a_pod_without_a_real_time_claim_has_no_findings(written: PodSpec) -> None:
    if not written.realtime:
        assert findings(written) == []


TEXT = render(
    PodSpec(
        name="plc",
        kind="Deployment",
        annotations={"cpu-quota.crio.io": "disable"},
        node_labels=("rt",),
        apart=("host",),
        tolerates=("rt",),
        containers=(
            ContainerSpec(name="init", kind="init"),
            ContainerSpec(
                name="rt",
                command=("chrt", "-f", "40", "plc"),
                limits=Amounts(cpu=2000, memory=1 << 30, hugepages={Size.parse("1GiB"): 1 << 30}),
                exec_probes=("livenessProbe",),
                capabilities=("SYS_NICE",),
            ),
        ),
        volumes=(MemoryVolume(name="shm", medium="Memory", size=Size(1)),),
    )
)
MACHINE = virtual_machine.render(
    VirtualMachineSpec(name="plc", vcpus=4, realtime=True, dedicated=True, hugepages="1Gi")
)
JUNK = (
    "\t",
    "{",
    "}",
    "[",
    "- ",
    ": ",
    "&a ",
    "*a",
    "!!x ",
    "<<: ",
    "\x00",
    '"',
    "|",
    "1e999",
    "~",
    "\ud800",
    "9" * 50,
)


def clear(text: str) -> None:
    for lift in (pod.lift, virtual_machine.lift):
        told: QuietcoreError | None = None
        try:
            for each in lift(text, "broken.yaml"):
                findings(each)
        except QuietcoreError as fault:
            told = fault
        assert told is None or ("broken.yaml" in told.where and told.given)


@given(st.sampled_from((TEXT, MACHINE)), st.data())
def test_a_broken_file_gives_a_clear_error_or_is_read(text: str, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 5))
        text = text[:at] + data.draw(st.sampled_from(JUNK)) + text[at + cut :]
    clear(text)


@given(st.text(max_size=200))
@example("kind: List\nitems: [{kind: List, items: [{kind: List, items: [{kind: List, items: []}]}]}]")
@example("kind: Pod\nspec: {containers: {}}")
@example("kind: Pod\nspec: {containers: [x]}")
@example("kind: Pod\nmetadata: x")
@example("kind: [Pod]")
@example("kind: Pod\nspec: {containers: [{resources: {limits: {cpu: -1}}}]}")
@example("kind: Pod\nspec: {containers: [{resources: {limits: {cpu: 1e99}}}]}")
@example("kind: Pod\nspec: {containers: [{resources: {limits: {hugepages-x: 1}}}]}")
@example("kind: Pod\nspec: {containers: [{resources: {limits: {hugepages-0: 1, cpu: 1, memory: 1}}}]}")
@example("kind: VirtualMachine\nspec: {template: {spec: {domain: {cpu: {cores: 1.5}}}}}")
@example("a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n" * 1)
def test_any_text_gives_a_clear_error_or_is_read(text: str) -> None:
    clear(text)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, inner in below for found in paths(inner, (*path, key)))]


def placed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = placed(value[path[0]], path[1:], new)
    return copy


@given(st.data(), st.sampled_from((None, 1, 1.5, True, "x", [], {}, [1], {"a": 1}, UNKNOWN_TEXT, object())))
def test_any_value_anywhere_in_a_resource_is_judged_without_a_crash(data: st.DataObject, value: Any) -> None:
    whole: Any = yaml.safe_load(TEXT)
    path = data.draw(st.sampled_from([path for path in paths(whole) if path]))
    for found in lifted("kubernetes:apps/v1:Deployment", "plc", placed(whole, path, value)):
        assert found.where
