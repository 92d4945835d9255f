"""Kubelet and runtime files: what is rendered is read back; nothing that is broken gets past a clear error."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from quietcore.errors import QuietcoreError
from quietcore.render import crio_conf, kubelet
from quietcore.render.yaml_document import decoded, documents
from quietcore.render.yaml_text import yaml_text
from quietcore.spec.kubelet import KubeletSpec, MemoryReservation
from quietcore.spec.runtime import ContainerRuntimeSpec
from quietcore.units import CpuSet, Duration, Quantity

words = st.from_regex(r"[a-z][a-z-]{0,11}", fullmatch=True)
cpus = st.frozensets(st.integers(0, 255), min_size=1, max_size=6).map(CpuSet)
spans = st.integers(1, 10**12).map(Duration)
amounts = st.integers(0, 10**24).map(Quantity) | st.integers(0, 1 << 40).map(Quantity.of)
amounts_of = st.dictionaries(st.sampled_from(("cpu", "memory", "pid", "hugepages-2Mi")), amounts, max_size=3)
texts = st.dictionaries(words, st.sampled_from(("true", "false", "10%", "100Mi", "5")), max_size=3)
unknown = st.dictionaries(
    words.map(lambda word: f"x-{word}"),
    st.recursive(
        st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
        max_leaves=5,
    ).filter(lambda value: value is not None),
    max_size=2,
)
kubelets = st.builds(
    KubeletSpec,
    cpu_manager_policy=st.none() | words,
    cpu_manager_options=texts,
    cpu_manager_reconcile_period=st.none() | spans,
    reserved_cpus=st.none() | cpus,
    kube_reserved=amounts_of,
    system_reserved=amounts_of,
    kube_reserved_cgroup=st.none() | words,
    eviction_hard=st.none() | texts,
    memory_manager_policy=st.none() | words,
    reserved_memory=st.lists(st.builds(MemoryReservation, node=st.integers(0, 7), limits=amounts_of), max_size=3).map(
        tuple
    ),
    topology_manager_policy=st.none() | words,
    topology_manager_scope=st.none() | words,
    topology_manager_options=texts,
    feature_gates=st.dictionaries(words, st.booleans(), max_size=2),
    cgroup_driver=st.none() | words,
    fail_swap_on=st.none() | st.booleans(),
    cpu_cfs_quota=st.none() | st.booleans(),
    cpu_cfs_quota_period=st.none() | spans,
    fragment=st.booleans(),
    unknown=unknown,
)
handlers = st.dictionaries(words, st.lists(words, max_size=2).map(tuple), max_size=2)
crios = st.builds(
    ContainerRuntimeSpec,
    kind=st.just("crio"),
    cgroup_manager=st.none() | words,
    infra_cpus=st.none() | cpus,
    shared_cpus=st.none() | cpus,
    handlers=handlers,
    workloads=st.lists(words, unique=True, max_size=2).map(lambda names: tuple(sorted(names))),
)
containerds = st.builds(
    ContainerRuntimeSpec,
    kind=st.just("containerd"),
    config_version=st.sampled_from((2, 3)),
    cgroup_manager=st.sampled_from((None, "systemd", "cgroupfs")),
    handlers=st.dictionaries(words, st.lists(words, max_size=2).map(tuple), min_size=1, max_size=2),
)
GOOD = kubelet.render(
    KubeletSpec(
        cpu_manager_policy="static",
        cpu_manager_options={"full-pcpus-only": "true"},
        reserved_cpus=CpuSet([0, 1]),
        reserved_memory=(MemoryReservation(node=0, limits={"memory": Quantity.parse("1100Mi")}),),
        eviction_hard={"memory.available": "100Mi"},
    )
)
CRIO = crio_conf.render(ContainerRuntimeSpec(kind="crio", infra_cpus=CpuSet([0, 1]), handlers={"runc": ("a",)}))


@given(kubelets)
def test_a_kubelet_configuration_is_read_back(spec: KubeletSpec) -> None:
    text = kubelet.render(spec)
    assert kubelet.lift(text) == spec
    assert kubelet.render(kubelet.lift(text)) == text


@given(kubelets, st.randoms(use_true_random=False))
def test_order_and_layout_of_a_kubelet_file_change_nothing(spec: KubeletSpec, chance: Any) -> None:
    [document] = documents(kubelet.render(spec))
    assert kubelet.lift(json.dumps(_shuffled(document.data, chance))) == spec


@given(crios | containerds)
def test_a_runtime_configuration_is_read_back(spec: ContainerRuntimeSpec) -> None:
    assert crio_conf.lift(crio_conf.render(spec)) == spec


@given(amounts)
def test_an_amount_is_read_back(amount: Quantity) -> None:
    assert Quantity.parse(str(amount)) == amount


@given(st.data())
def test_a_broken_kubelet_file_is_a_clear_error(data: st.DataObject) -> None:
    _survives(kubelet.lift, _broken(data, GOOD))


@given(st.data())
def test_a_broken_runtime_file_is_a_clear_error(data: st.DataObject) -> None:
    _survives(crio_conf.lift, _broken(data, CRIO))


@given(st.text())
@example("\t")
@example("a: [\n")
@example("&a a: *a")
@example("? ? ? ?")
def test_any_text_is_documents_or_a_clear_error(text: str) -> None:
    _survives(documents, text)
    _survives(crio_conf.lift, text)


@given(st.binary())
def test_any_bytes_are_documents_or_a_clear_error(content: bytes) -> None:
    _survives(lambda text, name: documents(decoded(content, name), name), "")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(kubelet.KEYS.values())), values)
def test_a_field_of_any_type_is_read_or_refused_with_its_line(key: str, value: Any) -> None:
    text = yaml_text({"apiVersion": kubelet.API, "kind": kubelet.KIND, key: value})
    _survives(kubelet.lift, text)


def _broken(data: st.DataObject, text: str) -> str:
    """The text with a piece cut out, doubled, or replaced by something nasty."""
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    return (
        text[:start]
        + data.draw(st.sampled_from(("", "\t", "\x00", "{", "[", '"', "*a", "&a ", ": ", "\n- ", text)))
        + text[end:]
    )


def _shuffled(data: Any, chance: Any) -> Any:
    """The same data with the keys of every mapping in another order."""
    if isinstance(data, list):
        return [_shuffled(each, chance) for each in data]
    if not isinstance(data, dict):
        return data
    keys = list(data)
    chance.shuffle(keys)
    return {key: _shuffled(data[key], chance) for key in keys}


def _survives(read: Any, text: str) -> None:
    refused = None
    try:
        read(text, "f")
    except QuietcoreError as error:
        refused = error
    assert refused is None or (refused.where.startswith("f") and refused.hint)
