"""Rules on hugepages that a command line reserves: their order, their sizes, and whether the memory is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from quietcore.rules.kernel.examples import facts, hardware, line, machine
from quietcore.rules.kernel.pages import Pages, held, pages_of, size_of
from quietcore.rules.kernel.reading import arch
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import KernelCmdline, MachineSpec, Severity
from quietcore.units import Size

NAMES = ("default_hugepagesz", "hugepagesz", "hugepages")


def _order(cmdline: KernelCmdline) -> Iterator[Hit]:
    pages = pages_of(cmdline)
    for parameter, reason in pages.mistakes:
        yield Hit(
            where=f"cmdline.{parameter.partition('=')[0]}",
            given=f"{_written(cmdline)}: {reason}",
            allowed="hugepagesz=<size> hugepages=<count> for each size, in this order",
            hint="write each hugepagesz right before its hugepages, each size once",
        )
    others = [size for size in pages.sizes if size != Size.mib(2)]
    if others and pages.default is None and not pages.mistakes and _claims(cmdline):
        yield Hit(
            where="cmdline.default_hugepagesz",
            given=f"{_written(cmdline)}, and no default_hugepagesz",
            allowed="default_hugepagesz=<size>",
            hint=f"write default_hugepagesz={max(others).kernel()}",
        )


def _written(cmdline: KernelCmdline) -> str:
    return " ".join(f"{name}={value}" for name, value in cmdline.settings if name in NAMES)


def _claims(cmdline: KernelCmdline) -> bool:
    return cmdline.get("isolcpus") is not None or cmdline.get("nohz_full") is not None


C25: Rule[KernelCmdline] = Rule(
    code="C25",
    title="hugepage parameters are out of order",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=KernelCmdline,
    judge=_order,
    doc=Doc(
        what="Each hugepages= follows the hugepagesz= that it counts, each size stands there once, and a line that "
        "isolates CPUs and names sizes other than 2M names the default too. A line may name a size and no count.",
        why="The kernel reads them in order: a count belongs to the size before it. A count before the first size "
        "reserves pages of the default size, 2M on x86, and a second count for one size is dropped. The guest that "
        "asks for the missing 1 GiB pages does not start.",
        fix="write default_hugepagesz first, then each hugepagesz right before its hugepages",
        sources=(source("K-PARAM", "hugepages="), source("K-HUGETLB"), source("NTO-A")),
        bad=Example(
            text="default_hugepagesz=1G hugepages=8 hugepages=512 hugepagesz=2M",
            subject=lambda: line("default_hugepagesz=1G hugepages=8 hugepages=512 hugepagesz=2M"),
        ),
        good=Example(
            text="default_hugepagesz=1G hugepagesz=1G hugepages=8 hugepagesz=2M hugepages=512",
            subject=lambda: line("default_hugepagesz=1G hugepagesz=1G hugepages=8 hugepagesz=2M hugepages=512"),
        ),
    ),
)

ALWAYS_2M: Final = (5, 8)
"""From this version the kernel sets up the pool of its own default size, whatever the line names (mm/hugetlb.c)."""


def _no_pool(machine: MachineSpec) -> Iterator[Hit]:
    if machine.cmdline is None or machine.topology is None or arch(machine) != "x86_64":
        return
    pages = pages_of(machine.cmdline)
    small = Size.mib(2)
    if pages.default != Size.parse("1GiB") or small in pages.sizes:
        return
    cells = [cell for cell in machine.topology.cells if cell.pages.get(small)]
    if cells:
        told = ", ".join(f"{cell.pages[small]} on cell {cell.id}" for cell in cells)
        yield Hit(
            where="cmdline.hugepagesz",
            given=f"default_hugepagesz=1G and no hugepagesz=2M; 2 MiB pages: {told}",
            allowed="hugepagesz=2M hugepages=0",
        )


def _sets_up(machine: MachineSpec) -> str:
    version = machine.facts.kernel_version or ""
    parts = [part for part in version.split(".")[:2] if part.isascii() and part.isdecimal() and len(part) < 9]
    modern = len(parts) == 2 and (int(parts[0]), int(parts[1])) >= ALWAYS_2M
    return f"kernel {version} sets up the pool of 2 MiB pages by itself" if modern else ""


C27: Rule[MachineSpec] = Rule(
    code="C27",
    title="pool of 2 MiB pages is not set up",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_no_pool,
    aside=_sets_up,
    doc=Doc(
        what="Where the default size is 1G and the machine has 2 MiB pages that are reserved after boot, node by node, "
        "the line has hugepagesz=2M hugepages=0 all the same. Kernels from 5.8 on do not need it.",
        why="Older kernels set up only the pools that the line names: without this one the later reservation finds no "
        "file to write to. OpenShift writes the empty pair for this reason.",
        fix="write hugepagesz=2M hugepages=0",
        sources=(source("NTO-K"), source("K-HUGETLB")),
        bad=Example(
            text="# 512 pages of 2 MiB on each cell, reserved after boot\n"
            "default_hugepagesz=1G hugepagesz=1G hugepages=4",
            subject=lambda: machine(
                "default_hugepagesz=1G hugepagesz=1G hugepages=4", topology=hardware(p1GiB=2, p2MiB=512)
            ),
        ),
        good=Example(
            text="# 512 pages of 2 MiB on each cell, reserved after boot\n"
            "default_hugepagesz=1G hugepagesz=1G hugepages=4 hugepagesz=2M hugepages=0",
            subject=lambda: machine(
                "default_hugepagesz=1G hugepagesz=1G hugepages=4 hugepagesz=2M hugepages=0",
                topology=hardware(p1GiB=2, p2MiB=512),
            ),
        ),
    ),
)

ARM = {4: ("64K", "2M", "32M", "1G"), 16: ("2M", "32M", "1G"), 64: ("2M", "512M", "16G")}
SIZES = {"x86_64": ("2M", "1G"), "aarch64": ("64K", "2M", "32M", "512M", "1G", "16G")}
"""Page sizes by architecture; on arm64 they depend on the kernel's own page size in KiB (``ARM``)."""


def _valid(machine: MachineSpec) -> tuple[str, ...]:
    known = arch(machine)
    if known == "aarch64" and "page_size" in machine.facts.model_fields_set:
        return ARM.get(machine.facts.page_size, ())
    every = (*SIZES["x86_64"], *SIZES["aarch64"])
    return SIZES.get(known, ()) if known else tuple(dict.fromkeys(every))


def _foreign_sizes(machine: MachineSpec) -> Iterator[Hit]:
    allowed = _valid(machine)
    if machine.cmdline is None or not allowed:
        return
    for name, value in machine.cmdline.settings:
        if name in NAMES[:2] and size_of(value or "") not in [size_of(size) for size in allowed]:
            on = arch(machine) or "x86_64 and aarch64"
            pages = f" with {machine.facts.page_size} KiB pages" if on == "aarch64" and allowed in ARM.values() else ""
            yield Hit(
                where=f"cmdline.{name}",
                given=f"{name}={value or ''}",
                allowed=f"{', '.join(allowed)} on {on}{pages}",
                hint=f"write {name}={allowed[-1]} or another size that the kernel has",
            )


C28: Rule[MachineSpec] = Rule(
    code="C28",
    title="hugepage size that the kernel does not have",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_foreign_sizes,
    doc=Doc(
        what="hugepagesz and default_hugepagesz name sizes of the architecture: 2M and 1G on x86; on arm64 64K, 2M, "
        "32M and 1G with pages of 4 KiB, and 2M, 512M and 16G with pages of 64 KiB. Any of these where nobody says the "
        "architecture.",
        why="The kernel ignores a size that it does not have, and with it the count that follows. No page is reserved.",
        fix="write a size that the kernel has",
        sources=(source("NTO-V"), source("K-HUGETLB")),
        bad=Example(
            text="# arch: x86_64\ndefault_hugepagesz=512M hugepagesz=512M hugepages=4",
            subject=lambda: machine("default_hugepagesz=512M hugepagesz=512M hugepages=4", facts=facts(arch="x86_64")),
        ),
        good=Example(
            text="# arch: aarch64, page_size: 64\ndefault_hugepagesz=512M hugepagesz=512M hugepages=4",
            subject=lambda: machine(
                "default_hugepagesz=512M hugepagesz=512M hugepages=4", facts=facts(arch="aarch64", page_size=64)
            ),
        ),
    ),
)


def _too_many(machine: MachineSpec) -> Iterator[Hit]:
    topology = machine.topology
    if topology is None or min((cell.memory.bytes for cell in topology.cells), default=0) == 0:
        return
    asked = pages_of(machine.cmdline) if machine.cmdline else Pages()
    memory = sum(cell.memory.bytes for cell in topology.cells)
    if asked.total() >= memory:
        yield _no_room("cmdline.hugepages", asked.total(), memory, "the machine")
        return
    for cell in topology.cells:
        wanted = asked.of_node(cell.id) if asked.counts else held(cell.pages)
        if wanted >= cell.memory.bytes:
            where = "cmdline.hugepages" if asked.counts else f"cells[{cell.id}].pages"
            yield _no_room(where, wanted, cell.memory.bytes, f"cell {cell.id}")


def _no_room(where: str, wanted: int, memory: int, whose: str) -> Hit:
    return Hit(
        where=where,
        given=f"{Size(wanted)} of hugepages; {whose} has {Size(memory)}",
        allowed=f"less than {Size(memory)}",
        hint="reserve fewer pages",
    )


C30: Rule[MachineSpec] = Rule(
    code="C30",
    title="hugepages take all memory of a cell",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=_too_many,
    doc=Doc(
        what="The hugepages of each NUMA cell take less memory than the cell has, and those of the machine less than "
        "all cells have: those that the command line reserves, or else those of the topology.",
        why="Hugepages are taken at boot and never given back. A machine that is left without ordinary memory does not "
        "boot, or kills its own daemons when it does; a cell without any makes all of its CPUs fetch from afar.",
        fix="reserve fewer pages, and leave each cell the memory that its own work needs",
        sources=(source("STX-MEM"), source("K-HUGETLB")),
        bad=Example(
            text="# two cells of 16 GiB\ndefault_hugepagesz=1G hugepagesz=1G hugepages=32",
            subject=lambda: machine("default_hugepagesz=1G hugepagesz=1G hugepages=32", topology=hardware()),
        ),
        good=Example(
            text="# two cells of 16 GiB\ndefault_hugepagesz=1G hugepagesz=1G hugepages=28",
            subject=lambda: machine("default_hugepagesz=1G hugepagesz=1G hugepages=28", topology=hardware()),
        ),
    ),
)
