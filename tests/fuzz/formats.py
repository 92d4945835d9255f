"""Every format that is lifted: by what, from which sound files, and how an error of it tells its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import Any

from tests.lint.sample import CMDLINE, DOMAIN, KUBELET, capabilities
from tests.property.strategies import POD

from quietcore.lint import documents
from quietcore.lint.topology import of_capabilities, of_summary, of_table
from quietcore.render import (
    cmdline,
    crio_conf,
    domain_xml,
    kubelet,
    performance_profile,
    pod,
    tuned_conf,
    tuned_resource,
    virtual_machine,
    yaml_document,
)
from quietcore.spec.topology import topology_of

CORPUS = Path(__file__).parent.parent / "corpus"
CRIO = """[crio.runtime]
cgroup_manager = "systemd"
infra_ctr_cpuset = "0-1"
shared_cpuset = "2"
[crio.runtime.runtimes.high-performance]
runtime_path = "/usr/bin/runc"
allowed_annotations = ["cpu-load-balancing.crio.io", "irq-load-balancing.crio.io"]
"""
CONTAINERD = """version = 2
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = true
"""
TUNED = """[main]
summary=ours
include=realtime-virtual-host
[variables]
include=/etc/tuned/realtime-virtual-host-variables.conf
isolated_cores=${f:cpulist_unpack:2-7}
[sysctl]
kernel.sched_rt_runtime_us=-1
[bootloader]
cmdline_ours=+isolcpus=${isolated_cores} nosoftlockup
"""
GRUB = """GRUB_TIMEOUT=5
GRUB_CMDLINE_LINUX="isolcpus=2-7 nohz_full=2-7"
GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX quiet"
"""
ENTRY = "title Linux\nlinux /vmlinuz\noptions root=/dev/vda1 isolcpus=2-7\n"
TABLE = '{"cpus": [{"cpu":0,"node":0,"socket":0,"core":0,"online":true},\n {"cpu":1,"node":0,"socket":0,"core":1}]}'
SUMMARY = """{"lscpu": [{"field":"Architecture:","data":"x86_64","children":[
{"field":"On-line CPU(s) list:","data":"0-7"}]}]}"""
TOPOLOGY = "arch: x86_64\ncells:\n- {id: 0, cpus: 0-7, memory: 16GiB, pages: {1GiB: 4}}\ncores: [0-1, 2-3, 4-5, 6-7]\n"
LIST = f"apiVersion: v1\nkind: List\nitems:\n- {TOPOLOGY.splitlines()[0]}\n- kind: Pod\n  apiVersion: v1\n"


def _of_corpus(name: str) -> list[str]:
    return [path.read_text() for path in sorted(CORPUS.glob(f"*/{name}"))[:6]]


@dataclass(frozen=True)
class Format:
    """``lift`` takes text and name; ``seeds`` are sound files."""

    lift: Callable[[str, str], Any]
    seeds: tuple[bytes, ...]


def _tuned_object(text: str, name: str) -> list[Any]:
    return [
        tuned_resource.lift(each.data, each.place(()))
        for each in yaml_document.documents(text, name)
        if isinstance(each.data, dict)
    ]


def _variables(text: str, name: str) -> Any:
    """Beside the profile that includes them, and alone."""
    tuned_conf.lift({"ours/tuned.conf": TUNED, f"{name}/realtime-virtual-host-variables.conf": text}, "ours")
    return tuned_conf.lift_isolated({f"{name}/realtime-virtual-host-variables.conf": text})


def _format(lift: Callable[[str, str], Any], *seeds: str) -> Format:
    return Format(lift, tuple(seed.encode() for seed in seeds))


TUNED_OBJECT = f"""apiVersion: tuned.openshift.io/v1
kind: Tuned
metadata: {{name: ours}}
spec:
  profile:
  - name: ours
    data: |
{indent(TUNED, "      ")}  recommend:
  - {{profile: ours, priority: 20, match: [{{label: a}}]}}
"""

FORMATS = {
    "domain": _format(domain_xml.lift, DOMAIN, *_of_corpus("domain.xml")),
    "capabilities": _format(of_capabilities, capabilities(4, 2), *_of_corpus("capabilities.xml")[:2]),
    "lscpu table": _format(of_table, TABLE),
    "lscpu summary": _format(of_summary, SUMMARY),
    "command line": _format(cmdline.lift, CMDLINE, GRUB, ENTRY),
    "runtime": _format(crio_conf.lift, CRIO, CONTAINERD),
    "kubelet": _format(kubelet.lift, KUBELET, *_of_corpus("kubelet.yaml")),
    "pod": _format(pod.lift, POD, *_of_corpus("pod.yaml")),
    "virtual machine": _format(virtual_machine.lift, *_of_corpus("vm.yaml")),
    "performance profile": _format(performance_profile.lift, *_of_corpus("performanceprofile.yaml")),
    "tuned profile": _format(tuned_conf.lift, TUNED, *_of_corpus("tuned.conf")),
    "tuned variables": _format(_variables, "isolated_cores=2-7\nisolate_managed_irq=Y\n"),
    "tuned object": _format(_tuned_object, TUNED_OBJECT),
    "topology": _format(topology_of, TOPOLOGY),
    "documents": _format(documents.of_text, TOPOLOGY, LIST, POD, KUBELET, TUNED_OBJECT),
}
EVERY_SEED = tuple(seed for each in FORMATS.values() for seed in each.seeds)
