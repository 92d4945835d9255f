"""Rules on which kernel boots: its flavour, its page size, and what a real-time one leaves out."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.examples import profile
from quietcore.rules.kernel.examples import facts, machine
from quietcore.rules.kernel.reading import arch, tuned_as
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import MachineSpec, Severity


def _large_pages(machine: MachineSpec) -> Iterator[Hit]:
    if machine.facts.kernel == "rt" and machine.facts.page_size == 64 and arch(machine) == "aarch64":
        yield Hit(
            where="facts.page_size",
            given="a real-time kernel with pages of 64 KiB",
            allowed="pages of 4 KiB",
            hint="boot a real-time kernel with pages of 4 KiB",
        )


C29: Rule[MachineSpec] = Rule(
    code="C29",
    title="real-time kernel with pages of 64 KiB",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_large_pages,
    doc=Doc(
        what="An arm64 machine with a real-time kernel has pages of 4 KiB.",
        why="No real-time kernel is built with pages of 64 KiB, and OpenShift refuses a profile that asks for both. "
        "The node would boot without one of them.",
        fix="take pages of 4 KiB, or the ordinary kernel",
        sources=(source("NTO-V"),),
        bad=Example(
            text="# arch: aarch64, kernel: rt, page_size: 64",
            subject=lambda: machine(facts=facts(arch="aarch64", kernel="rt", page_size=64)),
        ),
        good=Example(
            text="# arch: aarch64, kernel: rt, page_size: 4",
            subject=lambda: machine(facts=facts(arch="aarch64", kernel="rt", page_size=4)),
        ),
    ),
)


def _no_variables(machine: MachineSpec) -> Iterator[Hit]:
    if machine.cmdline is None or machine.facts.kernel != "rt" or not machine.facts.efi_variables:
        return
    said = [value or "" for name, value in machine.cmdline.settings if name == "efi"]
    options = [option for value in said for option in value.split(",")]
    if "runtime" not in options:
        yield Hit(
            where="cmdline.efi",
            given=f"{' '.join(f'efi={value}' for value in said) or 'no efi=runtime'} on a real-time kernel",
            allowed="efi=runtime",
        )


C39: Rule[MachineSpec] = Rule(
    code="C39",
    title="EFI variables are out of reach",
    severity=Severity.INFO,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_no_variables,
    doc=Doc(
        what="A machine with a real-time kernel on which something writes EFI variables (efibootmgr, firmware updates) "
        "boots with efi=runtime.",
        why="Real-time kernels start with efi=noruntime, as a call into firmware can take long and nothing interrupts "
        "it. The tools then fail with no hint at the cause.",
        fix="write efi=runtime, and call the tools when no real-time load runs",
        sources=(source("K-PARAM", "efi="), source("CAN-DOC")),
        bad=Example(
            text="# kernel: rt, efi_variables: true\nquiet",
            subject=lambda: machine(facts=facts(kernel="rt", efi_variables=True)),
        ),
        good=Example(
            text="# kernel: rt, efi_variables: true\nefi=runtime",
            subject=lambda: machine("efi=runtime", facts=facts(kernel="rt", efi_variables=True)),
        ),
    ),
)

REALTIME = ("realtime", "realtime-virtual-host", "realtime-virtual-guest")


def _generic(machine: MachineSpec) -> Iterator[Hit]:
    if machine.facts.kernel != "generic" or machine.role == "guest":
        return
    pods = [pod for pod in machine.pods if pod.realtime]
    tuned = machine.tuned
    claims = [
        *([f'tuned profile "{tuned.name}" is for real time'] if tuned and tuned_as(machine, *REALTIME) else []),
        *(["the PerformanceProfile asks for the real-time kernel"] if _asks(machine) else []),
        *([f'{pods[0].kind} "{pods[0].name}" is real-time'] if pods and machine.profile is None else []),
    ]
    if claims:
        yield Hit(
            where="facts.kernel",
            given=f"an ordinary kernel; {'; '.join(claims)}",
            allowed="a PREEMPT_RT kernel",
            hint="install a real-time kernel, and say kernel: rt",
        )


def _asks(machine: MachineSpec) -> bool:
    return machine.profile is not None and bool(machine.profile.realtime_kernel)


C45: Rule[MachineSpec] = Rule(
    code="C45",
    title="real-time work on an ordinary kernel",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_generic,
    doc=Doc(
        what="A host or worker whose tuned profile, PerformanceProfile or pods are for real time boots a PREEMPT_RT "
        "kernel. A guest is judged with its domain (D46). On OpenShift, where a profile says it, pods may have CPUs of "
        "their own on the ordinary kernel too.",
        why="In an ordinary kernel a thread of any priority waits for softirqs and for whoever holds a spinlock. The "
        "mean looks the same; the worst case is a hundred times worse.",
        fix="boot a real-time kernel",
        sources=(source("RHEL-V"), source("NTO-V")),
        bad=Example(
            text="# kernel: generic\n# tuned: include=realtime-virtual-host",
            subject=lambda: machine(facts=facts(kernel="generic"), tuned=profile(name="hv", role="host")),
        ),
        good=Example(
            text="# kernel: rt\n# tuned: include=realtime-virtual-host",
            subject=lambda: machine(facts=facts(kernel="rt"), tuned=profile(name="hv", role="host")),
        ),
    ),
)
