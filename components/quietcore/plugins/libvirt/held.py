"""CPUs and pages of a host that other domains hold already: what a real-time domain may not take.

The program's rules judge what one program declares. Only the host knows what else runs there: domains of other stacks,
and those made by hand. Domains of the same stack are left to the rules, which know what this very run will change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import libvirt

from quietcore.errors import UnitError
from quietcore.plugins.handler import Context, HandlerError, Mark, Severity
from quietcore.plugins.libvirt.facets import Facets
from quietcore.plugins.libvirt.footprint import Footprint, Thread, footprint, holding_facts
from quietcore.plugins.ownership import mark_in
from quietcore.render.stylesheet import parse_xml
from quietcore.units.cpuset import CpuSet
from quietcore.units.size import Size

if TYPE_CHECKING:  # findings live beside the specs, whose library costs more to import than all of this plugin
    from quietcore.spec.finding import Finding

CPU_HELD = ("D05", "CPU of a real-time vCPU is held by two domains")
PAGES_HELD = ("D26", "domains want more hugepages than the host has")
"""Codes and titles of the rules that say the same of one program (`quietcore explain D05`)."""

Meeting = tuple[Thread, Thread, int]
"""A thread of ours, one of another domain, and the CPU on which they meet."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another domain that runs, or will when the host starts. `akin`: it is of the same project and stack."""

    domain: Footprint
    mark: Mark | None
    active: bool
    akin: bool

    def tell(self) -> str:
        """Whose it is and whether it runs."""
        whose = f"of {self.mark.project}/{self.mark.stack}" if self.mark else "made by nobody's program"
        return f'domain "{self.domain.name}" ({whose}; {"running" if self.active else "starts with the host"})'


def refuse_held(connection: libvirt.virConnect, effective: Facets, before: Facets | None, ctx: Context) -> None:
    """Refuse CPUs, and for a domain that is new (`before` is None) pages, that other domains hold.

    What the domain had before stays its own: only what it takes anew is judged.

    Raises:
        HandlerError: every finding, in the words of the rules.
        libvirt.libvirtError
    """
    found = findings(connection, effective, before, ctx)
    if found:
        raise HandlerError("\n\n".join(finding.text(label=False) for finding in found))


def tell_held(connection: libvirt.virConnect, effective: Facets, ctx: Context) -> None:
    """Warn of CPUs of a domain that others have taken since."""
    for finding in findings(connection, effective, None, ctx, pages=False):
        ctx.log(Severity.WARNING, finding.text(label=False))


def findings(
    connection: libvirt.virConnect, effective: Facets, before: Facets | None, ctx: Context, *, pages: bool = True
) -> list[Finding]:
    """Give what other domains hold of what this one would take; none for a domain that only `up` will know."""
    try:
        wanted = footprint(effective)
        had = footprint(before) if before is not None else None
    except UnitError:
        return []  # the policies tell what is wrong with such a document
    if not (wanted.pinned or wanted.hugepages):
        return []
    takes_pages = pages and before is None and wanted.hugepages
    everyone = list(_neighbours(connection, wanted.name, ctx, akin_too=takes_pages))
    others = [other for other in everyone if not other.akin]
    kept = {(thread.who, thread.real_time, cpu) for thread in had.threads for cpu in thread.cpus} if had else set()
    met = [(other, meetings) for other in others if (meetings := _meetings(wanted, kept, other.domain))]
    free = _free(connection, others) if met else None
    found = [_cpus_held(wanted, meetings, other, ctx, free) for other, meetings in met]
    if takes_pages:
        found += _pages_held(connection, wanted, everyone, ctx)
    return _in_order(found) if found else []


def _neighbours(connection: libvirt.virConnect, name: str, ctx: Context, *, akin_too: bool) -> Iterator[Neighbour]:
    """Give the domains of this host that run or start with it, but for this one. One that is off holds nothing."""
    for domain in connection.listAllDomains():
        try:
            active = domain.ID() != -1  # known since the list; asking again would be a call each
            if domain.name() == name or not (active or domain.autostart()):
                continue
            xml = domain.XMLDesc()
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                continue  # went away meanwhile
            raise
        mark, taken = _read(xml)
        akin = mark is not None and (mark.project, mark.stack) == (ctx.mark.project, ctx.mark.stack)
        if akin and not akin_too:
            continue
        if isinstance(taken, Footprint):
            yield Neighbour(taken, mark, active, akin)
        else:
            ctx.log(Severity.WARNING, f"domain {domain.name()} on {ctx.host} cannot be read: {taken.what}")


@lru_cache(maxsize=1024)
def _read(xml: str) -> tuple[Mark | None, Footprint | UnitError]:
    """Read whose it is and what it takes, once for all the new domains that come to lie beside it."""
    root = parse_xml(xml)
    try:
        return mark_in(root), footprint(holding_facts(root))
    except UnitError as error:
        return mark_in(root), error


def _in_order(found: list[Finding]) -> list[Finding]:
    from quietcore.spec.finding import in_order

    return in_order(found)


def _meetings(wanted: Footprint, kept: set[tuple[str, bool, int]], other: Footprint) -> list[Meeting]:
    """Give where a real-time vCPU of either meets a thread of the other, but for what the domain had before."""
    return [
        (mine, theirs, cpu)
        for mine in wanted.threads
        for theirs in other.threads
        if mine.real_time or theirs.real_time
        for cpu in mine.cpus & theirs.cpus
        if (mine.who, mine.real_time, cpu) not in kept
    ]


def _cpus_held(wanted: Footprint, met: list[Meeting], other: Neighbour, ctx: Context, free: CpuSet | None) -> Finding:
    """Give one finding for a pair of domains."""
    from quietcore.spec.finding import Finding

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
    taken = CpuSet().union(thread.cpus for other in others for thread in other.domain.threads)
    return CpuSet(cpu for cpu, there in enumerate(online) if there) - taken


def _pages_held(
    connection: libvirt.virConnect, wanted: Footprint, everyone: list[Neighbour], ctx: Context
) -> Iterator[Finding]:
    """Give a finding where other domains leave too few pages in the one cell that the memory comes from.

    Pages of the same stack's domains count as free: this very run may stop them.
    """
    size, cells = wanted.page, wanted.cells
    holders = [other for other in everyone if other.active and other.domain.page == size]
    if size is None or len(cells) != 1 or all(other.akin for other in holders):
        return
    there = _free_pages(connection, size, cells[0])
    if there is None:
        return
    free = there + sum(other.domain.pages for other in holders if other.akin)
    if wanted.pages <= free:
        return
    from quietcore.spec.finding import Finding

    shares = ", ".join(f"{other.domain.pages} by {other.tell()}" for other in holders if not other.akin)
    code, title = PAGES_HELD
    yield Finding(
        code=code,
        title=title,
        where=f'domain "{wanted.name}", memoryBacking.hugepages',
        given=f"{wanted.pages} pages of {size} wanted in cell {cells[0]} of {ctx.host}; held there: {shares}",
        allowed=f"{free} pages of {size}: those that are free",
        hint=f"reserve more pages on {ctx.host}, or stop a domain that holds some",
    )


def _free_pages(connection: libvirt.virConnect, size: Size, cell: int) -> int | None:
    kib = size.bytes // 1024
    try:
        told = connection.getFreePages([kib], cell, 1)
    except libvirt.libvirtError:
        return None  # the driver does not say, or the host has no such pages: then the start tells
    count = told.get(cell, {}).get(kib)
    return None if count is None else int(count)
