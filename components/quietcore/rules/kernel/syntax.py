"""Rules on a command line as text: lists that the kernel cannot read, parameters said twice, and its length."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache

from quietcore.errors import UnitError
from quietcore.rules.kernel.examples import line, machine
from quietcore.rules.kernel.reading import LISTS, count, fault, named
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import KernelCmdline, MachineSpec, Severity
from quietcore.spec.cmdline import ISOLCPUS_FLAGS
from quietcore.units import CpuSet

AFFINITY = "systemd.cpu_affinity"


@lru_cache(256)
def affinity_of(text: str) -> CpuSet | None:
    """The CPUs of systemd's CPUAffinity=: numbers and ranges, after commas or spaces; None for ``numa``.

    Raises UnitError.
    """
    if ":" in text:
        raise UnitError("not a list of CPUs for systemd", given=repr(text), allowed="numbers and ranges")
    return None if text == "numa" else CpuSet.parse(",".join(re.split(r"[\s,]+", text.strip(", "))))


def _unreadable(machine: MachineSpec) -> Iterator[Hit]:
    if machine.cmdline is None:
        return
    yield from _unknown_flags(machine.cmdline)
    known = count(machine)
    for name in LISTS:
        said = machine.cmdline.get(name)
        if said is None:
            continue
        reason = fault(machine, name)
        if reason and not (name == "isolcpus" and _flags_unknown(machine.cmdline)):
            yield Hit(
                where=f"cmdline.{name}",
                given=f"{name}={said}: {reason.what}: {reason.given}",
                allowed=reason.allowed and f"{reason.allowed}, without spaces",
                hint=f"write a CPU list into {name}",
            )
        beyond = _beyond(named(machine, name), known)
        if beyond:
            yield Hit(
                where=f"cmdline.{name}",
                given=f"{name}={said}; the machine has no CPU {beyond}",
                allowed=f"within 0-{(known or 1) - 1}",
                hint=f"take {beyond} out of {name}",
            )
    yield from _bad_affinity(machine.cmdline)


@lru_cache(256)
def _beyond(said: CpuSet | None, known: int | None) -> CpuSet:
    return said - CpuSet(range(known)) if said and known else CpuSet()


def _flags_unknown(cmdline: KernelCmdline) -> list[str]:
    return [flag for flag in cmdline.flags() if flag not in ISOLCPUS_FLAGS]


def _unknown_flags(cmdline: KernelCmdline) -> Iterator[Hit]:
    for flag in _flags_unknown(cmdline):
        near = get_close_matches(flag, ISOLCPUS_FLAGS, n=1)
        yield Hit(
            where="cmdline.isolcpus",
            given=f'isolcpus={cmdline.get("isolcpus")}: "{flag}" is no flag',
            allowed=f"{', '.join(sorted(ISOLCPUS_FLAGS))}, and then CPU numbers",
            hint=f"did you mean {near[0]}?" if near else f"remove {flag}",
        )


def _bad_affinity(cmdline: KernelCmdline) -> Iterator[Hit]:
    said = cmdline.get(AFFINITY)
    if said is None:
        return
    try:
        affinity_of(said)
    except UnitError as reason:
        yield Hit(where=f"cmdline.{AFFINITY}", given=f"{AFFINITY}={said}: {reason.what}", allowed='such as "0-1,8"')


C34: Rule[MachineSpec] = Rule(
    code="C34",
    title="CPU list that the kernel cannot read",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_unreadable,
    doc=Doc(
        what="isolcpus, nohz_full, rcu_nocbs, irqaffinity and kthread_cpus hold a CPU list in the kernel's form: "
        "upward ranges, no spaces, groups such as 0-15:2/4, N for the last CPU; isolcpus after known flags only. All "
        "numbers are CPUs of the machine. systemd.cpu_affinity holds numbers and ranges.",
        why="The kernel drops a list that it cannot read, and a flag that it does not know, with one line in its log. "
        "The machine boots without the isolation that everybody believes in.",
        fix="write the list as the kernel reads it",
        sources=(source("K-LISTS"), source("K-PARAM"), source("CAN-DOC"), source("RTCONF")),
        bad=Example(
            text="# CPUs 0-7\nnohz_full=7-2",
            subject=lambda: machine("nohz_full=7-2", without=("nohz_full",)),
        ),
        good=Example(
            text="# CPUs 0-7\nnohz_full=2-N", subject=lambda: machine("nohz_full=2-N", without=("nohz_full",))
        ),
    ),
)

REPEATED = re.compile(
    r"console|earlycon|earlyprintk|hugepagesz|hugepages|crashkernel|memmap|reserve|ip|ifname|bond|team|vlan|bridge|"
    r"nameserver|video|pci|acpi_osi|iommu|intel_iommu|amd_iommu|efi|ima_\w+|lsm|trace_event|cgroup_(dis|en)able|"
    r"blacklist|mtdparts|blkdevparts|clearcpuid|debug|initcall_debug|initrd|BOOT_IMAGE|fips|usbhid\.\w+|.*\.dyndbg|"
    r"module_blacklist|modprobe\.blacklist|rd\..*|systemd\.(setenv|wants|mask|default_environment)|udev\..*|inst\..*|"
    r"ignition\..*|coreos\..*|luks\..*|rd_\w+|usb-storage\.quirks|usbcore\.quirks|vfio[-_]pci\.ids|xen\w*|virtio_mmio\..*"
)
"""Parameters that may stand several times, as each adds to the others or is read with its neighbour."""


def _twice(cmdline: KernelCmdline) -> Iterator[Hit]:
    for name, values in _values(cmdline).items():
        different = list(dict.fromkeys(values))
        if len(different) > 1 and not REPEATED.fullmatch(name):
            yield Hit(
                where=f"cmdline.{name}",
                given=" and ".join(name if value is None else f"{name}={value}" for value in different),
                allowed="one value",
                hint=f"keep one {name}; the kernel takes the last",
            )


def _values(cmdline: KernelCmdline) -> Mapping[str, list[str | None]]:
    values: dict[str, list[str | None]] = {}
    for name, value in cmdline.settings:
        values.setdefault(name, []).append(value)
    return values


C35: Rule[KernelCmdline] = Rule(
    code="C35",
    title="kernel parameter is given twice with different values",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=KernelCmdline,
    judge=_twice,
    doc=Doc(
        what="No parameter stands on the command line twice with different values, but for those that add up, such as "
        "console, hugepagesz with hugepages, and rd.* (inferred: the sources only say that the last one wins).",
        why="The kernel takes the last value. Who reads the line sees the first, and a second writer, such as tuned or "
        "an installer, goes unnoticed.",
        fix="keep one value",
        sources=(source("RTCONF", "it checks each value; two of them are our inference"), source("K-PARAM")),
        bad=Example(text="skew_tick=1 quiet skew_tick=0", subject=lambda: line("quiet skew_tick=0")),
        good=Example(
            text="console=tty0 console=ttyS0,115200 skew_tick=1",
            subject=lambda: line("console=tty0 console=ttyS0,115200"),
        ),
    ),
)

MOST = 2047
"""Bytes of a command line: COMMAND_LINE_SIZE of x86 and arm64 is 2048, its closing zero among them."""


def _long(cmdline: KernelCmdline) -> Iterator[Hit]:
    size = len(str(cmdline).encode(errors="replace"))
    if size > MOST:
        yield Hit(where="cmdline", given=f"{size} bytes", allowed=f"at most {MOST} bytes")


C36: Rule[KernelCmdline] = Rule(
    code="C36",
    title="command line is longer than the kernel reads",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=KernelCmdline,
    judge=_long,
    doc=Doc(
        what="A command line has at most 2047 bytes.",
        why="The kernel cuts off what is longer, in the middle of a parameter and without a word. What was added last, "
        "often the real-time part, is what gets lost.",
        fix="write CPU lists as ranges, and remove what is not needed",
        sources=(source("RTCONF"), source("K-PARAM")),
        bad=Example(text="isolcpus=managed_irq,domain,2-7 note=aaaa...", subject=lambda: line(f"note={'a' * 2000}")),
        good=Example(text="isolcpus=managed_irq,domain,2-7 note=a", subject=lambda: line("note=a")),
    ),
)
