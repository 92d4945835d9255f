"""Memory and hugepages add up over guests, pods and the host that has them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from quietcore.rules.cross.examples import both
from quietcore.rules.domain.hosted import page_size
from quietcore.rules.examples import GUEST_CMDLINE, domain, guest, view
from quietcore.rules.paths import title_of
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.rules.workload.examples import GIB, amounts, container, pod
from quietcore.rules.workload.realtime import named
from quietcore.rules.workload.room import reserved_at_boot
from quietcore.spec import DomainSpec, GuestSpec, HostView, KernelCmdline, PodSpec, Severity
from quietcore.units import Size


def _shared_pages(view: HostView) -> Iterator[Hit]:
    """What guests alone take too much of is D26's, what pods alone do is W11's."""
    if view.machine is None or not any(node.domain.realtime for node in view.nodes):
        return
    guests: dict[Size, dict[str, int]] = defaultdict(dict)
    for node in view.nodes:
        if size := page_size(node.domain):
            guests[size][title_of(node)] = node.domain.memory.bytes
    pods = [(named(pod), pod.hugepages()) for pod in view.machine.pods]
    for size, held in sorted(guests.items()):
        wanted = {name: pages[size] for name, pages in pods if pages.get(size)}
        room = sum(cell.pages.get(size, 0) for cell in view.host.topology.cells) * size.bytes
        taken, asked = sum(held.values()), sum(wanted.values())
        if taken <= room and asked <= room < taken + asked:
            shares = ", ".join(f"{name} {Size(amount)}" for name, amount in (held | wanted).items())
            yield Hit(
                where=f'host "{view.host.name}", topology.pages',
                given=f"{Size(taken + asked)} wanted in pages of {size}: {shares}",
                allowed=f"{Size(room)}, as {view.machine.end('topology')} declares",
                hint=f"reserve {-(-(taken + asked) // size.bytes)} pages of {size}, or move a guest or a pod",
            )


X02: Rule[HostView] = Rule(
    code="X02",
    title="guests and pods together want more hugepages than the host has",
    severity=Severity.ERROR,
    scope=Scope.HOST,
    subject=HostView,
    judge=_shared_pages,
    depends_on=("D26", "W11"),
    doc=Doc(
        what="The hugepages of a size that a host's domains and its pods take together are there.",
        why="The kubelet counts all pages of the host as its own, libvirt takes what is free. Whoever starts first "
        "gets its pages; after a restart of the host it may be the other one that fails.",
        fix="reserve more pages, or move a guest or a pod to another host",
        sources=(source("K8S-DOC", "huge pages"), source("STX-MEM")),
        bad=Example(
            text="# the host has 8 pages of 1GiB\n<memory unit='GiB'>6</memory>\n# pod\nhugepages-1Gi: 4Gi",
            subject=lambda: both(domain(memory=Size.parse("6GiB")), pods=(_holding(4),)),
        ),
        good=Example(
            text="# the host has 8 pages of 1GiB\n<memory unit='GiB'>4</memory>\n# pod\nhugepages-1Gi: 4Gi",
            subject=lambda: both(domain(memory=Size.parse("4GiB")), pods=(_holding(4),)),
        ),
    ),
)


def _holding(gib: int) -> PodSpec:
    return pod(container(limits=amounts(pages=gib * GIB)))


def _too_much(view: HostView) -> Iterator[Hit]:
    """Only what is not in hugepages counts beside the pools, which are taken from all memory at boot."""
    plain = [node for node in view.nodes if node.domain.hugepages is None]
    if not plain or not any(node.domain.realtime for node in view.nodes):
        return
    cells = view.host.topology.cells
    pools = sum(size.bytes * count for cell in cells for size, count in cell.pages.items())
    room = sum(cell.memory.bytes for cell in cells) - pools
    taken = sum(node.domain.memory.bytes for node in plain)
    if taken > room:
        shares = ", ".join(f"{title_of(node)} {node.domain.memory}" for node in plain)
        yield Hit(
            where=f'host "{view.host.name}", topology.cells',
            given=f"{Size(taken)} without hugepages: {shares}; beside hugepages of {Size(pools)}",
            allowed=f"{Size(max(room, 0))} that the hugepages leave",
            hint="give the domains less memory, reserve fewer pages, or move a domain",
        )


X03: Rule[HostView] = Rule(
    code="X03",
    title="domains want more memory than the hugepages leave",
    severity=Severity.ERROR,
    scope=Scope.HOST,
    subject=HostView,
    judge=_too_much,
    doc=Doc(
        what="On a host with a real-time domain, the memory of all domains without hugepages fits into what the "
        "reserved hugepages leave of the host's memory.",
        why="Hugepages are gone from ordinary memory whether a guest uses them or not. Ordinary guests beside them "
        "drive the host into reclaim and swap, which stops real-time guests too, and in the end the OOM killer comes.",
        fix="give the domains less memory, reserve fewer pages, or move a domain to another host",
        sources=(source("STX-MEM"), source("RHEL-V")),
        bad=Example(
            text="# cell 0 of hv1 has 16GiB and 8 pages of 1GiB\n<name>web</name>\n<memory unit='GiB'>9</memory>",
            subject=lambda: view(domain(), _ordinary(9)),
        ),
        good=Example(
            text="# cell 0 of hv1 has 16GiB and 8 pages of 1GiB\n<name>web</name>\n<memory unit='GiB'>7</memory>",
            subject=lambda: view(domain(), _ordinary(7)),
        ),
    ),
)


def _ordinary(gib: int) -> DomainSpec:
    return DomainSpec(name="web", vcpus=2, memory=Size(gib << 30))


def _more_than_its_memory(domain: DomainSpec) -> Iterator[Hit]:
    inside = domain.guest
    pools = reserved_at_boot(inside.cmdline) if inside is not None and domain.realtime else None
    total = sum((pools or {}).values())
    if total >= domain.memory.bytes > 0:
        yield Hit(
            where="guest.cmdline.hugepages",
            given=f"the guest reserves hugepages of {Size(total)}; the domain has {domain.memory}",
            allowed=f"less than {domain.memory}",
            hint="reserve fewer pages in the guest, or give the domain more memory",
        )


X04: Rule[DomainSpec] = Rule(
    code="X04",
    title="guest reserves all of its memory as hugepages",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_more_than_its_memory,
    doc=Doc(
        what="The hugepages that a real-time guest's own command line reserves are less than the memory of its domain.",
        why="The guest's kernel takes as many pages as it can get at boot and says nothing. What is left is too little "
        "for its system, or the workload finds fewer pages than the command line promises.",
        fix="reserve fewer pages in the guest, or give the domain more memory",
        sources=(source("K-PARAM", "hugepages="), source("STX-MEM")),
        bad=Example(
            text="<memory unit='GiB'>2</memory>\n# the guest's command line\nhugepagesz=1G hugepages=2",
            subject=lambda: domain(guest=_booting("hugepagesz=1G hugepages=2")),
        ),
        good=Example(
            text="<memory unit='GiB'>2</memory>\n# the guest's command line\nhugepagesz=1G hugepages=1",
            subject=lambda: domain(guest=_booting("hugepagesz=1G hugepages=1")),
        ),
    ),
)


def _booting(pages: str) -> GuestSpec:
    return guest(cmdline=KernelCmdline.parse(f"{GUEST_CMDLINE} default_hugepagesz=1G {pages}"))
