"""What is judged together: a machine with its guests, its pods and all that stands in its folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from quietcore.lint.group import Group
from quietcore.lint.layer import Layer
from quietcore.lint.machine import Isolation, Role, isolation_of, machine_of
from quietcore.lint.options import Options
from quietcore.lint.place import Place
from quietcore.render.pod import with_classes
from quietcore.spec import (
    CpuPlan,
    DomainSpec,
    GuestSpec,
    HostFacts,
    HostSpec,
    HostTopology,
    MachineSpec,
    NodeSpec,
    PodSpec,
    SiteSpec,
)
from quietcore.spec.cpu import ObservedPlan
from quietcore.spec.host import ObservedHost
from quietcore.spec.tuned import TunedResourceSpec
from quietcore.spec.unsaid import Unsaid
from quietcore.units import CpuSet


@dataclass
class Case:
    """A site of one machine and what is on it; ``places`` says where each part stands, by the beginning of its path."""

    group: Group
    site: SiteSpec
    machine: MachineSpec | None = None
    isolation: Isolation | None = None
    resources: tuple[TunedResourceSpec, ...] = ()
    places: dict[str, Place] = field(default_factory=dict)


def case_of(group: Group, options: Options) -> Case:
    """The machine of a group, its domains as guests on it, their insides, and its pods."""
    domains = _domains(group)
    machine = machine_of(group, _role(group), options)
    isolation = isolation_of(machine, group) if machine else None
    host = _host(group.name, machine, isolation) if machine or domains else None
    insides = {name: _inside(inside, domains[name].value, options) for name, inside in group.guests.items()}
    guests = {name: inside for name, inside in insides.items() if inside is not None}
    nodes = tuple(
        NodeSpec.model_construct(host=host, domain=_with_guest(layer.value, guests.get(name), group.guests.get(name)))
        for name, layer in domains.items()
    )
    pods = _pods(group, machine)
    if machine is not None and nodes:
        machine = machine.model_copy(update={"guests": _held(nodes)})
    placed = machine is not None and (machine.kubelet is not None or machine.profile is not None)
    virtual = tuple(layer.value for layer in group.of("virtual machine"))
    if machine is not None and placed:
        machine = machine.model_copy(update={"pods": pods, "virtual_machines": virtual})
    several = group.of("profile") if len(group.of("profile")) > 1 else []
    workers = tuple(_worker(layer, options) for layer in several)
    site = SiteSpec.model_construct(
        hosts=(host,) if host is not None and (nodes or not isinstance(host, ObservedHost)) else (),
        nodes=nodes,
        machines=(*((machine,) if machine else ()), *guests.values(), *workers),
        pods=() if placed else pods,
        virtual_machines=() if placed else virtual,
    )
    places = _places(group, machine, guests, isolation)
    for worker in workers:
        places |= _layers(worker)
    return Case(group, site, machine, isolation, _resources(group), places)


def _role(group: Group) -> Role:
    if group.of("kubelet") or group.of("profile"):
        return "worker"
    return "host" if group.of("domain") or group.of("topology capabilities") else "worker"


def _domains(group: Group) -> dict[str, Layer]:
    """The domains by name; a second one of a name is told to be left alone."""
    found: dict[str, Layer] = {}
    for layer in group.of("domain"):
        first = found.setdefault(layer.value.name, layer)
        if first is not layer:
            group.unjudged.append((layer.text.name, f'domain "{layer.value.name}" stands in {first.text.name} already'))
    return found


def _host(name: str, machine: MachineSpec | None, isolation: Isolation | None) -> HostSpec:
    """The machine as a host of domains. Whatever its files do not say stays unsaid."""
    topology = machine.topology if machine else None
    facts = HostFacts(smt="off" if machine and machine.facts.smt is False else "on")
    plan = machine.plan if machine else None
    declared = plan is not None and machine is not None and machine.profile is not None
    if plan is None and machine is not None and isolation is not None:
        plan = ObservedPlan(housekeeping=housekeeping(machine, isolation.cpus), isolated=isolation.cpus)
    if declared and plan is not None and topology is not None:
        # What is switched off already is in no tool's list of CPUs, and no CPU that the plan invents.
        present = plan.model_copy(update={"offlined": plan.offlined & topology.cpus})
        return HostSpec.model_construct(name=name, topology=topology, cpus=present, facts=facts)
    return ObservedHost.model_construct(
        name=name,
        topology=topology or cast(HostTopology, Unsaid("topology")),
        cpus=ObservedPlan(**dict(plan)) if plan is not None else cast(CpuPlan, Unsaid("isolated CPUs")),
        facts=facts,
    )


def housekeeping(machine: MachineSpec, isolated: CpuSet) -> CpuSet:
    """All CPUs that are not isolated; where their number is not known, as many as any machine has."""
    return (machine.online or CpuSet(range(_MOST))) - isolated


_MOST = 4096


def _inside(group: Group, domain: DomainSpec, options: Options) -> MachineSpec | None:
    machine = machine_of(group, "guest", options, CpuSet(range(domain.vcpus)))
    return machine.model_copy(update={"pods": _pods(group, machine)}) if machine else None


def _with_guest(domain: DomainSpec, inside: MachineSpec | None, group: Group | None) -> DomainSpec:
    """The domain with what its inside isolates. Kernel and profile are told together, as they are judged together."""
    if inside is None or group is None:
        return domain
    known = isolation_of(inside, group)
    said = domain.guest or GuestSpec()
    kernel = inside.facts.kernel if inside.tuned else None
    isolated = known.cpus if known else said.isolated
    guest = GuestSpec(
        kernel=kernel or said.kernel,
        isolated=isolated,
        cmdline=inside.cmdline or said.cmdline,
        tuned=inside.tuned or said.tuned,
    )
    return domain.model_copy(update={"guest": guest})


def _held(nodes: Iterable[NodeSpec]) -> CpuSet:
    """The CPUs that vCPUs of real-time domains are pinned to, one to one."""
    pins = (pin for node in nodes if node.domain.realtime for pin in node.domain.vcpu_pins)
    return CpuSet().union(pin.cpus for pin in pins if len(pin.cpus) == 1)


def _pods(group: Group, machine: MachineSpec | None) -> tuple[PodSpec, ...]:
    classes = machine.runtime_classes if machine else tuple(layer.value for layer in group.of("class"))
    return with_classes((layer.value for layer in group.of("pod")), classes)


def _worker(layer: Layer, options: Options) -> MachineSpec:
    """A node of one of several profiles: the profile is all that is known of it."""
    alone = Group(layer.value.name, "")
    alone.layers["profile"] = [layer]
    machine = machine_of(alone, "worker", options)
    assert machine is not None
    return machine


def _resources(group: Group) -> tuple[TunedResourceSpec, ...]:
    names = tuple(layer.value.name for layer in group.of("profile"))
    given = [layer.value for layer in group.of("tuned resource")]
    included = tuple(parent for resource in given for profile in resource.profiles for parent in profile.parents)
    beside = {"performance_profiles": names, "included_elsewhere": included}
    return tuple(resource.model_copy(update=beside) for resource in given)


def _places(
    group: Group, machine: MachineSpec | None, guests: Mapping[str, MachineSpec], isolation: Isolation | None
) -> dict[str, Place]:
    """Where what a finding's path begins with stands."""
    places = {f'domain "{layer.value.name}"': Place(layer.text.name) for layer in reversed(group.of("domain"))}
    for noun in ("pod", "virtual machine"):
        for layer in group.of(noun):
            places[f'{layer.value.kind} "{layer.value.name}"'] = Place(layer.text.name)
    for layer in group.of("class"):
        places[f'RuntimeClass "{layer.value.name}"'] = Place(layer.text.name)
    for layer in group.of("profile"):
        places[f'profile "{layer.value.name}"'] = Place(layer.text.name)
    for layer in group.of("tuned resource"):
        places[f'Tuned "{layer.value.name}"'] = Place(layer.text.name)
    if machine is not None:
        host = f'host "{group.name}"'
        places |= {host: Place(machine.files.get("topology", ""), host), **_layers(machine)}
        places[f"{host}, cpus"] = Place(_plain(isolation.file) if isolation else "", host)
    for name, inside in guests.items():
        places |= _layers(inside)
        known = isolation_of(inside, group.guests[name])
        if known is not None:
            places[f'domain "{name}", guest'] = Place(known.file)
        if inside.tuned is not None:
            whose = f'domain "{name}", tuned profile "{inside.tuned.name}"'
            places[whose] = Place(inside.files.get("tuned", ""), whose)
    return places


def _layers(machine: MachineSpec) -> dict[str, Place]:
    """By the machine's name and a layer's, with which rules on machines begin, and by the layer's own."""
    facts = machine.files.get("profile") or machine.files.get("cmdline", "")
    places = {machine.name: Place(""), f"{machine.name}, facts": Place(facts, machine.name)}
    for layer, file in machine.files.items():
        places[f"{machine.name}, {layer}"] = Place(_plain(file), machine.name)
        places[file] = Place(_plain(file), file)
    return places


def _plain(file: str) -> str:
    """The file alone, of a layer that follows from a profile."""
    return file.partition(" (its ")[0]
