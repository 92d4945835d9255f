"""Whole sites as files: a sound host with its guest, and mistakes in them."""

from __future__ import annotations

from hypothesis import strategies as st
from tests.lint.sample import KUBELET, good

from quietcore.spec import Cell, HostTopology
from quietcore.units import CpuSet, Size

POD = """apiVersion: v1
kind: Pod
metadata:
  name: motion
spec:
  runtimeClassName: performance
  containers:
  - name: loop
    image: registry.example/loop
    command: [chrt, -f, "40", loop]
    resources:
      requests: {cpu: "2", memory: 1Gi}
      limits: {cpu: "2", memory: 1Gi}
"""

MISTAKES: tuple[tuple[str, str, str], ...] = (
    ("hv1/plc.xml", "vcpus='1-3'", "vcpus='1-4'"),
    ("hv1/plc.xml", "vcpus='1-3'", "vcpus='0-3'"),
    ("hv1/plc.xml", "vcpupin vcpu='1' cpuset='2'", "vcpupin vcpu='1' cpuset='0-2'"),
    ("hv1/plc.xml", "vcpupin vcpu='2' cpuset='3'", "vcpupin vcpu='2' cpuset='2'"),
    ("hv1/plc.xml", "emulatorpin cpuset='0-1'", "emulatorpin cpuset='2-3'"),
    ("hv1/plc.xml", "<locked/>", ""),
    ("hv1/plc.xml", "<nosharepages/>", ""),
    ("hv1/plc.xml", "mode='strict'", "mode='preferred'"),
    ("hv1/plc.xml", "memballoon model='none'", "memballoon model='virtio'"),
    ("hv1/plc.xml", "mode='host-passthrough' migratable='off'", "mode='host-model'"),
    ("hv1/plc.xml", "priority='1'", "priority='99'"),
    ("hv1/plc.xml", "<memory unit='GiB'>2<", "<memory unit='MiB'>2500<"),
    ("hv1/plc.xml", "<pmu state='off'/>", ""),
    ("hv1/cmdline", "nohz_full=2-7", "nohz_full=2-6"),
    ("hv1/cmdline", "rcu_nocbs=2-7", "rcu_nocbs=3-7"),
    ("hv1/cmdline", "irqaffinity=0-1", "irqaffinity=0-2"),
    ("hv1/cmdline", "nosoftlockup ", ""),
    ("hv1/cmdline", "skew_tick=1", "skew_tick=0"),
    ("hv1/cmdline", "hugepages=4", "hugepages=1"),
    ("hv1/cmdline", "tsc=reliable", "idle=poll"),
    ("hv1/plc/cmdline", "isolcpus=managed_irq,domain,1-3", "isolcpus=managed_irq,domain,2-3"),
    ("hv1/plc/cmdline", "nohz_full=1-3", "nohz_full=0-3"),
    ("hv1/kubelet.yaml", '"0-1"', '"0-2"'),
    ("hv1/kubelet.yaml", "static", "none"),
    ("hv1/kubelet.yaml", "single-numa-node", "none"),
    ("hv1/pod.yaml", 'requests: {cpu: "2"', 'requests: {cpu: "1500m"'),
    ("hv1/pod.yaml", 'limits: {cpu: "2", memory: 1Gi}', "limits: {memory: 1Gi}"),
    ("hv1/pod.yaml", '"40"', '"99"'),
    ("hv1/pod.yaml", "  runtimeClassName: performance\n", ""),
)
"""File, what stands in it, and the mistake in its place; a second one of the same place does nothing."""


@st.composite
def sites(draw: st.DrawFn) -> dict[str, str]:
    """The files of a host, by name: with guest, kubelet and pod or without, and with up to six mistakes."""
    site = good() | {"hv1/kubelet.yaml": KUBELET, "hv1/pod.yaml": POD}
    for name in draw(st.sets(st.sampled_from(sorted(site)), max_size=3)):
        del site[name]
    for name, said, mistake in draw(st.lists(st.sampled_from(MISTAKES), max_size=6, unique=True)):
        if name in site:
            site[name] = site[name].replace(said, mistake)
    return site


@st.composite
def topologies(draw: st.DrawFn) -> HostTopology:
    """One to four cells of one to six cores with one or two threads, numbered as x86 does or thread beside thread."""
    count, each, threads = draw(st.integers(1, 4)), draw(st.integers(1, 6)), draw(st.sampled_from([1, 2]))
    beside = draw(st.booleans())
    total = count * each
    cores = [
        CpuSet(core * threads + thread if beside else core + thread * total for thread in range(threads))
        for core in range(total)
    ]
    pages = st.dictionaries(st.sampled_from([Size.parse("2MiB"), Size.parse("1GiB")]), st.integers(1, 4096))
    cells = tuple(
        Cell(
            id=number,
            cpus=CpuSet().union(cores[number * each : (number + 1) * each]),
            memory=Size.mib(draw(st.integers(1, 1 << 20))),
            socket=number // 2,
            pages=draw(pages),
        )
        for number in range(count)
    )
    return HostTopology(
        arch=draw(st.sampled_from(["x86_64", "aarch64"])),
        vendor=draw(st.sampled_from(["", "Intel", "AMD"])),
        model=draw(st.sampled_from(["", "Icelake-Server"])),
        cells=cells,
        cores=tuple(cores) if threads > 1 else (),
    )
