"""KubeVirt's machines as their authors write them."""

from __future__ import annotations

import pytest

from quietcore.render.virtual_machine import lift
from quietcore.rules.judge import findings
from quietcore.rules.tuned.examples import theirs
from quietcore.rules.workload.examples import virtual_machine, worker
from quietcore.rules.workload.virtual_machine import D45
from quietcore.spec import MachineSpec

GOOD = """
apiVersion: kubevirt.io/v1
kind: VirtualMachine
metadata: {name: plc}
spec:
  template:
    spec:
      domain:
        cpu:
          cores: 4
          dedicatedCpuPlacement: true
          isolateEmulatorThread: true
          realtime: {mask: "2-3"}
          numa: {guestMappingPassthrough: {}}
        memory: {hugepages: {pageSize: 1Gi}}
        resources: {requests: {memory: 4Gi}, limits: {memory: 4Gi}}
"""
MISTAKES = {
    "as it should be": ("", "", []),
    "all vCPUs": ('{mask: "2-3"}', "{}", []),
    "D43 no dedicated CPUs": ("dedicatedCpuPlacement: true", "dedicatedCpuPlacement: false", ["D43", "D44"]),
    "D43 no passthrough": ("numa: {guestMappingPassthrough: {}}", "", ["D43"]),
    "D43 no hugepages": ("hugepages: {pageSize: 1Gi}", "guest: 4Gi", ["D43"]),
    "D43 passthrough without dedicated CPUs": (
        "dedicatedCpuPlacement: true\n          isolateEmulatorThread: true\n          realtime",
        "x",
        ["D43"],
    ),
    "not real-time": ('realtime: {mask: "2-3"}\n          numa: {guestMappingPassthrough: {}}', "", []),
    "D44 no cores": ("cores: 4", "", ["D44"]),
    "sockets": ("cores: 4", "sockets: 2", []),
    "D44 half a CPU": ("requests: {memory: 4Gi}", "requests: {cpu: 3500m}", ["D44"]),
    "no CPU is as if it were not there": ("requests: {memory: 4Gi}", "requests: {cpu: 0}", []),
    "D44 no CPU at all": ("cores: 4", "cores: 0", ["D44"]),
    "D44 other CPUs than vCPUs": ("requests: {memory: 4Gi}", "requests: {cpu: 3}", ["D44"]),
    "whole CPUs": ("requests: {memory: 4Gi}", "requests: {cpu: 4}", []),
    "D44 more memory than asked for": ("requests: {memory: 4Gi}", "requests: {memory: 3Gi}", ["D44"]),
    "D44 more CPUs than asked for": (
        "{requests: {memory: 4Gi}, limits: {memory: 4Gi}}",
        "{requests: {cpu: 3}, limits: {cpu: 4}}",
        ["D44"],
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_found_and_nothing_else(mistake: str) -> None:
    old, new, expected = MISTAKES[mistake]
    assert old in GOOD
    (machine,) = lift(GOOD.replace(old, new, 1), "vm.yaml")
    assert sorted({found.code for found in findings(machine)}) == expected


def test_an_instance_type_may_say_what_the_machine_does_not() -> None:
    text = GOOD.replace("spec:\n  template", "spec:\n  instancetype: {name: rt}\n  template").replace("cores: 4", "")
    (machine,) = lift(text.replace("numa: {guestMappingPassthrough: {}}", ""), "vm.yaml")
    assert findings(machine) == []


def test_an_instance_is_read_like_the_machine_that_makes_it() -> None:
    text = GOOD.replace("kind: VirtualMachine", "kind: VirtualMachineInstance").replace("  template:\n    spec:\n", "")
    (machine,) = lift(text, "vmi.yaml")
    assert machine == lift(GOOD)[0].model_copy(update={"kind": "VirtualMachineInstance"})


def on(profile: object, realtime: bool = True) -> MachineSpec:
    return worker(virtual_machines=(virtual_machine(realtime=realtime),), tuned=profile)


@pytest.mark.parametrize(
    ("include", "runtime", "count"),
    [
        ("realtime-virtual-host", None, 0),
        ("throughput-performance", "950000", 1),
        ("throughput-performance", None, 0),
        ("", None, 1),
        ("realtime-virtual-host", "950000", 0),
    ],
)
def test_a_machine_that_throttles_is_found_where_its_profile_is_known(
    include: str, runtime: str | None, count: int
) -> None:
    sysctl = {} if runtime is None else {"kernel.sched_rt_runtime_us": runtime}
    assert len(list(D45.findings(on(theirs(include, sysctl))))) == count


def test_a_profile_with_lines_that_could_not_be_read_says_nothing_by_silence() -> None:
    theirs_alone = theirs("", {})
    assert len(list(D45.findings(on(theirs_alone)))) == 1
    assert list(D45.findings(on(theirs_alone.model_copy(update={"unread": ("line 4",)})))) == []


def test_ordinary_guests_run_anywhere() -> None:
    assert list(D45.findings(on(theirs("", {}), realtime=False))) == []
