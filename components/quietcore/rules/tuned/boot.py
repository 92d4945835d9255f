"""Rules on who writes the kernel command line, and on what tuned of each version would write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from quietcore.derive.tuned import cmdline_of
from quietcore.derive.tuned_shipped import DIFFERENT, shipped
from quietcore.rules.examples import boot, profile
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.rules.tuned.claims import as_isolated, of_openshift, on_machine, parameter_cpus
from quietcore.rules.tuned.examples import theirs, tuned_machine
from quietcore.rules.tuned.isolation import CMDLINE
from quietcore.spec import KernelCmdline, MachineSpec, Severity, TunedProfileSpec

_CPU_PARAMETERS = frozenset(
    {"isolcpus", "nohz_full", "rcu_nocbs", "irqaffinity", "systemd.cpu_affinity", "kthread_cpus"}
)
_INSERTED = "$tuned_params"
"""Where GRUB puts in what tuned writes: such a command line is not yet the one that is booted."""

_MASK = "tuned.non_isolcpus"


def _writers(machine: MachineSpec) -> Iterator[Hit]:
    if machine.tuned is None or machine.cmdline is None:
        return
    if machine.tuned.foreign:
        yield from _not_written(machine, machine.tuned, machine.cmdline)
    else:
        yield from _two_writers(machine.tuned, machine.cmdline)


def _two_writers(tuned: TunedProfileSpec, cmdline: KernelCmdline) -> Iterator[Hit]:
    for parameter in tuned.cmdline:
        name = parameter.partition("=")[0]
        value = cmdline.get(name)
        ours = "has none" if value is None else f"says {name}={value}" if value else f"says {name}"
        yield Hit(
            where=f"tuned.cmdline.{name}",
            given=f'profile "{tuned.name}" writes {parameter}; the declared command line {ours}',
            allowed="one writer of the kernel command line",
            hint=f"move {parameter} from the profile to the node's cmdline",
        )


def _not_written(machine: MachineSpec, tuned: TunedProfileSpec, cmdline: KernelCmdline) -> Iterator[Hit]:
    """Each parameter on which tuned, of every version that it may be, agrees and the command line does not."""
    version = machine.facts.tuned_version
    written = [_written(machine, tuned, each) for each in ((version,) if version else DIFFERENT)]
    first = written[0]
    told = f"tuned {version}" if version else "tuned"
    for name, value in first.items():
        if any(other.get(name) != value for other in written[1:]):
            continue
        said = cmdline.get(name)
        if said is None and _INSERTED in cmdline.parameters:
            continue
        if said is not None and _same(name, value, said):
            continue
        wanted, ours = _parameter(name, value), "has none" if said is None else f"says {_parameter(name, said)}"
        yield Hit(
            where=f"cmdline.{name}",
            given=f"{told} writes {wanted} for {machine.end('tuned')}; {machine.end('cmdline')} {ours}",
            allowed=wanted,
            hint=f"write {wanted}, or take it out of the profile",
        )


def _written(machine: MachineSpec, tuned: TunedProfileSpec, version: str) -> dict[str, str]:
    """What tuned of that version adds, by name; the last of a name. Only the profile's own under unknown parents."""
    tuned = as_isolated(machine, tuned)
    written = cmdline_of(tuned, machine.isolated, machine.online, version, machine.facts, machine.topology)
    if written is None:
        return {}
    own = {word.partition("=")[0] for word in tuned.cmdline}
    names = dict.fromkeys(word.partition("=")[0] for word in written.cmdline.parameters)
    return {name: written.cmdline.get(name) or "" for name in names if not written.missing or name in own}


def _same(name: str, wanted: str, said: str) -> bool:
    if wanted == said:
        return True
    if name == _MASK:
        wanted, said = (f"0x{text.removeprefix('0x')}" for text in (wanted, said))
    elif name not in _CPU_PARAMETERS:
        return False
    # Flags of isolcpus are the business of T03.
    sets = parameter_cpus(wanted), parameter_cpus(said)
    return sets[0] is not None and sets[0] == sets[1]


def _parameter(name: str, value: str) -> str:
    return f"{name}={value}" if value else name


def _unknown_version(machine: MachineSpec) -> str:
    version, tuned = machine.facts.tuned_version, machine.tuned
    if tuned is None or not tuned.foreign or machine.cmdline is None or not version or shipped(version):
        return ""
    return f"what the profiles of tuned {version} write is not known here"


T04: Rule[MachineSpec] = Rule(
    code="T04",
    title="tuned profile writes another kernel command line",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_writers,
    aside=_unknown_version,
    depends_on=("C09", "C10", "C14"),
    doc=Doc(
        what="A machine's kernel command line has one writer. Where it is declared, the tuned profile writes no "
        "parameters. Where tuned writes it, the command line holds every parameter that tuned of that version would "
        "write, with the same CPUs; more may stand there.",
        why="The same profile name gives another command line in the next tuned version, and with two writers the "
        "last one at boot wins. OpenShift's operator rebooted nodes again and again from exactly this.",
        fix="move the parameters from the profile to the declared command line",
        sources=(source("TUNED", "[bootloader] sections"), source("NTO-A", "Red Hat bug 2078969")),
        bad=Example(
            text='TunedProfile("plc-guest", role="guest", cmdline=["isolcpus=2-3"])\n# declared: isolcpus=1-3',
            subject=lambda: boot(tuned=profile(cmdline=("isolcpus=2-3",))),
        ),
        good=Example(
            text='TunedProfile("plc-guest", role="guest")\n# declared: isolcpus=1-3',
            subject=lambda: boot(tuned=profile()),
        ),
    ),
)


def _by_version(machine: MachineSpec, tuned: TunedProfileSpec) -> Iterator[Hit]:
    if machine.cmdline is None or machine.facts.tuned_version or of_openshift(tuned):
        return
    written = {version: _written(machine, tuned, version) for version in DIFFERENT}
    only = {version: _only(version, written) for version in DIFFERENT}
    differing = [f"{version} writes {' '.join(words)}" for version, words in only.items() if words]
    if differing:
        said = [word for words in only.values() for word in words if word in machine.cmdline.parameters]
        yield Hit(
            where="tuned",
            given=f"{machine.end('tuned')} does not say for which tuned it is: {', '.join(differing)}; "
            f"{machine.end('cmdline')} has {' '.join(said) or 'none of it'}",
            allowed="a known version, " + " or ".join(DIFFERENT),
            hint="give the machine's tuned_version",
        )


def _only(version: str, written: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The parameters that this version writes and some other does not, or not so."""
    return [
        _parameter(name, value)
        for name, value in written[version].items()
        if any(each.get(name) != value for each in written.values())
    ]


def _by_tuned(**facts: Any) -> MachineSpec:
    variables = {"isolated_cores": "1-3", "isolate_managed_irq": "Y"}
    return tuned_machine(theirs(variables=variables), CMDLINE, vendor="intel", kernel="rt", **facts)


T05: Rule[MachineSpec] = Rule(
    code="T05",
    title="command line depends on an unknown tuned version",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=on_machine(_by_version),
    doc=Doc(
        what="Where a tuned profile writes the kernel command line, and tuned 2.20 and 2.28 write different ones for "
        "it, the machine says which tuned it has. OpenShift's profiles are bound to their operator's tuned.",
        why="2.28 writes rcupdate.rcu_normal_after_boot=1 and rcutree.nohz_full_patience_delay=1000 from "
        "network-latency, has moved tsc=reliable there, and switches the frequency driver of the CPU's vendor off, "
        "where 2.20 only knows Intel's. An update of the package changes the boot of every machine.",
        fix="give the machine's tuned_version",
        sources=(source("TUNED"), source("NTO-A", "Red Hat bug 2078969")),
        bad=Example(text=f"# tuned_version: not given\n{CMDLINE}", subject=_by_tuned),
        good=Example(text=f"# tuned_version: 2.20\n{CMDLINE}", subject=lambda: _by_tuned(tuned_version="2.20")),
    ),
)
