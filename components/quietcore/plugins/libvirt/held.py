"""CPUs and pages of a host that other domains hold already: what a real-time domain may not take.

The program's rules judge what one program declares. Only the host knows what else runs there: domains of other stacks,
and those made by hand. Domains of the same stack are left to the rules, which know what this very run will change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import libvirt
from lxml import etree

from quietcore.plugins.handler import Context, HandlerError, Mark, Severity
from quietcore.plugins.ownership import mark_in
from quietcore.render.domain_xml import LiftError, lift_element
from quietcore.render.stylesheet import parse_xml
from quietcore.spec import DomainSpec
from quietcore.spec.finding import Finding, in_order
from quietcore.units import CpuSet, Size

CPU_HELD = ("D05", "CPU of a real-time vCPU is held by two domains")
PAGES_HELD = ("D26", "domains want more hugepages than the host has")
"""Codes and titles of the rules that say the same of one program (`quietcore explain D05`)."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread of a domain and the host CPUs that it is pinned to; `place` is its element below `cputune`."""

    who: str
    place: str
    cpus: CpuSet
    real_time: bool


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another domain that runs, or will when the host starts. `akin`: it is of the same project and stack."""

    domain: DomainSpec
    mark: Mark | None
    active: bool
    akin: bool

    def tell(self) -> str:
        """Whose it is and whether it runs."""
        whose = f"of {self.mark.project}/{self.mark.stack}" if self.mark else "made by nobody's program"
        return f'domain "{self.domain.name}" ({whose}; {"running" if self.active else "starts with the host"})'


def refuse_held(
    connection: libvirt.virConnect, effective: etree._Element, before: etree._Element | None, ctx: Context
) -> None:
    """Refuse CPUs, and for a domain that is new (`before` is None) pages, that other domains hold.

    What the domain had before stays its own: only what it takes anew is judged.

    Raises:
        HandlerError: every finding, in the words of the rules.
        libvirt.libvirtError
    """
    found = findings(connection, effective, before, ctx)
    if found:
        raise HandlerError("\n\n".join(finding.text(label=False) for finding in found))


def tell_held(connection: libvirt.virConnect, effective: etree._Element, ctx: Context) -> None:
    """Warn of CPUs of a domain that others have taken since."""
    for finding in findings(connection, effective, None, ctx, pages=False):
        ctx.log(Severity.WARNING, finding.text(label=False))


def findings(
    connection: libvirt.virConnect,
    effective: etree._Element,
    before: etree._Element | None,
    ctx: Context,
    *,
    pages: bool = True,
) -> list[Finding]:
    """Give what other domains hold of what this one would take; none for a domain that only `up` will know."""
    try:
        wanted = lift_element(effective)
        had = lift_element(before) if before is not None else None
    except LiftError:
        return []  # the policies tell what is wrong with such a document
    if not _rivals(wanted):
        return []
    takes_pages = pages and before is None and wanted.hugepages is not None
    everyone = list(_neighbours(connection, wanted.name, ctx, akin_too=takes_pages))
    others = [other for other in everyone if not other.akin]
    free = _free(connection, others)
    found = [finding for other in others if (finding := _cpus(wanted, had, other, ctx, free))]
    if takes_pages:
        found += _pages(connection, wanted, everyone, ctx)
    return in_order(found)


def threads(domain: DomainSpec) -> Iterator[Thread]:
    """Give every thread of a domain that is pinned."""
    for pin in domain.vcpu_pins:
        yield Thread(f"vCPU {pin.vcpu}", f"vcpupin[{pin.vcpu}]", pin.cpus, pin.vcpu in domain.rt_vcpus)
    if domain.emulator_pin:
        yield Thread("the emulator", "emulatorpin", domain.emulator_pin, False)
    for io in domain.iothread_pins:
        yield Thread(f"IOThread {io.iothread}", f"iothreadpin[{io.iothread}]", io.cpus, False)


def _rivals(wanted: DomainSpec) -> bool:
    """Tell whether the domain has anything that another could hold: pins, or pages."""
    return bool(wanted.vcpu_pins or wanted.hugepages)


def _neighbours(connection: libvirt.virConnect, name: str, ctx: Context, *, akin_too: bool) -> Iterator[Neighbour]:
    """Give the domains of this host that run or start with it, but for this one. One that is off holds nothing."""
    for domain in connection.listAllDomains():
        try:
            active = bool(domain.isActive())
            if domain.name() == name or not (active or domain.autostart()):
                continue
            root = parse_xml(domain.XMLDesc())
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                continue  # went away meanwhile
            raise
        mark = mark_in(root)
        akin = mark is not None and (mark.project, mark.stack) == (ctx.mark.project, ctx.mark.stack)
        if akin and not akin_too:
            continue
        try:
            yield Neighbour(lift_element(root), mark, active, akin)
        except LiftError as error:
            ctx.log(Severity.WARNING, f"domain {domain.name()} on {ctx.host} cannot be read: {error.what}")


def _cpus(
    wanted: DomainSpec, had: DomainSpec | None, other: Neighbour, ctx: Context, free: CpuSet | None
) -> Finding | None:
    """Give one finding for a pair of domains: a real-time vCPU of either where the other has a thread."""
    kept = {(thread.who, thread.real_time, cpu) for thread in threads(had) for cpu in thread.cpus} if had else set()
    met = [
        (mine, theirs, cpu)
        for mine in threads(wanted)
        for theirs in threads(other.domain)
        if mine.real_time or theirs.real_time
        for cpu in mine.cpus & theirs.cpus
        if (mine.who, mine.real_time, cpu) not in kept
    ]
    if not met:
        return None
    first, theirs, _ = met[0]
    told = "; ".join(f"CPU {cpu} for {mine.who}, held by {holder.who}" for mine, holder, cpu in met)
    code, title = CPU_HELD
    return Finding(
        code=code,
        title=title,
        where=f'domain "{wanted.name}", cputune.{first.place}',
        given=f"{told} of {other.tell()} on {ctx.host}",
        allowed=f"CPUs of {ctx.host} that no other domain is pinned to{f': {free}' if free else ''}",
        hint=f"pin it elsewhere, or move the other: {_move(theirs, other, ctx)}",
    )


def _move(thread: Thread, other: Neighbour, ctx: Context) -> str:
    """Give the command that pins a thread of the other domain elsewhere."""
    kind, number = thread.place.partition("[")[::2]
    which = f" {number.rstrip(']')}" if number else ""
    return f"virsh -c '{ctx.uri}' {kind} {other.domain.name}{which} CPU"


def _free(connection: libvirt.virConnect, others: list[Neighbour]) -> CpuSet | None:
    """Give the CPUs of the host where no other domain has a thread; None where the driver does not say."""
    try:
        _count, online, _most = connection.getCPUMap()
    except libvirt.libvirtError:
        return None
    taken = CpuSet().union(thread.cpus for other in others for thread in threads(other.domain))
    return CpuSet(cpu for cpu, there in enumerate(online) if there) - taken


def _pages(
    connection: libvirt.virConnect, wanted: DomainSpec, everyone: list[Neighbour], ctx: Context
) -> Iterator[Finding]:
    """Give a finding where other domains leave too few pages in the one cell that the memory comes from.

    Pages of the same stack's domains count as free: this very run may stop them.
    """
    size = _page_size(wanted)
    cells = list(wanted.numa.nodeset) if wanted.numa else []
    holders = [other for other in everyone if other.active and _page_size(other.domain) == size]
    if size is None or len(cells) != 1 or all(other.akin for other in holders):
        return
    there = _free_pages(connection, size, cells[0])
    if there is None:
        return
    free = there + sum(_page_count(other.domain, size) for other in holders if other.akin)
    needed = _page_count(wanted, size)
    if needed <= free:
        return
    shares = ", ".join(f"{_page_count(other.domain, size)} by {other.tell()}" for other in holders if not other.akin)
    code, title = PAGES_HELD
    yield Finding(
        code=code,
        title=title,
        where=f'domain "{wanted.name}", memoryBacking.hugepages',
        given=f"{needed} pages of {size} wanted in cell {cells[0]} of {ctx.host}; held there: {shares}",
        allowed=f"{free} pages of {size}: those that are free",
        hint=f"reserve more pages on {ctx.host}, or stop a domain that holds some",
    )


def _page_size(domain: DomainSpec) -> Size | None:
    sizes = [page.size for page in domain.hugepages or () if page.size.bytes]
    return sizes[0] if sizes else None


def _page_count(domain: DomainSpec, size: Size) -> int:
    return -(-domain.memory.bytes // size.bytes)


def _free_pages(connection: libvirt.virConnect, size: Size, cell: int) -> int | None:
    kib = size.bytes // 1024
    try:
        told = connection.getFreePages([kib], cell, 1)
    except libvirt.libvirtError:
        return None  # the driver does not say, or the host has no such pages: then the start tells
    count = told.get(cell, {}).get(kib)
    return None if count is None else int(count)
