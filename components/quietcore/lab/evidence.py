"""What is really so: a node's declared settings beside libvirt's live XML, the kernel's view of QEMU, and the guest."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from quietcore.lab.guest_agent import answers, run_in
from quietcore.lab.threads import threads_of
from quietcore.render.domain_xml import lift
from quietcore.spec.domain import DomainSpec
from quietcore.units import CpuSet

_GUEST = """
echo "kernel=$(uname -v)"
echo "release=$(uname -r)"
echo "isolated=$(cat /sys/devices/system/cpu/isolated)"
echo "nohz_full=$(cat /sys/devices/system/cpu/nohz_full 2>/dev/null)"
echo "profile=$(tuned-adm active 2>/dev/null | sed -n 's/^Current active profile: //p')"
echo "rt_runtime=$(cat /proc/sys/kernel/sched_rt_runtime_us)"
echo "cmdline=$(cat /proc/cmdline)"
"""
_CYCLICTEST = (
    "cyclictest --json=/run/quietcore-cyclictest.json -q -m -p 90 -i 1000 -t 1 -a {cpu} -D {seconds} >/dev/null \
 && cat /run/quietcore-cyclictest.json"
)


@dataclass(frozen=True)
class Evidence:
    """One comparison. ``where`` is "live XML", "/proc" or "guest"."""

    where: str
    what: str
    declared: str
    seen: str

    @property
    def holds(self) -> bool:
        """Whether what was seen is what was declared."""
        return self.declared == self.seen


@dataclass(frozen=True)
class Latency:
    """A short cyclictest in the guest, in microseconds."""

    minimum: int
    average: float
    maximum: int
    cycles: int


def outside(domain: Any, declared: DomainSpec) -> Iterator[Evidence]:
    """The declared domain beside the live XML and beside /proc of QEMU's threads. ``domain`` is libvirt's, running."""
    live = lift(domain.XMLDesc())
    for name, read in _SETTINGS.items():
        yield Evidence("live XML", name, read(declared), read(live))
    threads = threads_of(domain)
    for pin in declared.vcpu_pins:
        yield Evidence("/proc", f"vcpu {pin.vcpu} on CPU", str(pin.cpus), str(threads[f"vcpu {pin.vcpu}"].cpus))
    for sched in declared.vcpu_scheds:
        for vcpu in sched.vcpus:
            seen = threads[f"vcpu {vcpu}"]
            yield Evidence(
                "/proc", f"vcpu {vcpu} policy", f"{sched.policy} {sched.priority}", f"{seen.policy} {seen.priority}"
            )
    if declared.emulator_pin:
        yield Evidence("/proc", "emulator on CPUs", str(declared.emulator_pin), str(threads["emulator"].cpus))


def inside(domain: Any, declared: DomainSpec) -> Iterator[Evidence]:
    """The declared guest beside what its own kernel and tuned say. Raises EnvironmentFault without an agent."""
    seen = dict(line.partition("=")[::2] for line in run_in(domain, _GUEST).splitlines() if line)
    guest = declared.guest
    if guest is None:
        return
    yield Evidence("guest", "kernel is PREEMPT_RT", "yes", "yes" if "PREEMPT_RT" in seen["kernel"] else seen["kernel"])
    yield Evidence("guest", "isolated CPUs", str(guest.isolated), seen["isolated"])
    if guest.cmdline is not None:
        given, booted = set(guest.cmdline.parameters), set(seen["cmdline"].split())
        yield Evidence("guest", "command line lacks", "nothing", " ".join(sorted(given - booted)) or "nothing")
    if guest.tuned is not None:
        yield Evidence("guest", "tuned profile", guest.tuned.name, seen["profile"])
        yield Evidence("guest", "kernel.sched_rt_runtime_us", "-1", seen["rt_runtime"])
        for key, value in sorted(guest.tuned.sysctl.items()):
            yield Evidence("guest", key, value, run_in(domain, f"sysctl -n {key}").strip())


def await_guest(domain: Any, *, timeout: float = 600.0, poll: float = 1.0) -> None:
    """Wait until the guest's agent answers and cloud-init is done; ``timeout`` in seconds. Raises EnvironmentFault."""
    deadline = time.monotonic() + timeout
    while not answers(domain) and time.monotonic() < deadline:
        time.sleep(poll)
    left = max(deadline - time.monotonic(), 1.0)
    run_in(domain, "cloud-init status --wait >/dev/null 2>&1 || true", timeout=left)


def latency(domain: Any, cpu: int, *, seconds: int = 5) -> Latency:
    """Run cyclictest for ``seconds`` on one guest CPU."""
    script = _CYCLICTEST.format(cpu=cpu, seconds=seconds)
    thread = json.loads(run_in(domain, script, timeout=60.0 + 4 * seconds))["thread"]["0"]
    return Latency(thread["min"], thread["avg"], thread["max"], thread["cycles"])


def _pins(domain: DomainSpec) -> str:
    return ", ".join(f"{pin.vcpu}:{pin.cpus}" for pin in domain.vcpu_pins)


def _policies(domain: DomainSpec) -> str:
    return ", ".join(f"{sched.vcpus} {sched.policy} {sched.priority}" for sched in domain.vcpu_scheds)


def _pages(domain: DomainSpec) -> str:
    return ", ".join(str(page.size) for page in domain.hugepages or ())


_SETTINGS: dict[str, Callable[[DomainSpec], str]] = {
    "vCPU pins": _pins,
    "vCPU policies": _policies,
    "emulator pin": lambda domain: str(domain.emulator_pin or CpuSet()),
    "memory": lambda domain: str(domain.memory),
    "hugepages": _pages,
    "NUMA": lambda domain: f"{domain.numa.mode} {domain.numa.nodeset}" if domain.numa else "",
    "balloon": lambda domain: domain.memballoon or "",
    "PMU": lambda domain: {True: "on", False: "off", None: ""}[domain.pmu],
}
