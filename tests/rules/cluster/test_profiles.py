"""Performance profiles: what is refused, just not refused, and shaped after what the operator's own examples hold."""

import pytest

from quietcore.rules.cluster.examples import WORKER, profile
from quietcore.rules.examples import cpus
from quietcore.rules.judge import findings
from quietcore.spec import PerformanceProfileSpec
from quietcore.spec.performance_profile import HardwareTuning, ProfileDevice, ProfilePages, WorkloadHints


def codes(subject: object) -> list[str]:
    return [finding.code for finding in findings(subject)]


def pages(*sizes: str, node: int | None = None) -> tuple[ProfilePages, ...]:
    return tuple(ProfilePages(size=size, count=4, node=node) for size in sizes)


ON = {"user_level_networking": True}
GOOD = {
    "single node of four CPUs": {"isolated": cpus("2-3")},
    "64 CPUs with offlined siblings": {
        "reserved": cpus("0-1,32-33"),
        "isolated": cpus("2-15"),
        "offlined": cpus("16-31,34-63"),
    },
    "devices": {**ON, "devices": (ProfileDevice(interface="eth0"), ProfileDevice(vendor="0x1af4", device="0x1000"))},
    "no devices": ON,
    "switched off": {"user_level_networking": False},
    "power by pod": {"hints": WorkloadHints(real_time=True, high_power=False, per_pod_power=True)},
    "no real time": {"realtime_kernel": False, "hints": WorkloadHints(real_time=False)},
    "kernel not said": {"realtime_kernel": None, "hints": WorkloadHints(real_time=False)},
    "no pages": {"pages": (), "default_page_size": None},
    "small pages alone": {"pages": pages("2M"), "default_page_size": None},
    "a size per cell": {"pages": pages("1G", node=0) + pages("1G", node=1) + pages("1G")},
    "own labels": {
        "node_selector": {"pool": ""},
        "machine_config_label": {"role": "rt"},
        "pool_selector": {"role": "rt"},
    },
    "another argument with a colon": {"kernel_args": ("netconsole=a:b",)},
    "power alone": {"hints": WorkloadHints(high_power=True)},
    "mixed with shared": {"hints": WorkloadHints(mixed_cpus=True), "reserved": cpus("0"), "shared": cpus("1")},
    "pages for all cells": {"kernel_args": ("hugepagesz=1G", "hugepages=8", "efi=runtime")},
}


@pytest.mark.parametrize("changes", GOOD.values(), ids=GOOD.keys())
def test_a_good_profile_gives_no_finding(changes: dict[str, object]) -> None:
    assert codes(profile(**changes)) == []


BAD = [
    ({"kernel_args": ("hugepagesz=1G", "hugepages=0:4,1:4")}, "C26", "spec.additionalKernelArgs[1]"),
    ({"pages": pages("2M", "1G"), "default_page_size": None}, "C31", "spec.hugepages.defaultHugepagesSize"),
    ({"pages": pages("1G", "1G")}, "C31", "spec.hugepages.pages"),
    ({"pages": pages("1G", "1G", node=1)}, "C31", "spec.hugepages.pages"),
    ({"hints": WorkloadHints(real_time=False)}, "C46", "spec.workloadHints.realTime"),
    ({"hints": WorkloadHints(high_power=True, per_pod_power=True)}, "C47", "spec.workloadHints"),
    ({"hints": WorkloadHints(mixed_cpus=True)}, "H17", "spec.cpu.shared"),
    ({"hints": WorkloadHints(mixed_cpus=True), "shared": cpus("")}, "H17", "spec.cpu.shared"),
    ({"kernel_page_size": "16k"}, "H19", "spec.kernelPageSize"),
    ({"user_level_networking": False, "devices": (ProfileDevice(),)}, "H06", "spec.net.userLevelNetworking"),
    ({**ON, "devices": (ProfileDevice(interface=""),)}, "H07", "spec.net.devices[0].interfaceName"),
    ({**ON, "devices": (ProfileDevice(vendor="0x12345"),)}, "H07", "spec.net.devices[0].vendorID"),
    ({**ON, "devices": (ProfileDevice(vendor="0x"),)}, "H07", "spec.net.devices[0].vendorID"),
    ({**ON, "devices": (ProfileDevice(vendor="0x1", device="1000"),)}, "H07", "spec.net.devices[0].deviceID"),
    ({**ON, "devices": (ProfileDevice(device="0x1000"),)}, "H07", "spec.net.devices[0]"),
    ({**ON, "reserved": cpus("")}, "H08", "spec.net.userLevelNetworking"),
    ({"hardware_tuning": HardwareTuning(reserved=1)}, "H11", "spec.hardwareTuning.isolatedCpuFreq"),
    ({"hardware_tuning": HardwareTuning(isolated=1)}, "H11", "spec.hardwareTuning.reservedCpuFreq"),
    ({"hardware_tuning": HardwareTuning(isolated=1, reserved=0)}, "H11", "spec.hardwareTuning.reservedCpuFreq"),
    ({"node_selector": None}, "H10", "spec.nodeSelector"),
    ({"node_selector": {}}, "H10", "spec.nodeSelector"),
    ({"node_selector": {**WORKER, "a/b": ""}}, "H10", "spec.nodeSelector"),
    ({"node_selector": {"a/b/c": ""}}, "H10", "spec.nodeSelector"),
    ({"node_selector": {"pool": ""}, "machine_config_label": {"a": ""}}, "H10", "spec.nodeSelector"),
    ({"node_selector": {"pool": ""}, "pool_selector": {"a": ""}}, "H10", "spec.nodeSelector"),
    ({"machine_config_label": {"a": "", "b": ""}}, "H10", "spec.machineConfigLabel"),
    ({"pool_selector": {"a": "", "b": ""}}, "H10", "spec.machineConfigPoolSelector"),
]


@pytest.mark.parametrize(("changes", "code", "where"), BAD)
def test_a_bad_profile_gives_this_one_finding(changes: dict[str, object], code: str, where: str) -> None:
    assert [(found.code, found.where) for found in findings(profile(**changes))] == [(code, where)]


def test_both_frequencies_are_told() -> None:
    assert codes(profile(hardware_tuning=HardwareTuning())) == ["H11", "H11"]


def test_an_empty_profile_lacks_a_selector_and_no_more() -> None:
    assert codes(PerformanceProfileSpec(name="x")) == ["H10"]
