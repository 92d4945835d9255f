"""What this machine offers where it is itself a host of real-time guests."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quietcore.cli.condition import Condition, Group
from quietcore.cli.kvm import kvm_fault

MACHINE = Group("this machine")

NO_LATENCY: Final = "without KVM no latency figure counts"
RT_KERNEL: Final = "apt-get install linux-image-rt-amd64, then reboot into it"
CMDLINE: Final = "boot with the command line that `quietcore render STACK` writes to hosts/NAME/cmdline"


@dataclass(frozen=True)
class Roots:
    """Where to look; tests look elsewhere."""

    sys: Path = Path("/sys")
    dev: Path = Path("/dev")


def machine_conditions(roots: Roots = Roots(), kernel: str | None = None) -> Iterator[Condition]:
    """KVM, hugepages, kernel, isolation, clock, tuned and IOMMU, as the running kernel says."""
    kvm = _kvm(roots.dev / "kvm")
    yield kvm
    yield _hugepages(roots.sys / "kernel/mm/hugepages")
    if kvm.fix:
        for name in ("real-time kernel", "isolated CPUs", "clock source", "tuned"):
            yield MACHINE.skipped(name, NO_LATENCY)
    else:
        yield _kernel(roots.sys, kernel or platform.version())
        yield _isolated(roots.sys / "devices/system/cpu/isolated")
        yield _clock(roots.sys / "devices/system/clocksource/clocksource0/current_clocksource")
        yield _tuned()
    yield _iommu(roots.sys / "class/iommu")


def _kvm(device: Path) -> Condition:
    if not device.exists():
        return MACHINE.failed(
            "KVM",
            f"{device} is missing: guests would be emulated (TCG)",
            "switch virtualisation on in the firmware, then modprobe kvm_intel or kvm_amd",
            'in a virtual machine, allow nesting; for plumbing only, declare facts={"accelerator": "tcg"}',
        )
    if not os.access(device, os.R_OK | os.W_OK):
        return MACHINE.failed("KVM", f"{device} may not be opened by this user", "adduser $USER kvm, then log in again")
    fault = kvm_fault(device)
    if fault:
        return MACHINE.failed(
            "KVM",
            f"{device} makes no virtual machine: {fault}",
            "dmesg | grep -i kvm",
            'in a virtual machine, allow nesting; for plumbing only, declare facts={"accelerator": "tcg"}',
        )
    return MACHINE.ok("KVM", f"{device} makes virtual machines")


def _hugepages(place: Path) -> Condition:
    pools = []
    for pool in sorted(place.glob("hugepages-*kB"), key=lambda path: int(path.name[10:-2])):
        total, free = (int((pool / name).read_text(encoding="ascii")) for name in ("nr_hugepages", "free_hugepages"))
        if total:
            pools.append(f"{free} of {total} free, {int(pool.name[10:-2]) >> 10} MiB each")
    if not pools:
        return MACHINE.failed(
            "hugepages",
            "none are reserved",
            "at boot: `quietcore render STACK` writes the command line to hosts/NAME/cmdline",
            "now: echo COUNT > /sys/devices/system/node/nodeN/hugepages/hugepages-2048kB/nr_hugepages",
        )
    return MACHINE.ok("hugepages", "; ".join(pools))


def _kernel(sys: Path, version: str) -> Condition:
    realtime = sys / "kernel/realtime"
    if "PREEMPT_RT" in version or (realtime.is_file() and realtime.read_text(encoding="ascii").strip() == "1"):
        return MACHINE.ok("real-time kernel", version)
    return MACHINE.failed("real-time kernel", f"this kernel is not PREEMPT_RT: {version}", RT_KERNEL)


def _isolated(file: Path) -> Condition:
    cpus = file.read_text(encoding="ascii").strip() if file.is_file() else ""
    return MACHINE.ok("isolated CPUs", cpus) if cpus else MACHINE.failed("isolated CPUs", "none", CMDLINE)


def _clock(file: Path) -> Condition:
    source = file.read_text(encoding="ascii").strip() if file.is_file() else ""
    if source in ("tsc", "arch_sys_counter"):
        return MACHINE.ok("clock source", source)
    if source == "kvm-clock":
        return MACHINE.skipped("clock source", "kvm-clock: this machine is a guest itself")
    return MACHINE.failed("clock source", f"{source or 'unknown'}: each reading leaves the CPU", CMDLINE)


def _tuned() -> Condition:
    program = shutil.which("tuned-adm")
    if program is None:
        return MACHINE.failed("tuned", "not installed", "apt-get install tuned")
    done = subprocess.run([program, "active"], capture_output=True, text=True, check=False)
    answer = done.stdout.strip().rpartition("Current active profile: ")[2]
    if done.returncode or not answer:
        said = (done.stdout or done.stderr).strip().splitlines()
        return MACHINE.failed("tuned", said[0] if said else "no profile is active", "systemctl enable --now tuned")
    return MACHINE.ok("tuned", answer.splitlines()[0])


def _iommu(place: Path) -> Condition:
    units = sorted(path.name for path in place.glob("*")) if place.is_dir() else []
    if units:
        return MACHINE.ok("IOMMU", ", ".join(units))
    return MACHINE.skipped("IOMMU", "off; only device passthrough needs it (intel_iommu=on iommu=pt)")
