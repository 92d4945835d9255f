"""The CPU map of a host as text: NUMA cells side by side, a column per core, sibling threads under each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Final

from quietcore.render.cpu_use import MEANING, CpuUse, cores_of, counted, letters, sentence, uses
from quietcore.render.diagram_svg import cpu_map_svg
from quietcore.spec import Cell, HostTopology, HostView
from quietcore.units import CpuSet

__all__ = ["cpu_map", "cpu_map_svg"]

_INDENT: Final = "  "
_LABELS: Final = ("CPU", "use")
_GAP: Final = "    "


def cpu_map(view: HostView, *, width: int = 112) -> str:
    """Give the map in lines of at most ``width`` columns where the host allows it, then its legend and its domains."""
    topology, marks = view.host.topology, uses(view)
    digits = max(2, len(str(max(topology.cpus, default=0)))) + 1
    room = width - len(_INDENT) - len(_LABELS[0]) - 1
    blocks = [block for cell in topology.cells for block in _blocks(cell, topology, marks, digits, room)]
    lines = [_headline(view)]
    for row in _rows(blocks, room):
        lines += [f"{_INDENT}{text}".rstrip() for text in _beside(row)]
    lines += [f"{_INDENT}{text}" for text in (*_legend(marks), *_domains(view))]
    return "".join(f"{line}\n" for line in lines)


def _headline(view: HostView) -> str:
    return f"{view.host.name}  {counted(view.host.topology)}"


def _blocks(
    cell: Cell, topology: HostTopology, marks: dict[int, CpuUse], digits: int, room: int
) -> Iterator[list[str]]:
    """The cell as blocks of lines; a cell wider than ``room`` gives several."""
    cores = cores_of(cell, topology)
    fit = max(1, room // digits)
    for start in range(0, len(cores), fit):
        part = cores[start : start + fit]
        title = f" NUMA {cell.id}  {cell.memory}" if start == 0 else ""
        yield [title.ljust(len(part) * digits), *_threads(part, marks, digits)]


def _threads(cores: Sequence[CpuSet], marks: dict[int, CpuUse], digits: int) -> Iterator[str]:
    """Two lines for each thread of the cores: numbers, and below them their marks."""
    for row in zip_longest(*cores):
        yield "".join(("" if cpu is None else str(cpu)).rjust(digits) for cpu in row)
        yield "".join(("" if cpu is None else marks[cpu].mark).rjust(digits) for cpu in row)


def _rows(blocks: list[list[str]], room: int) -> list[list[list[str]]]:
    """Blocks that fit beside each other."""
    rows: list[list[list[str]]] = []
    used = room + 1
    for block in blocks:
        needed = _width(block) + len(_GAP)
        if used + needed > room + len(_GAP):
            rows.append([])
            used = 0
        rows[-1].append(block)
        used += needed
    return rows


def _beside(blocks: list[list[str]]) -> Iterator[str]:
    """The lines of blocks that stand beside each other, with what each line is at its left."""
    widths = [_width(block) for block in blocks]
    for number, parts in enumerate(zip_longest(*blocks, fillvalue="")):
        label = _LABELS[(number - 1) % 2] if number else ""
        line = _GAP.join(part.ljust(width) for part, width in zip(parts, widths, strict=True))
        yield f"{label.ljust(len(_LABELS[0]))} {line}"


def _width(block: list[str]) -> int:
    return max(map(len, block))


def _legend(marks: dict[int, CpuUse]) -> Iterator[str]:
    present = {use.mark for use in marks.values()}
    yield "  ".join(f"{mark} {meaning}" for mark, meaning in MEANING.items() if mark in present)


def _domains(view: HostView) -> Iterator[str]:
    """A line for each domain: its letter, its name and where it runs."""
    known = letters(view)
    longest = max((len(node.domain.name) for node in view.nodes), default=0)
    for node in view.nodes:
        name = node.domain.name
        yield f"{known.get(name, '-')} {name.ljust(longest)}  {sentence(node.domain)}"
