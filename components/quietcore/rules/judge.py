"""Judging: which values a subject holds, which rules speak of each, and which findings are told.

``findings`` judges a subject and all that it holds, ``alone`` only the value itself. A finding is
silenced where a rule that it depends on has a finding at the same place or at one that encloses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from quietcore.rules.catalogue import CATALOGUE, Catalogue
from quietcore.rules.paths import called, paths_of, title_of
from quietcore.spec import (
    DomainSpec,
    Finding,
    HostSpec,
    HostView,
    MachineFacts,
    MachineSpec,
    NodeSpec,
    PodSpec,
    Refused,
    Severity,
    SiteSpec,
    VirtualMachineSpec,
)
from quietcore.spec.finding import in_order
from quietcore.spec.unsaid import NotSaid
from quietcore.units import CpuSet


@dataclass(frozen=True, kw_only=True)
class Part:
    """A value to judge, what its findings' paths begin with, and how its paths are called by who declared it.

    ``home`` is the prefix by which places are compared, where a reader knows the value by another: a machine's layers
    are called by their files, and a place within one is the same place to a rule on the whole machine.
    """

    subject: Any
    prefix: str = ""
    paths: Mapping[str, str] = field(default_factory=dict)
    home: str | None = None

    def tell(self, finding: Finding) -> Finding:
        """The finding with the reader's path."""
        return replace(finding, where=called(finding.where, self.paths)).at(prefix=self.prefix)

    def place(self, finding: Finding) -> str:
        """Where the finding is, by one name for every part that holds the place."""
        told = self.tell(finding)
        return told.where if self.home is None else finding.at(prefix=self.home).where


def explode(subject: object) -> Iterator[Part]:
    """The subject and every smaller one that it holds, each once."""
    match subject:
        case SiteSpec():
            yield Part(subject=subject)
            for view in subject.views():
                yield from explode(view)
            unplaced = (node for node in subject.nodes if node.host is None)
            for loose in (*unplaced, *subject.machines, *subject.pods, *subject.virtual_machines):
                yield from explode(loose)
        case HostView():
            yield Part(subject=subject)
            yield from _of_host(subject.host, alone=subject.machine is None)
            for node in subject.nodes:
                yield from explode(node)
        case HostSpec():
            yield from _of_host(subject, alone=True)
        case NodeSpec():
            yield from _of_node(subject)
        case DomainSpec():
            yield from explode(NodeSpec(host=None, domain=subject))
        case MachineSpec():
            yield from _of_machine(subject)
        case PodSpec() | VirtualMachineSpec():
            yield Part(subject=subject, prefix=f'{subject.kind} "{subject.name}"')
        case _:
            yield Part(subject=subject)


def findings(subject: object, catalogue: Catalogue = CATALOGUE) -> list[Finding]:
    """Every finding on ``subject`` and on what it holds, silenced consequences left out, in the one order."""
    return _judged(explode(subject), catalogue)


def alone(subject: object, catalogue: Catalogue = CATALOGUE) -> list[Finding]:
    """The findings of the rules on this very value, such as a host's pairwise ones, not on what it holds."""
    return _judged([next(explode(subject))], catalogue)


def newest(view: HostView, catalogue: Catalogue = CATALOGUE) -> list[Finding]:
    """The findings on the last node of ``view`` and on how it gets on with the others, which were judged before."""
    return _judged([Part(subject=view), *explode(view.nodes[-1])], catalogue)


def asides(subject: object, catalogue: Catalogue = CATALOGUE) -> list[tuple[str, str, str]]:
    """(code, where, reason) for each rule that stands aside because a fact of the host makes it senseless there."""
    table = _table(catalogue)
    told = {
        (rule.code, part.prefix, reason)
        for part in explode(subject)
        for rule in _rules(table, part)
        if (reason := rule.aside(part.subject))
    }
    return sorted(told)


def require(subject: object, catalogue: Catalogue = CATALOGUE) -> list[Finding]:
    """The findings that do not refuse. Raises Refused with all errors when there are any."""
    told = findings(subject, catalogue)
    errors = [finding for finding in told if finding.severity is Severity.ERROR]
    if errors:
        raise Refused(errors)
    return told


def _judged(parts: Iterable[Part], catalogue: Catalogue) -> list[Finding]:
    table = _table(catalogue)
    told = [
        (part.place(found), part.tell(found))
        for part in parts
        for rule in _rules(table, part)
        for found in rule.findings(part.subject)
    ]
    return in_order(_without_consequences(told, catalogue)) if told else []


def _of_host(host: HostSpec, *, alone: bool) -> Iterator[Part]:
    """The host, its plan and, where nothing else tells of its own Linux, what follows from both for a machine."""
    yield Part(subject=host, prefix=_host(host))
    yield Part(subject=host.cpus, prefix=_host(host))
    machine = _own_machine(host) if alone else None
    if machine is not None:
        yield Part(subject=machine, prefix=_host(host))


def _own_machine(host: HostSpec) -> MachineSpec | None:
    """What topology and plan say of the host's own Linux; None where not both are said."""
    try:
        return MachineSpec(
            role="host",
            facts=MachineFacts(arch=host.topology.arch),
            online=host.present,
            isolated=host.cpus.isolated,
            topology=host.topology,
            plan=host.cpus,
        )
    except NotSaid:
        return None


def _of_node(node: NodeSpec) -> Iterator[Part]:
    prefix, paths = title_of(node), paths_of(node)
    domain, guest = node.domain, node.domain.guest
    yield Part(subject=node, prefix=prefix, paths=paths)
    yield Part(subject=domain, prefix=prefix, paths=paths)
    if guest is None or not domain.realtime:
        return
    if guest.cmdline is not None:
        online = CpuSet(range(domain.vcpus))
        machine = MachineSpec(
            role="guest",
            facts=MachineFacts(kernel=guest.kernel, arch=domain.arch),
            online=online,
            isolated=guest.isolated,
            cmdline=guest.cmdline,
            tuned=guest.tuned,
        )
        yield Part(subject=machine, prefix=prefix, paths=paths)
        yield Part(subject=guest.cmdline, prefix=prefix, paths=paths)
    if guest.tuned is not None:
        yield Part(subject=guest.tuned, prefix=f'{prefix}, tuned profile "{guest.tuned.name}"')


def _of_machine(machine: MachineSpec) -> Iterator[Part]:
    """The machine as a whole, then each layer that is known, called by its file."""
    yield Part(subject=machine, prefix=machine.name)
    for layer in ("cmdline", "plan", "tuned", "kubelet", "profile"):
        value = getattr(machine, layer)
        if value is not None:
            yield Part(subject=value, prefix=machine.end(layer), home=machine.name)
    for runtime_class in machine.runtime_classes:
        yield Part(subject=runtime_class, prefix=f'RuntimeClass "{runtime_class.name}"')
    for held in (*machine.pods, *machine.virtual_machines):
        yield from explode(held)


def _host(host: HostSpec) -> str:
    return f'host "{host.name}"'


Table = Mapping[type, Catalogue]


def _tabled(catalogue: Catalogue) -> Table:
    subjects = {rule.subject for rule in catalogue}
    return {subject: tuple(rule for rule in catalogue if rule.subject is subject) for subject in subjects}


# What can be judged of a domain alone, where neither its host nor that host's facts are in view.
WITHOUT_HOST: Catalogue = tuple(rule for rule in CATALOGUE if rule.subject is not NodeSpec)

_TABLES = {id(catalogue): _tabled(catalogue) for catalogue in (CATALOGUE, WITHOUT_HOST)}


def _table(catalogue: Catalogue) -> Table:
    return _TABLES.get(id(catalogue)) or _tabled(catalogue)


def _rules(table: Table, part: Part) -> Catalogue:
    return table.get(type(part.subject), ())


def _without_consequences(told: list[tuple[str, Finding]], catalogue: Catalogue) -> Iterator[Finding]:
    causes = {rule.code: rule.depends_on for rule in catalogue}
    places: dict[str, set[str]] = {}
    for place, finding in told:
        places.setdefault(finding.code, set()).add(place)
    for place, finding in told:
        names = causes.get(finding.code, ())
        if not any(_encloses(there, place) for name in names for there in places.get(name, ())):
            yield finding


def _encloses(outer: str, inner: str) -> bool:
    return inner.startswith(outer) and inner[len(outer) : len(outer) + 1] in ("", ".", "[", ",")
