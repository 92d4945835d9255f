"""Kubelet and runtime files as people write them, and the lines of what a kubelet would refuse."""

import pytest

from quietcore.render import crio_conf, kubelet
from quietcore.render.yaml_document import YamlError
from quietcore.units import CpuSet, Duration, Quantity

OPENSHIFT = """\
apiVersion: machineconfiguration.openshift.io/v1
kind: KubeletConfig
metadata:
  creationTimestamp: null
  name: performance-manual
spec:
  kubeletConfig:
    apiVersion: kubelet.config.k8s.io/v1beta1
    authentication:
      anonymous: {}
      webhook:
        cacheTTL: 0s
    containerRuntimeEndpoint: ""
    cpuManagerPolicy: static
    cpuManagerPolicyOptions:
      full-pcpus-only: "true"
    cpuManagerReconcilePeriod: 5s
    evictionHard:
      imagefs.available: 15%
      memory.available: 100Mi
    kind: KubeletConfiguration
    kubeReserved:
      memory: 500Mi
    memoryManagerPolicy: Static
    reservedMemory:
    - limits:
        memory: 1100Mi
      numaNode: 0
    reservedSystemCPUs: 0-1
    runtimeRequestTimeout: 0s
    shutdownGracePeriod: 0s
    systemReserved:
      memory: 500Mi
    topologyManagerPolicy: single-numa-node
  machineConfigPoolSelector:
    matchLabels: {}
"""


def test_openshifts_kubelet_config_is_read_as_a_part_of_one() -> None:
    spec = kubelet.lift(OPENSHIFT)
    assert spec.fragment
    assert spec.static_cpus
    assert spec.chooses("full-pcpus-only")
    assert spec.reserved_cpus == CpuSet([0, 1])
    assert spec.cpu_manager_reconcile_period == Duration.parse("5s")
    assert spec.reserved("memory") == Quantity.parse("1000Mi")
    assert spec.reserved_memory[0].limits == {"memory": Quantity.parse("1100Mi")}
    assert {"authentication", "runtimeRequestTimeout"} <= set(spec.unknown)


def test_a_served_configuration_is_read() -> None:
    spec = kubelet.lift('{"kubeletconfig": {"cpuManagerPolicy": "static", "reservedSystemCPUs": "0", "port": 10250}}')
    assert (spec.cpu_manager_policy, spec.reserved_cpus, spec.unknown) == ("static", CpuSet([0]), {"port": 10250})


def test_the_one_among_kubeadms_documents_is_read() -> None:
    text = (
        f"apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n---\nkind: {kubelet.KIND}\nfailSwapOn: false"
    )
    assert kubelet.lift(text).fail_swap_on is False


@pytest.mark.parametrize(
    ("body", "line", "said"),
    [
        ("cpuManagerPolicyOptions:\n  full-pcpus-only: true", 3, 'write it in quotes: "true"'),
        ("kubeReserved:\n  cpu: 1", 3, 'write it in quotes: "1"'),
        ("reservedSystemCPUs: 0", 2, 'write it in quotes: "0"'),
        ("reservedSystemCPUs: 0-7:2/4", 2, "not a CPU list"),
        ("failSwapOn: 'false'", 2, "without quotes"),
        ("systemReserved:\n  memory: 1GiB", 3, 'write "1Gi"'),
        ("reservedMemory:\n- numaNode: '0'", 3, "not a whole number"),
        ("reservedMemory:\n  numaNode: 0", 2, "not a list"),
        ("evictionHard:\n- memory", 2, "not a mapping"),
        ("cpuManagerReconcilePeriod: 10", 2, "not text"),
        ('cpuManagerReconcilePeriod: "10"', 2, 'write "10s"'),
        ("featureGates:\n  A: 1", 3, "not true or false"),
    ],
)
def test_a_wrong_type_is_named_with_its_line(body: str, line: int, said: str) -> None:
    with pytest.raises(YamlError) as refused:
        kubelet.lift(f"kind: {kubelet.KIND}\n{body}\n", "k.yaml")
    assert refused.value.where == f"k.yaml, line {line}"
    assert said in str(refused.value)


def test_no_configuration_and_several_are_refused() -> None:
    with pytest.raises(YamlError, match="no kubelet configuration"):
        kubelet.lift("kind: Pod", "k.yaml")
    with pytest.raises(YamlError, match="begin on lines 1, 2"):
        kubelet.lift(f"kind: {kubelet.KIND}\n---\nkind: {kubelet.KIND}\n", "k.yaml")


def test_amounts_of_reserved_memory_may_be_numbers() -> None:
    text = f"kind: {kubelet.KIND}\nreservedMemory:\n- limits: {{memory: 1073741824, hugepages-2Mi: 1.5Gi}}\n"
    assert kubelet.lift(text).reserved_memory[0].limits == {
        "memory": Quantity.parse("1Gi"),
        "hugepages-2Mi": Quantity.parse("1536Mi"),
    }


@pytest.mark.parametrize(
    ("text", "microseconds"), [("10s", 10**7), ("1.5h", 5400 * 10**6), ("1m30s", 9 * 10**7), ("1500ns", 2), ("0", 0)]
)
def test_go_durations_are_read(text: str, microseconds: int) -> None:
    assert kubelet.duration(text).microseconds == microseconds


CRIO = """\
[crio.runtime]
infra_ctr_cpuset = "0-1"
shared_cpuset = "2,3"
cgroup_manager = "systemd"
log_level = "info"
[crio.runtime.runtimes.high-performance]
runtime_path = "/bin/runc"
allowed_annotations = ["cpu-load-balancing.crio.io"]
[crio.runtime.workloads.management]
activation_annotation = "target.workload.openshift.io/management"
"""


def test_crios_drop_in_is_read_and_the_rest_is_named() -> None:
    spec = crio_conf.lift(CRIO)
    assert (spec.kind, spec.infra_cpus, spec.shared_cpus) == ("crio", CpuSet([0, 1]), CpuSet([2, 3]))
    assert spec.handlers == {"high-performance": ("cpu-load-balancing.crio.io",)}
    assert spec.workloads == ("management",)
    assert spec.unread == ("crio.runtime.log_level", "crio.runtime.workloads.management.activation_annotation")


@pytest.mark.parametrize(
    ("options", "version", "driver"),
    [
        ("SystemdCgroup = true", 2, "systemd"),
        ("SystemdCgroup = false", 2, "cgroupfs"),
        ("", 2, "cgroupfs"),
        ("", 3, None),
    ],
)
def test_containerds_cgroup_driver_is_what_runc_is_told(options: str, version: int, driver: str | None) -> None:
    plugin = "io.containerd.cri.v1.runtime" if version == 3 else "io.containerd.grpc.v1.cri"
    table = f'[plugins."{plugin}".containerd.runtimes.runc.options]'
    assert crio_conf.lift(f"version = {version}\n{table}\n{options}\n").cgroups == driver


def test_a_later_drop_in_wins_where_it_speaks() -> None:
    over = crio_conf.laid_over(crio_conf.lift(CRIO), crio_conf.lift('[crio.runtime]\ninfra_ctr_cpuset = "0"\n'))
    assert (over.infra_cpus, over.shared_cpus) == (CpuSet([0]), CpuSet([2, 3]))
    assert over.handlers == {"high-performance": ("cpu-load-balancing.crio.io",)}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[crio.runtime]\ninfra_ctr_cpuset = 0\n", "c.conf, crio.runtime.infra_ctr_cpuset"),
        ('[crio.runtime]\ninfra_ctr_cpuset = "x"\n', "c.conf, crio.runtime.infra_ctr_cpuset"),
        ("[crio]\nruntime = 5\n", "c.conf, crio.runtime"),
        ("[crio.runtime]\nx = \n", "c.conf, line 2"),
        ("[other]\n", "c.conf"),
        ("a = " + "[" * 5000, "c.conf"),
    ],
)
def test_a_broken_runtime_file_is_refused_by_place(text: str, where: str) -> None:
    with pytest.raises(crio_conf.RuntimeConfError) as refused:
        crio_conf.lift(text, "c.conf")
    assert refused.value.where.startswith(where)
    assert refused.value.hint
