"""Rules on the command line against what the machine is: devices that it gives away, sibling threads, quirks, swap."""

from __future__ import annotations

import re
from collections.abc import Iterator

from quietcore.rules.kernel.examples import facts, hardware, machine, shares
from quietcore.rules.kernel.reading import arch, dialect, vendor
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import KernelCmdline, MachineSpec, Severity
from quietcore.units import CpuSet

WANTED = {"intel": ("intel_iommu=on", "iommu=pt"), "amd": ("iommu=pt",)}


def _iommu(machine: MachineSpec) -> Iterator[Hit]:
    known = vendor(machine)
    if machine.cmdline is None or not machine.facts.passthrough or machine.role == "guest":
        return
    if known == "arm" or arch(machine) not in (None, "x86_64"):
        return
    missing = [setting for setting in WANTED.get(known or "", ("iommu=pt",)) if not _says(machine.cmdline, setting)]
    if missing:
        yield Hit(
            where=f"cmdline.{missing[0].partition('=')[0]}",
            given=f"no {' and no '.join(missing)}; the machine gives devices to guests or pods",
            allowed=" ".join(WANTED.get(known or "", ("iommu=pt",))),
            hint=f"write {' '.join(missing)}",
        )


def _says(cmdline: KernelCmdline, setting: str) -> bool:
    """Whether one of its values has the option: both parameters take several, in one or in several places."""
    wanted, _, option = setting.partition("=")
    return any(name == wanted and option in (value or "").split(",") for name, value in cmdline.settings)


C24: Rule[MachineSpec] = Rule(
    code="C24",
    title="devices are given away without the IOMMU set up",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_iommu,
    doc=Doc(
        what="An x86 host that gives PCI devices to guests or pods (fact passthrough) boots with iommu=pt, on Intel "
        "CPUs with intel_iommu=on as well.",
        why="Without intel_iommu=on most distributions leave Intel's IOMMU off, and VFIO cannot bind. Without iommu=pt "
        "the host's own devices pay for each transfer with a translation.",
        fix="write intel_iommu=on iommu=pt on Intel, iommu=pt on AMD",
        sources=(source("NTO-A"), source("SUSE"), source("K-PARAM", "iommu=, intel_iommu=")),
        bad=Example(
            text="# vendor: intel, passthrough: true\niommu=pt",
            subject=lambda: machine("iommu=pt", facts=facts(vendor="intel", passthrough=True)),
        ),
        good=Example(
            text="# vendor: intel, passthrough: true\nintel_iommu=on iommu=pt",
            subject=lambda: machine("intel_iommu=on iommu=pt", facts=facts(vendor="intel", passthrough=True)),
        ),
    ),
)


def _siblings(machine: MachineSpec) -> Iterator[Hit]:
    cmdline, topology = machine.cmdline, machine.topology
    if cmdline is None or topology is None or topology.threads < 2:
        return
    off = cmdline.get("nosmt") is not None or _says(cmdline, "mitigations=nosmt")
    if not off:
        if machine.facts.smt is False:
            yield Hit(
                where="cmdline.nosmt",
                given=f"no nosmt; smt is declared off, and the cores have {topology.threads} threads",
                allowed="nosmt",
                hint="write nosmt",
            )
        return
    used, end = _planned(machine) & topology.siblings, machine.end("plan" if machine.plan else "cmdline")
    if used:
        yield Hit(
            where="cmdline.nosmt",
            given=f"nosmt leaves off {topology.siblings}; {end} counts on {used}",
            allowed=f"within {topology.cpus - topology.siblings}",
            hint=f"list {used} as offlined, or remove nosmt",
        )


def _planned(machine: MachineSpec) -> CpuSet:
    if machine.plan is None:
        return machine.isolated
    return CpuSet().union(cpus for name, cpus in machine.plan.sets().items() if name != "offlined")


C37: Rule[MachineSpec] = Rule(
    code="C37",
    title="nosmt and the CPU plan disagree",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_siblings,
    doc=Doc(
        what="On cores with two threads, nosmt stands on the line where SMT is declared off (fact smt), and where it "
        "stands there, the plan uses the first thread of each core only.",
        why="nosmt leaves the second threads off. CPUs that a plan counts on are then not there: pins fail, and the "
        "pool is half of what was promised. Without nosmt a plan for whole cores meets busy siblings.",
        fix="let the plan offline what nosmt leaves off",
        sources=(source("NTO-PPC", "disable-ht"), source("K-PARAM", "nosmt"), source("K-HW")),
        bad=Example(
            text="# CPUs n and n+4 are siblings; plan: isolated 2-7\nnosmt",
            subject=lambda: machine("nosmt", topology=hardware(threads=2), plan=shares()),
        ),
        good=Example(
            text="# CPUs n and n+4 are siblings; plan: isolated 2-3, offlined 4-7\nnosmt",
            subject=lambda: MachineSpec(
                online=CpuSet(range(4)),
                isolated=CpuSet([2, 3]),
                topology=hardware(threads=2),
                plan=shares(isolated="2-3", offlined="4-7"),
                cmdline=KernelCmdline.parse(
                    "nosmt isolcpus=managed_irq,domain,2-3 nohz_full=2-3 rcu_nocbs=2-3 irqaffinity=0-1"
                ),
            ),
        ),
    ),
)

BROADWELL = re.compile(r"broadwell|\bE[57]-\d{4}\w* v4\b|\bD-15\d\d\b", re.IGNORECASE)
EPTAD = "kvm-intel.eptad"


def _eptad(machine: MachineSpec) -> Iterator[Hit]:
    cmdline, topology = machine.cmdline, machine.topology
    if cmdline is None or topology is None or dialect(machine) != "starlingx" or machine.role == "guest":
        return
    if BROADWELL.search(topology.model) and cmdline.get(EPTAD) is None:
        yield Hit(where=f"cmdline.{EPTAD}", given=f"no {EPTAD} on {topology.model}", allowed=f"{EPTAD}=0")


C41: Rule[MachineSpec] = Rule(
    code="C41",
    title="Broadwell host keeps EPT accessed bits",
    severity=Severity.INFO,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_eptad,
    doc=Doc(
        what="A StarlingX host with Broadwell CPUs boots with kvm-intel.eptad=0, as StarlingX itself writes it there.",
        why="An erratum of these CPUs makes KVM's accessed and dirty bits costly. Where it is missing, "
        "StarlingX did not write the line, or not for this machine.",
        fix="write kvm-intel.eptad=0",
        sources=(source("STX-PUP"),),
        bad=Example(
            text="# dialect starlingx, Intel Xeon E5-2699 v4\nquiet",
            subject=lambda: machine(
                "kthread_cpus=0-1",
                plan=shares("starlingx"),
                topology=hardware(vendor="Intel", model="Intel(R) Xeon(R) CPU E5-2699 v4 @ 2.20GHz"),
            ),
        ),
        good=Example(
            text="# dialect starlingx, Intel Xeon E5-2699 v4\nkvm-intel.eptad=0",
            subject=lambda: machine(
                "kthread_cpus=0-1 kvm-intel.eptad=0",
                plan=shares("starlingx"),
                topology=hardware(vendor="Intel", model="Intel(R) Xeon(R) CPU E5-2699 v4 @ 2.20GHz"),
            ),
        ),
    ),
)


def _swaps(machine: MachineSpec) -> Iterator[Hit]:
    if machine.facts.swap and machine.isolated:
        yield Hit(
            where="facts.swap",
            given=f"swap is on; isolated CPUs are {machine.isolated}",
            allowed="no swap",
            hint="run swapoff -a, and take swap out of /etc/fstab",
        )


C48: Rule[MachineSpec] = Rule(
    code="C48",
    title="real-time machine swaps",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_swaps,
    doc=Doc(
        what="A machine with isolated CPUs has no swap (fact swap).",
        why="A page that was swapped out costs milliseconds of disk when it is touched, at any priority. The kubelet "
        "does not start on a machine with swap unless told otherwise.",
        fix="switch swap off for good",
        sources=(source("RHEL-RT"), source("K8S-DOC")),
        bad=Example(text="# isolated CPUs: 2-7, swap: true", subject=lambda: machine(facts=facts(swap=True))),
        good=Example(text="# isolated CPUs: 2-7, swap: false", subject=lambda: machine(facts=facts(swap=False))),
    ),
)
