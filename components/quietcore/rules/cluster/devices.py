"""Rules on what a PerformanceProfile says of hardware: network devices and clock frequencies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from quietcore.rules.cluster.examples import profile
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import PerformanceProfileSpec, Severity
from quietcore.spec.performance_profile import HardwareTuning, ProfileDevice

_HEX = re.compile(r"0x[0-9a-fA-F]{1,4}\Z")


def _queues_untouched(profile: PerformanceProfileSpec) -> Iterator[Hit]:
    if profile.devices and not profile.user_level_networking:
        said = "left out" if profile.user_level_networking is None else "false"
        yield Hit(
            where="spec.net.userLevelNetworking",
            given=f"{said}, with {len(profile.devices)} entr{'y' if len(profile.devices) == 1 else 'ies'} in devices",
            allowed="true",
        )


H06: Rule[PerformanceProfileSpec] = Rule(
    code="H06",
    title="network devices are named, and their queues left alone",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=PerformanceProfileSpec,
    judge=_queues_untouched,
    doc=Doc(
        what="A profile that names network devices switches userLevelNetworking on.",
        why="The list says whose queues are cut down to the number of reserved CPUs. Without the switch the list does "
        "nothing: each device keeps one queue per CPU, and as many interrupts, on isolated CPUs too.",
        fix="set spec.net.userLevelNetworking to true, or remove devices",
        sources=(source("NTO-D", "userLevelNetworking"), source("NTO-K", "tuned, [net] channels")),
        bad=Example(
            text='net:\n  devices:\n  - interfaceName: "ens1f*"',
            subject=lambda: profile(devices=(ProfileDevice(interface="ens1f*"),)),
        ),
        good=Example(
            text='net:\n  userLevelNetworking: true\n  devices:\n  - interfaceName: "ens1f*"',
            subject=lambda: profile(user_level_networking=True, devices=(ProfileDevice(interface="ens1f*"),)),
        ),
    ),
)


def _device_faults(profile: PerformanceProfileSpec) -> Iterator[Hit]:
    for index, device in enumerate(profile.devices):
        where = f"spec.net.devices[{index}]"
        if device.interface == "":
            yield Hit(where=f"{where}.interfaceName", given="an empty name", allowed='a name such as "ens1f*"')
        for key, value in (("vendorID", device.vendor), ("deviceID", device.device)):
            if value is not None and not _HEX.match(value):
                yield Hit(where=f"{where}.{key}", given=value or "nothing", allowed="0x and up to four hex digits")
        if device.device is not None and device.vendor is None:
            yield Hit(
                where=where, given=f"deviceID {device.device} without vendorID", allowed="both, or vendorID alone"
            )


H07: Rule[PerformanceProfileSpec] = Rule(
    code="H07",
    title="network device that matches nothing",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=PerformanceProfileSpec,
    judge=_device_faults,
    doc=Doc(
        what="Vendor and device of a network device are 0x and up to four hexadecimal digits, a device has its vendor "
        "beside it, and a name is not empty.",
        why="Device numbers are the vendor's own: one without its vendor matches other makers' devices. The webhook "
        "refuses the profile.",
        fix='write PCI numbers as lspci -nn shows them, such as vendorID: "0x8086", deviceID: "0x1593"',
        sources=(source("NTO-V", "validateNet, isValid16bitsHexID"),),
        bad=Example(
            text='net:\n  userLevelNetworking: true\n  devices:\n  - vendorID: "8086"',
            subject=lambda: profile(user_level_networking=True, devices=(ProfileDevice(vendor="8086"),)),
        ),
        good=Example(
            text='net:\n  userLevelNetworking: true\n  devices:\n  - vendorID: "0x8086"\n    deviceID: "0x1593"',
            subject=lambda: profile(
                user_level_networking=True, devices=(ProfileDevice(vendor="0x8086", device="0x1593"),)
            ),
        ),
    ),
)


def _queues_without_reserved(profile: PerformanceProfileSpec) -> Iterator[Hit]:
    if profile.user_level_networking and not profile.reserved:
        yield Hit(
            where="spec.net.userLevelNetworking",
            given="true, and spec.cpu.reserved names no CPU",
            allowed="with reserved CPUs only",
        )


H08: Rule[PerformanceProfileSpec] = Rule(
    code="H08",
    title="queue count follows a reserved set that is not there",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=PerformanceProfileSpec,
    judge=_queues_without_reserved,
    doc=Doc(
        what="A profile that switches userLevelNetworking on names reserved CPUs.",
        why="The number of reserved CPUs is the number of queues that each network device gets. Without the set there "
        "is no number, and the webhook refuses the profile.",
        fix="name spec.cpu.reserved",
        sources=(source("NTO-V", "validateNet"),),
        bad=Example(
            text='cpu: {isolated: "2-7"}\nnet: {userLevelNetworking: true}',
            subject=lambda: profile(reserved=None, user_level_networking=True),
        ),
        good=Example(
            text='cpu: {reserved: "0-1", isolated: "2-7"}\nnet: {userLevelNetworking: true}',
            subject=lambda: profile(user_level_networking=True),
        ),
    ),
)


def _half_tuned(profile: PerformanceProfileSpec) -> Iterator[Hit]:
    tuning = profile.hardware_tuning
    if tuning is None:
        return
    for key, value in (("isolatedCpuFreq", tuning.isolated), ("reservedCpuFreq", tuning.reserved)):
        if not value:
            given = "left out" if value is None else str(value)
            yield Hit(where=f"spec.hardwareTuning.{key}", given=given, allowed="a frequency in kHz, such as 2500000")


H11: Rule[PerformanceProfileSpec] = Rule(
    code="H11",
    title="clock frequency for one kind of CPU only",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=PerformanceProfileSpec,
    judge=_half_tuned,
    doc=Doc(
        what="A profile with hardwareTuning names both isolatedCpuFreq and reservedCpuFreq, neither of them 0.",
        why="Both are written to every CPU's cpufreq policy. With one of them missing or 0 half the CPUs would have no "
        "frequency to run at; the webhook refuses the profile.",
        fix="name both frequencies in kHz, or remove hardwareTuning",
        sources=(source("NTO-V", "validateCpuFrequency"),),
        bad=Example(
            text="hardwareTuning:\n  isolatedCpuFreq: 2500000",
            subject=lambda: profile(hardware_tuning=HardwareTuning(isolated=2500000)),
        ),
        good=Example(
            text="hardwareTuning:\n  isolatedCpuFreq: 2500000\n  reservedCpuFreq: 2800000",
            subject=lambda: profile(hardware_tuning=HardwareTuning(isolated=2500000, reserved=2800000)),
        ),
    ),
)
