"""Rules on the host's KVM modules, whose parameters act on every guest."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import MachineSpec, Severity, TunedProfileSpec

OFF = ("0", "n", "off", "never")
ASKED = {
    "kvm.halt_poll_ns": ("0",),
    "kvm.kvmclock_periodic_sync": OFF,
    "kvm.nx_huge_pages": OFF,
    "kvm_intel.ple_gap": ("0",),
}
"""Parameters that keep KVM from polling, from periodic work and from exits, with the values that do."""

_SYSFS = "/sys/module/{}/parameters/{}"


def _said(machine: MachineSpec) -> Iterator[tuple[str, str, str]]:
    """(where, parameter, value) of each parameter that command line or profile sets."""
    for name in ASKED:
        if machine.cmdline is not None and (value := machine.cmdline.get(name)) is not None:
            yield machine.end("cmdline"), name, value
        path = _SYSFS.format(*name.split("."))
        if machine.tuned is not None and (value := machine.tuned.sections.get("sysfs", {}).get(path)) is not None:
            yield f"{machine.end('tuned')}, sysfs", name, value


def _real_time(machine: MachineSpec) -> bool:
    """Whether the machine isolates CPUs or has one of tuned's real-time profiles."""
    isolates = machine.cmdline is not None and machine.cmdline.get("isolcpus") is not None
    parents = machine.tuned.parents if machine.tuned else ()
    return isolates or bool(machine.isolated) or any(name.startswith("realtime") for name in parents)


def _busy(machine: MachineSpec) -> Iterator[Hit]:
    if machine.role != "host" or not _real_time(machine):
        return
    for where, name, value in _said(machine):
        if value.strip().lower() not in ASKED[name]:
            yield Hit(where=where, given=f"{name}={value}", allowed=f"{name}=0", hint=f"set {name} to 0")


D48: Rule[MachineSpec] = Rule(
    code="D48",
    title="KVM polls, synchronizes clocks or splits pages on its own",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_busy,
    doc=Doc(
        what="Where the command line or the tuned profile of a real-time host sets one of KVM's halt_poll_ns, "
        "kvmclock_periodic_sync, nx_huge_pages or ple_gap, it sets it to 0. What neither of them says is tuned's "
        "realtime-virtual-host to set, when the module is loaded, and is not judged.",
        why="Each is work that comes by itself: polling after a halt, a clock update of all guests every five minutes, "
        "the splitting and merging of huge pages, exits of a guest that spins. Any of them hits a guest at a time that "
        "it did not choose.",
        fix="set the parameter to 0",
        sources=(source("TUNED", "setup_kvm_mod_low_latency and the script of realtime-virtual-host"), source("SEA")),
        bad=Example(
            text="[main]\ninclude=realtime-virtual-host\n[sysfs]\n/sys/module/kvm/parameters/halt_poll_ns=200000",
            subject=lambda: _host(halt_poll_ns=200000),
        ),
        good=Example(
            text="[main]\ninclude=realtime-virtual-host\n[sysfs]\n/sys/module/kvm/parameters/halt_poll_ns=0",
            subject=lambda: _host(halt_poll_ns=0),
        ),
    ),
)


def _host(**parameters: int) -> MachineSpec:
    """A host with these parameters of kvm, whose isolation nothing else says."""
    profile = TunedProfileSpec(
        name="quiet-host",
        role="host",
        sections={"sysfs": {_SYSFS.format("kvm", name): str(value) for name, value in parameters.items()}},
    )
    return MachineSpec(role="host", tuned=profile)
