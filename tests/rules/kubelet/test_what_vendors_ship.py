"""Files in the shape that vendors and guides ship as good: no kubelet rule speaks."""

from __future__ import annotations

import pytest

from quietcore.render import crio_conf, kubelet
from quietcore.rules.examples import cpus
from quietcore.rules.judge import findings
from quietcore.rules.kubelet.examples import hardware, pod, shares, worker
from quietcore.spec import KubeletSpec, MachineFacts, MachineSpec, PerformanceProfileSpec

OPERATOR = """\
apiVersion: machineconfiguration.openshift.io/v1
kind: KubeletConfig
metadata:
  name: performance-manual
spec:
  kubeletConfig:
    apiVersion: kubelet.config.k8s.io/v1beta1
    kind: KubeletConfiguration
    cpuManagerPolicy: static
    cpuManagerReconcilePeriod: 5s
    evictionHard: {imagefs.available: 15%, memory.available: 100Mi, nodefs.available: 10%, nodefs.inodesFree: 5%}
    kubeReserved: {memory: 500Mi}
    systemReserved: {memory: 500Mi}
    reservedSystemCPUs: 0-1
"""
SINGLE = """\
    cpuManagerPolicyOptions: {full-pcpus-only: "true"}
    memoryManagerPolicy: Static
    reservedMemory: [{numaNode: 0, limits: {memory: 1100Mi}}]
    topologyManagerPolicy: single-numa-node
"""
RESTRICTED = SINGLE.replace("single-numa-node", "restricted").replace(
    '    cpuManagerPolicyOptions: {full-pcpus-only: "true"}\n', ""
)
BEST_EFFORT = "    topologyManagerPolicy: best-effort\n"
RUNTIME = '[crio.runtime]\ninfra_ctr_cpuset = "0-1"\n[crio.runtime.runtimes.high-performance]\nruntime_type = "oci"\n'

GUIDE = """\
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: systemd
cpuManagerPolicy: static
reservedSystemCPUs: "0-1"
memoryManagerPolicy: Static
kubeReserved: {cpu: 500m, memory: 512Mi}
systemReserved: {cpu: 500m, memory: 512Mi}
evictionHard: {memory.available: 100Mi}
reservedMemory:
- numaNode: 0
  limits: {memory: 1124Mi}
topologyManagerPolicy: single-numa-node
topologyManagerScope: pod
"""
STARLINGX = """\
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
cpuManagerPolicy: static
reservedSystemCPUs: "0-1,4-7"
topologyManagerPolicy: best-effort
failSwapOn: false
"""
KUBEADM = """\
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}}
cgroupDriver: systemd
clusterDNS: [10.96.0.10]
cpuManagerReconcilePeriod: 0s
rotateCertificates: true
staticPodPath: /etc/kubernetes/manifests
"""


def codes(machine: MachineSpec) -> set[str]:
    return {finding.code for finding in findings(machine) if finding.code.startswith("K")}


@pytest.mark.parametrize("extra", [SINGLE, RESTRICTED, BEST_EFFORT], ids=["single", "restricted", "best-effort"])
@pytest.mark.parametrize("by", ["plan", "profile"])
def test_what_openshifts_operator_makes_is_good(extra: str, by: str) -> None:
    profile = PerformanceProfileSpec(name="cnf", reserved=cpus("0-1"), isolated=cpus("2-7"))
    machine = worker(
        kubelet.lift(OPERATOR + extra),
        plan=shares("nto") if by == "plan" else None,
        profile=profile if by == "profile" else None,
        runtime=crio_conf.lift(RUNTIME),
        topology=hardware(2, threads=2),
        facts=MachineFacts(kernel="rt", kubelet_version="1.35"),
    )
    assert codes(machine) == set()


def test_the_same_file_alone_is_good() -> None:
    assert codes(worker(kubelet.lift(OPERATOR + SINGLE), topology=hardware(2))) == set()


def test_a_guides_worker_with_static_memory_is_good() -> None:
    runtime = crio_conf.lift(
        'version = 2\n[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]\nSystemdCgroup = true\n'
    )
    machine = worker(kubelet.lift(GUIDE), runtime=runtime, topology=hardware(2), pods=(pod("plc", 2000, 1000),))
    assert codes(machine) == set()


def test_starlingxs_reservation_is_good_in_its_dialect() -> None:
    plan = shares("starlingx", isolated="4-7", shared="2-3")
    assert codes(worker(kubelet.lift(STARLINGX), plan=plan, topology=hardware(2, threads=2))) == set()


def test_an_ordinary_worker_is_none_of_our_business() -> None:
    ordinary = worker(
        kubelet.lift(KUBEADM),
        plan=None,
        isolated=cpus(""),
        topology=hardware(2, threads=2),
        pods=(pod("web", 2000),),
        version="1.35",
    )
    assert codes(ordinary) == set()
    assert codes(MachineSpec(kubelet=KubeletSpec())) == set()
