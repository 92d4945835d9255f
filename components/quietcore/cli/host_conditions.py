"""What the hosts of a stack say of themselves, asked over libvirt, all at once and each with a deadline."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from quietcore.cli.condition import Condition, Group
from quietcore.cli.hypervisor import opened, without_prompt
from quietcore.errors import QuietcoreError
from quietcore.lab.layout import labs_root
from quietcore.spec.host import HostSpec
from quietcore.spec.topology import HostTopology
from quietcore.units import CpuSet, Size

SECONDS: Final = 15.0
"""How long a host has to answer: an SSH connection to a host far away takes a few."""


@dataclass(frozen=True)
class Asked:
    """A host to ask: its name, its libvirt URI ("" where only `up` knows it), and what the program declares of it."""

    name: str
    uri: str
    spec: HostSpec | None = None


@dataclass
class Answer:
    """What came back; `reason` says why nothing did."""

    reason: str = f"no answer within {SECONDS:.0f} s"
    versions: str = ""
    kvm: bool = False
    topology: HostTopology | None = None
    free: Mapping[int, Mapping[Size, int]] = field(default_factory=dict)


def host_conditions(hosts: list[Asked], ask: Callable[[str], Answer] | None = None) -> Iterator[Condition]:
    """The conditions of every host, in order, asked in parallel."""
    answers = _all({host.uri for host in hosts if host.uri}, ask or ask_host)
    for host in hosts:
        yield from _conditions(host, answers.get(host.uri, Answer(reason="its URI is known only after `up`")))


def ask_host(uri: str) -> Answer:
    """Ask libvirt at `uri` for its versions, accelerator, topology and free pages."""
    from quietcore.render.capabilities import has_kvm, lift

    with opened(without_prompt(uri)) as connection:
        xml = connection.getCapabilities()
        topology = lift(xml)
        return Answer("", _versions(connection), has_kvm(xml), topology, _free(connection, topology))


def _all(uris: set[str], ask: Callable[[str], Answer]) -> dict[str, Answer]:
    answers = {uri: Answer() for uri in uris}

    def fill(uri: str) -> None:
        try:
            answers[uri] = ask(uri)
        except QuietcoreError as fault:
            answers[uri] = Answer(reason=fault.given or fault.what)

    # Daemons: libvirt blocks in C, and a host that never answers must not hold the command back.
    threads = [Thread(target=fill, args=(uri,), daemon=True) for uri in sorted(uris)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    return dict(answers)


def _conditions(host: Asked, answer: Answer) -> Iterator[Condition]:
    group = Group(f"host {host.name}")
    if not host.uri:
        yield group.skipped("libvirt answers", answer.reason)
        return
    if answer.topology is None:
        yield group.failed("libvirt answers", f"{host.uri}: {answer.reason}", *_ways_to(host.uri))
        return
    yield group.ok("libvirt answers", f"{host.uri}, {answer.versions}")
    if host.spec is None:
        return
    yield _accelerator(group, host.spec, answer.kvm)
    yield _topology(group, host, answer.topology)
    yield _pages(group, host.spec.topology, answer)
    if host.spec.facts.accelerator == "kvm":
        yield group.skipped("kernel and isolation", "libvirt does not tell them: run `quietcore doctor` there")


def _ways_to(uri: str) -> tuple[str, ...]:
    address = urlsplit(uri)
    if "ssh" in address.scheme:
        who = f"{address.username}@{address.hostname}" if address.username else str(address.hostname)
        return (f"ssh {who} virsh version    # must work without a password", f"virsh -c '{uri}' version")
    if address.hostname:
        return (f"virsh -c '{uri}' version",)
    socket = parse_qs(address.query).get("socket", [""])[0]
    if socket and Path(socket).is_relative_to(labs_root()):
        name = Path(socket).relative_to(labs_root()).parts[0]
        return ("quietcore lab up" + ("" if name == "lab" else f" --name {name}"),)
    return ("apt-get install libvirt-daemon-system, then systemctl enable --now libvirtd", f"virsh -c '{uri}' version")


def _accelerator(group: Group, spec: HostSpec, kvm: bool) -> Condition:
    if spec.facts.accelerator == "tcg":
        return group.skipped("KVM", "declared as tcg: plumbing only, no latency figure counts")
    if kvm:
        return group.ok("KVM")
    return group.failed(
        "KVM",
        "libvirt there offers no KVM",
        "switch virtualisation on in its firmware, then modprobe kvm_intel or kvm_amd",
        'for plumbing only, declare facts={"accelerator": "tcg"}',
    )


def _topology(group: Group, host: Asked, found: HostTopology) -> Condition:
    assert host.spec is not None
    declared = host.spec.topology
    differences = [
        f"{what} {ours} declared, {theirs} found"
        for what, ours, theirs in (
            ("CPUs", declared.cpus, found.cpus),
            ("NUMA cells", _cells(declared), _cells(found)),
            ("cores", _cores(declared), _cores(found)),
        )
        if str(ours) != str(theirs)
    ]
    if not differences:
        return group.ok("topology", "as declared")
    return group.failed(
        "topology", "; ".join(differences), f"quietcore inventory '{host.uri}' -o hosts/{host.name}.yaml"
    )


def _pages(group: Group, declared: HostTopology, answer: Answer) -> Condition:
    assert answer.topology is not None
    held = {cell.id: cell.pages for cell in answer.topology.cells}
    wanted = [(cell.id, size, count) for cell in declared.cells for size, count in sorted(cell.pages.items()) if count]
    short = [
        (cell, size, count, has) for cell, size, count in wanted if (has := held.get(cell, {}).get(size, 0)) < count
    ]
    if short:
        return group.failed(
            "hugepages",
            "; ".join(f"cell {cell}: {has} of {count} pages of {size}" for cell, size, count, has in short),
            *(f"on the host: echo {count} > {_pool(cell, size)}" for cell, size, count, _ in short),
        )
    free = "; ".join(
        f"cell {cell}: {answer.free.get(cell, {}).get(size, 0)} of {held[cell][size]} x {size} free"
        + (f", {count} declared" if count != held[cell][size] else "")
        for cell, size, count in wanted
    )
    return group.ok("hugepages", free) if wanted else group.skipped("hugepages", "none are declared")


def _pool(cell: int, size: Size) -> str:
    return f"/sys/devices/system/node/node{cell}/hugepages/hugepages-{size.in_unit('KiB')}kB/nr_hugepages"


def _cells(topology: HostTopology) -> str:
    return ", ".join(f"{cell.id}: {cell.cpus}" for cell in topology.cells)


def _cores(topology: HostTopology) -> int:
    return len({topology.core_of(cpu) for cpu in topology.cpus} or {CpuSet()})


def _versions(connection: Any) -> str:
    library = _dotted(connection.getLibVersion())
    return f"libvirt {library}, {connection.getType()} {_dotted(connection.getVersion())}"


def _dotted(number: int) -> str:
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"


def _free(connection: Any, topology: HostTopology) -> dict[int, dict[Size, int]]:
    sizes = sorted({size for cell in topology.cells for size in cell.pages})
    if not sizes:
        return {}
    found = connection.getFreePages(
        [size.in_unit("KiB") for size in sizes], min(cell.id for cell in topology.cells), len(topology.cells)
    )
    return {int(cell): {Size.kib(int(kib)): int(count) for kib, count in free.items()} for cell, free in found.items()}
