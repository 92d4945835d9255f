"""Rules on how a real-time domain's memory is backed, as far as the domain alone can tell."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.examples import domain, pages
from quietcore.rules.realtime import of_domain
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import DomainSpec, Severity
from quietcore.units import CpuSet, Size

HUGEPAGES = "memoryBacking.hugepages"


@of_domain
def _small_pages(domain: DomainSpec) -> Iterator[Hit]:
    if not domain.hugepages:
        hint = "back the memory by hugepages, 1GiB where the host has them"
        yield Hit(where=HUGEPAGES, given="no hugepages", allowed="hugepages of a declared size", hint=hint)
    elif any(not page.size.bytes for page in domain.hugepages):
        hint = "write <page size='1' unit='GiB'/>, or the size that the host reserves"
        yield Hit(where=HUGEPAGES, given="hugepages of no declared size", allowed="a page size", hint=hint)


D23: Rule[DomainSpec] = Rule(
    code="D23",
    title="memory is not backed by hugepages of a declared size",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_small_pages,
    doc=Doc(
        what="The memory of a real-time domain comes from hugepages, and the domain says of which size.",
        why="With 4 KiB pages each guest access may walk two page tables and miss the TLB. A size that is left out "
        "is the host's default, so the same domain behaves otherwise on the next host.",
        fix="declare hugepages with a page size, 1GiB where the host has them",
        sources=(source("LV-RT", '"Memory configuration"'), source("RHEL-V"), source("KV")),
        bad=Example(
            text="<memoryBacking>\n  <locked/>\n  <nosharepages/>\n</memoryBacking>",
            subject=lambda: domain(hugepages=None),
        ),
        good=Example(
            text="<memoryBacking>\n  <hugepages><page size='1' unit='GiB'/></hugepages>\n  <locked/>\n"
            "  <nosharepages/>\n</memoryBacking>",
            subject=domain,
        ),
    ),
)


@of_domain
def _part_of_a_page(domain: DomainSpec) -> Iterator[Hit]:
    for size in sorted({page.size for page in domain.hugepages or () if page.size.bytes}):
        whole, rest = divmod(domain.memory.bytes, size.bytes)
        if rest:
            near = [f"{size * count}" for count in (whole, whole + 1) if count]
            yield Hit(
                where="memory",
                given=f"{domain.memory} in pages of {size}",
                allowed=f"a multiple of {size}",
                hint=f"set memory to {' or '.join(near)}",
            )


D24: Rule[DomainSpec] = Rule(
    code="D24",
    title="memory is no whole number of pages",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_part_of_a_page,
    doc=Doc(
        what="The memory of a real-time domain divides by its page size.",
        why="The rest of the last page cannot be backed: QEMU either fails to start or rounds up and takes a page "
        "that the plan did not count.",
        fix="set memory to a multiple of the page size",
        sources=(source("KV", "memory must divide by the hugepage size"),),
        bad=Example(
            text="<memory unit='MiB'>2560</memory>\n<hugepages><page size='1' unit='GiB'/></hugepages>",
            subject=lambda: domain(memory=Size.parse("2560MiB")),
        ),
        good=Example(
            text="<memory unit='MiB'>2048</memory>\n<hugepages><page size='1' unit='GiB'/></hugepages>", subject=domain
        ),
    ),
)


@of_domain
def _cell_left_out(domain: DomainSpec) -> Iterator[Hit]:
    named = [page.nodeset for page in domain.hugepages or ()]
    backed = CpuSet(cell for nodeset in named for cell in nodeset)
    if named and all(named) and 0 not in backed:
        yield Hit(
            where=f"{HUGEPAGES}.nodeset",
            given=f"nodeset {backed}",
            allowed="a nodeset that holds guest cell 0, or none",
            hint="leave the nodeset out; numatune says which host cell the pages come from",
        )


D25: Rule[DomainSpec] = Rule(
    code="D25",
    title="hugepages leave out guest cell 0",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_cell_left_out,
    doc=Doc(
        what="The nodeset of a hugepage element counts cells of the guest, and guest cell 0 is among them.",
        why="The host cell belongs into numatune. libvirt's real-time page itself writes nodeset='1' for a guest "
        "that has one cell, number 0: such a domain does not start, or its memory is not backed by hugepages.",
        fix="leave the nodeset out",
        sources=(
            source("LV-FMT", '"Memory Backing", hugepages'),
            source("LV-RT", '"Memory configuration", whose example has this mistake'),
        ),
        bad=Example(
            text="<hugepages><page size='1' unit='GiB' nodeset='1'/></hugepages>\n"
            "<numatune><memory mode='strict' nodeset='1'/></numatune>",
            subject=lambda: domain(hugepages=pages("1GiB", nodeset="1")),
        ),
        good=Example(
            text="<hugepages><page size='1' unit='GiB'/></hugepages>\n"
            "<numatune><memory mode='strict' nodeset='1'/></numatune>",
            subject=domain,
        ),
    ),
)


@of_domain
def _merged(domain: DomainSpec) -> Iterator[Hit]:
    if not domain.nosharepages:
        yield Hit(where="memoryBacking.nosharepages", given="not there", allowed="<nosharepages/>")


D29: Rule[DomainSpec] = Rule(
    code="D29",
    title="memory pages may be merged with other guests'",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_merged,
    doc=Doc(
        what="A real-time domain says nosharepages.",
        why="Same-page merging (KSM) makes equal pages of guests one; the next write faults and copies the page, in "
        "the middle of whatever the guest was doing.",
        fix="add <nosharepages/> to memoryBacking",
        sources=(source("LV-RT", '"Memory configuration"'), source("RHEL-V")),
        bad=Example(text="<memoryBacking>\n  <locked/>\n</memoryBacking>", subject=lambda: domain(nosharepages=False)),
        good=Example(text="<memoryBacking>\n  <locked/>\n  <nosharepages/>\n</memoryBacking>", subject=domain),
    ),
)


@of_domain
def _two_sources(domain: DomainSpec) -> Iterator[Hit]:
    if domain.hugepages is not None and domain.memory_source == "file":
        yield Hit(
            where="memoryBacking.source.type", given='"file", beside <hugepages>', allowed='hugepages alone, or "memfd"'
        )


D30: Rule[DomainSpec] = Rule(
    code="D30",
    title="memory comes from hugepages and from a file",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_two_sources,
    doc=Doc(
        what="A real-time domain with hugepages has no file as source of its memory. (memfd is none: it takes "
        "hugepages.)",
        why="A file is backed by the page cache and written back to its disk; the two exclude each other, and which "
        "of them is taken is for the driver to say.",
        fix="remove <source type='file'/> from memoryBacking",
        sources=(source("NOVA", "huge pages and file-backed memory exclude each other"),),
        bad=Example(
            text="<memoryBacking>\n  <hugepages><page size='1' unit='GiB'/></hugepages>\n  <source type='file'/>\n"
            "</memoryBacking>",
            subject=lambda: domain(memory_source="file"),
        ),
        good=Example(
            text="<memoryBacking>\n  <hugepages><page size='1' unit='GiB'/></hugepages>\n  <source type='memfd'/>\n"
            "</memoryBacking>",
            subject=lambda: domain(memory_source="memfd"),
        ),
    ),
)


@of_domain
def _balloon(domain: DomainSpec) -> Iterator[Hit]:
    if domain.memballoon != "none":
        given = "nothing: libvirt adds a virtio balloon" if domain.memballoon is None else f'"{domain.memballoon}"'
        yield Hit(where="devices.memballoon.model", given=given, allowed='"none"')


D31: Rule[DomainSpec] = Rule(
    code="D31",
    title="memory balloon can take pages away",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_balloon,
    doc=Doc(
        what="A real-time domain has no memory balloon, and says so: libvirt adds one where the XML is silent.",
        why="An inflating balloon takes pages out of a running guest at any time; the guest then reclaims memory and "
        "faults while the load runs.",
        fix="write <memballoon model='none'/>",
        sources=(source("LV-RT", '"Device configuration"'), source("RHEL-V"), source("SEA")),
        bad=Example(
            text="<devices>\n  <memballoon model='virtio'/>\n</devices>", subject=lambda: domain(memballoon="virtio")
        ),
        good=Example(text="<devices>\n  <memballoon model='none'/>\n</devices>", subject=domain),
    ),
)
