"""Reading and writing PerformanceProfiles."""

import copy
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from quietcore.errors import QuietcoreError
from quietcore.render.performance_profile import lift, render
from quietcore.spec import PerformanceProfileSpec
from quietcore.spec.performance_profile import HardwareTuning, ProfileDevice, ProfilePages, WorkloadHints
from quietcore.units import CpuSet

FULL = """
apiVersion: performance.openshift.io/v2
kind: PerformanceProfile
metadata:
  name: du-large
  annotations:
    kubeletconfig.experimental: |
      {"allowedUnsafeSysctls": ["net.core.somaxconn"]}
spec:
  additionalKernelArgs: [rcupdate.rcu_normal_after_boot=0, efi=runtime]
  cpu: {reserved: "0-1,32-33", isolated: "2-15,34-47", offlined: "16-31,48-63", balanceIsolated: false}
  globallyDisableIrqLoadBalancing: true
  hardwareTuning: {isolatedCpuFreq: 2500000, reservedCpuFreq: 2800000}
  hugepages:
    defaultHugepagesSize: 1G
    pages:
    - {size: 1G, count: 16, node: 0}
    - {size: 2M, count: 128}
  kernelPageSize: 4k
  machineConfigPoolSelector: {pools.operator.machineconfiguration.openshift.io/master: ""}
  net:
    userLevelNetworking: true
    devices:
    - interfaceName: "!eno1"
    - {vendorID: "0x8086", deviceID: "0x1593"}
  nodeSelector: {node-role.kubernetes.io/master: ""}
  numa: {topologyPolicy: restricted}
  realTimeKernel: {enabled: true}
  workloadHints: {realTime: true, highPowerConsumption: false, perPodPowerManagement: true, mixedCpus: false}
status:
  tuned: openshift-cluster-node-tuning-operator/openshift-node-performance-du-large
"""


def in_spec(text: str) -> str:
    return f"apiVersion: performance.openshift.io/v2\nkind: PerformanceProfile\nmetadata: {{name: x}}\nspec:\n{text}"


def test_every_field_is_read() -> None:
    profile = lift(FULL)
    assert profile == PerformanceProfileSpec(
        name="du-large",
        annotations={"kubeletconfig.experimental": '{"allowedUnsafeSysctls": ["net.core.somaxconn"]}\n'},
        reserved=CpuSet.parse("0-1,32-33"),
        isolated=CpuSet.parse("2-15,34-47"),
        offlined=CpuSet.parse("16-31,48-63"),
        balance_isolated=False,
        default_page_size="1G",
        pages=(ProfilePages(size="1G", count=16, node=0), ProfilePages(size="2M", count=128)),
        realtime_kernel=True,
        kernel_page_size="4k",
        hints=WorkloadHints(real_time=True, high_power=False, per_pod_power=True, mixed_cpus=False),
        topology_policy="restricted",
        node_selector={"node-role.kubernetes.io/master": ""},
        pool_selector={"pools.operator.machineconfiguration.openshift.io/master": ""},
        user_level_networking=True,
        devices=(ProfileDevice(interface="!eno1"), ProfileDevice(vendor="0x8086", device="0x1593")),
        hardware_tuning=HardwareTuning(isolated=2500000, reserved=2800000),
        kernel_args=("rcupdate.rcu_normal_after_boot=0", "efi=runtime"),
        irqs_off_isolated=True,
    )


def test_a_profile_may_stand_among_other_documents_and_be_of_an_older_version() -> None:
    other = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n"
    assert lift(other + in_spec("  cpu: {reserved: '0', isolated: '1'}").replace("/v2", "/v1")).isolated == CpuSet([1])


def test_what_no_rule_speaks_of_is_kept_by_its_path() -> None:
    text = in_spec(
        "  cpu: {reserved: '0', isolated: '1', quiet: '2'}\n  net:\n    devices:\n    - {pciPath: x}\n  b.c: {d: 1}\n"
    )
    assert lift(text).unread == ("spec.cpu.quiet", "spec.net.devices[0].pciPath", "spec.b.c")


@pytest.mark.parametrize(
    ("body", "where", "said"),
    [
        ("  cpu:\n    reserved: 0\n", "p.yaml, line 6, spec.cpu.reserved", '"0"'),
        ("  cpu:\n    isolated: 0-7:1/2\n", "p.yaml, line 6, spec.cpu.isolated", "strides"),
        ("  cpu:\n    isolated: 4-1\n", "p.yaml, line 6, spec.cpu.isolated", "1-4"),
        ("  cpu:\n    isolated: 1, 2\n", "p.yaml, line 6, spec.cpu.isolated", "blanks"),
        ("  cpu: 0-7\n", "p.yaml, line 5, spec.cpu", "a mapping"),
        ("  cpu:\n    balanceIsolated: 'no'\n", "p.yaml, line 6, spec.cpu.balanceIsolated", "true or false"),
        ("  net:\n    devices:\n    - vendorID: 0x8086\n", "p.yaml, line 7, spec.net.devices[0].vendorID", "quotes"),
        ("  net:\n    devices: ens1\n", "p.yaml, line 6, spec.net.devices", "a list"),
        (
            "  hugepages:\n    pages:\n    - {size: 1G, count: -1}\n",
            "p.yaml, line 7, spec.hugepages.pages[0].count",
            "0",
        ),
        ("  hugepages:\n    pages: [1G]\n", "p.yaml, line 6, spec.hugepages.pages[0]", "a mapping"),
        ("  hardwareTuning: 5\n", "p.yaml, line 5, spec.hardwareTuning", "a mapping"),
        ("  nodeSelector: [a]\n", "p.yaml, line 5, spec.nodeSelector", "a mapping"),
        ("  nodeSelector: {a: true}\n", "p.yaml, line 5, spec.nodeSelector.a", "true"),
        ("  additionalKernelArgs: [5]\n", "p.yaml, line 5, spec.additionalKernelArgs[0]", '"5"'),
    ],
)
def test_a_field_of_the_wrong_kind_is_refused_with_its_line(body: str, where: str, said: str) -> None:
    with pytest.raises(QuietcoreError) as refused:
        lift(in_spec(body), "p.yaml")
    assert refused.value.where == where
    assert said in refused.value.text()


@pytest.mark.parametrize("text", ["", "kind: Pod\n", "kind: PerformanceProfile\napiVersion: apps/v1\n", "- a\n"])
def test_a_text_without_a_profile_is_refused(text: str) -> None:
    with pytest.raises(QuietcoreError, match="not a profile"):
        lift(text, "p.yaml")


def test_two_profiles_in_a_text_are_refused() -> None:
    with pytest.raises(QuietcoreError, match="2 PerformanceProfiles"):
        lift(f"{FULL}---{FULL}")


texts = st.text(st.characters(codec="ascii", exclude_categories=("C",)), max_size=12)
maybe = st.none() | st.booleans()
cpu_sets = st.none() | st.frozensets(st.integers(0, 255), max_size=6).map(CpuSet)
numbers = st.integers(0, 1 << 31)
labels = st.none() | st.dictionaries(texts, texts, max_size=2)
profiles = st.builds(
    PerformanceProfileSpec,
    name=texts,
    annotations=st.dictionaries(texts, texts, max_size=2),
    reserved=cpu_sets,
    isolated=cpu_sets,
    offlined=cpu_sets,
    shared=cpu_sets,
    vswitch=cpu_sets,
    balance_isolated=maybe,
    default_page_size=st.none() | texts,
    pages=st.lists(st.builds(ProfilePages, size=texts, count=numbers, node=st.none() | numbers), max_size=2).map(tuple),
    realtime_kernel=maybe,
    kernel_page_size=st.none() | texts,
    hints=st.builds(WorkloadHints, real_time=maybe, high_power=maybe, per_pod_power=maybe, mixed_cpus=maybe),
    topology_policy=st.none() | texts,
    node_selector=labels,
    machine_config_label=labels,
    pool_selector=labels,
    user_level_networking=maybe,
    devices=st.lists(
        st.builds(ProfileDevice, interface=st.none() | texts, vendor=st.none() | texts, device=st.none() | texts),
        max_size=2,
    ).map(tuple),
    hardware_tuning=st.none() | st.builds(HardwareTuning, isolated=st.none() | numbers, reserved=st.none() | numbers),
    kernel_args=st.lists(texts, max_size=2).map(tuple),
    irqs_off_isolated=maybe,
)


@settings(max_examples=60, deadline=None)
@given(profile=profiles)
def test_what_is_lifted_from_a_rendering_is_what_was_rendered(profile: PerformanceProfileSpec) -> None:
    assert lift(render(profile)) == profile


@settings(max_examples=150, deadline=None)
@given(cut=st.integers(0, len(FULL)), put=st.text(max_size=8), drop=st.integers(0, 8))
def test_a_broken_profile_is_read_or_refused_and_nothing_else(cut: int, put: str, drop: int) -> None:
    refused: QuietcoreError | None = None
    try:
        lift(FULL[:cut] + put + FULL[cut + drop :], "p.yaml")
    except QuietcoreError as fault:
        refused = fault
    assert refused is None or "p.yaml" in refused.where


def paths(data: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = list(data.items()) if isinstance(data, dict) else list(enumerate(data)) if isinstance(data, list) else []
    return [at, *(path for key, value in inner for path in paths(value, (*at, key)))]


DATA = yaml.safe_load(FULL)
things = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None)
@given(path=st.sampled_from([path for path in paths(DATA) if path]), put=things)
def test_a_value_of_any_kind_anywhere_is_read_or_refused(path: tuple[Any, ...], put: object) -> None:
    data = copy.deepcopy(DATA)
    here = data
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = put
    refused: QuietcoreError | None = None
    try:
        lift(yaml.safe_dump(data), "p.yaml")
    except QuietcoreError as fault:
        refused = fault
    assert refused is None or "p.yaml" in refused.where
