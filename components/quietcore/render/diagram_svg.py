"""The CPU map of a site as one SVG: a card per host, a box per NUMA cell, a tile per CPU with siblings in one frame.

The picture stands alone (no font, script or image from elsewhere) and follows its reader's light or dark setting.
Lengths are in px. Text is not measured, which only a renderer could: its width is estimated, generously.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from quietcore.render.cpu_use import MEANING, CpuUse, cores_of, counted, letters, many, sentence, uses
from quietcore.render.diagram_style import PALETTE, stylesheet
from quietcore.render.xml_text import Tag, document, tag
from quietcore.spec import Cell, HostTopology, HostView, SiteSpec

_TILE_W: Final = 30
_TILE_H: Final = 27
_FRAME: Final = 3
_CORE_GAP: Final = 5
_PAD: Final = 16
_CELL_PAD: Final = 12
_CELL_HEAD: Final = 26
_HEAD: Final = 48
_LINE: Final = 22
_EM: Final = 0.56
"""Mean width of a letter in the fonts asked for, in units of their size."""

_EXAMPLE: Final = "a1"

_MARK_CLASS: Final = {
    "H": "mark-H",
    "E": "mark-E",
    "I": "mark-I",
    "s": "mark-idle",
    ".": "mark-free",
    "x": "mark-off",
    "+": "mark-several",
    "!": "mark-clash",
}
_ON_CLASS: Final = {"I": "on-I", "!": "on-clash", "s": "muted", ".": "muted", "x": "muted"}


@dataclass(frozen=True, slots=True)
class _Card:
    """A host with all that its card shows, and the size that this takes."""

    view: HostView
    marks: dict[int, CpuUse]
    letters: dict[str, str]
    width: float
    height: float


def cpu_map_svg(site: SiteSpec) -> str:
    """Give the SVG document of all hosts of a site."""
    cards = [_card(view) for view in site.views()]
    columns = _columns(cards)
    wide = max((card.width for card in cards), default=320)
    rows = [cards[start : start + columns] for start in range(0, len(cards), columns)]
    width = columns * (wide + _PAD) + _PAD
    drawn: list[Tag] = []
    y = float(_HEAD)
    for row in rows:
        tall = max(card.height for card in row)
        for number, card in enumerate(row):
            drawn.append(_draw(card, _PAD + number * (wide + _PAD), y, wide, tall))
        y += tall + _PAD
    legend, height = _legend(cards, y, width)
    return document(_frame(site, width, y + height, [*drawn, *legend]))


def _frame(site: SiteSpec, width: float, height: float, children: Sequence[Tag]) -> Tag:
    size = f"{many(len(site.hosts), 'host')}, {many(len(site.nodes), 'node')}"
    return Tag(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {_n(width)} {_n(height)}",
            "width": _n(width),
            "height": _n(height),
            "role": "img",
            "aria-label": f"CPU map: {size}",
        },
        (
            tag("title", f"CPU map: {size}"),
            tag("style", stylesheet()),
            tag("defs", _hatch()),
            _rect("page", 0, 0, width, height, 0),
            _text("title text", _PAD, 30, "CPU map"),
            _text("muted end", width - _PAD, 30, size),
            *children,
        ),
    )


def _hatch() -> Tag:
    back = tag("rect", width=6, height=6, class_="hatch-back")
    line = tag("line", x1=0, y1=0, x2=0, y2=6, class_="hatch")
    units = {"id": "quietcore-hatch", "patternUnits": "userSpaceOnUse", "width": "6", "height": "6"}
    return Tag("pattern", {**units, "patternTransform": "rotate(45)"}, (back, line))


def _card(view: HostView) -> _Card:
    cells = [_cell_size(cell, view.host.topology) for cell in view.host.topology.cells]
    lines = [_length(_words(view, node.domain.name), 12) + _TILE_W + 12 for node in view.nodes]
    head = _length(f"{view.host.name}  {counted(view.host.topology)}", 15)
    width = max([sum(wide + _CELL_GAP for wide, _ in cells) - _CELL_GAP, head, *lines]) + 2 * _PAD
    height = 46 + max((tall for _, tall in cells), default=0) + 14 + _LINE * len(view.nodes) + (8 if view.nodes else 0)
    return _Card(view, uses(view), letters(view), width, height)


_CELL_GAP: Final = 12


def _words(view: HostView, name: str) -> str:
    domain = next(node.domain for node in view.nodes if node.domain.name == name)
    return f"{name}   {sentence(domain)}"


def _columns(cards: Sequence[_Card]) -> int:
    """As many columns as keep the picture wider than high, up to what a page shows."""
    wide = max((card.width for card in cards), default=1)
    most = max(1, int(1600 // wide))
    return max(1, min(most, len(cards), round(math.sqrt(len(cards) * 1.4))))


def _per_row(cores: int) -> int:
    return cores if cores <= 8 else 8 if cores <= 32 else 16


def _core_size(topology: HostTopology) -> tuple[float, float]:
    threads = topology.threads
    return _TILE_W + 2 * _FRAME, threads * _TILE_H + (threads - 1) * 2 + 2 * _FRAME


def _cell_size(cell: Cell, topology: HostTopology) -> tuple[float, float]:
    wide, tall = _core_size(topology)
    cores = len(cores_of(cell, topology))
    across = _per_row(cores)
    down = -(-cores // across) if across else 0
    width = max(across * (wide + _CORE_GAP) - _CORE_GAP, _length(_cell_title(cell, topology), 11))
    return width + 2 * _CELL_PAD, _CELL_HEAD + down * (tall + _CORE_GAP) - _CORE_GAP + _CELL_PAD


def _cell_title(cell: Cell, topology: HostTopology) -> str:
    sockets = len({one.socket for one in topology.cells})
    pages = [f"{count} pages of {size}" for size, count in sorted(cell.pages.items(), reverse=True) if count]
    socket = [f"socket {cell.socket}"] if sockets > 1 else []
    return " · ".join([f"NUMA {cell.id}", *socket, str(cell.memory), *pages])


def _draw(card: _Card, x: float, y: float, width: float, height: float) -> Tag:
    """A host's card at a place, as large as the largest beside it."""
    topology = card.view.host.topology
    parts = [
        _rect("card", x, y, width, height, 10),
        _text("host text", x + _PAD, y + 28, card.view.host.name),
        _text("small muted end", x + width - _PAD, y + 28, counted(topology)),
    ]
    left, top = x + _PAD, y + 46
    for cell in topology.cells:
        parts += _draw_cell(card, cell, left, top)
        left += _cell_size(cell, topology)[0] + _CELL_GAP
    top += max((_cell_size(cell, topology)[1] for cell in topology.cells), default=0) + 14
    for number, node in enumerate(card.view.nodes):
        parts += _draw_node(card, node.domain.name, x + _PAD, top + number * _LINE)
    return Tag("g", {}, tuple(parts))


def _draw_cell(card: _Card, cell: Cell, x: float, y: float) -> Iterator[Tag]:
    topology = card.view.host.topology
    cores = cores_of(cell, topology)
    wide, tall = _core_size(topology)
    width, height = _cell_size(cell, topology)
    yield _rect("cell", x, y, width, height, 7)
    yield _text("small muted", x + _CELL_PAD, y + 17, _cell_title(cell, topology))
    for number, core in enumerate(cores):
        down, across = divmod(number, _per_row(len(cores)))
        left = x + _CELL_PAD + across * (wide + _CORE_GAP)
        top = y + _CELL_HEAD + down * (tall + _CORE_GAP)
        yield _rect("core", left, top, wide, tall, 6)
        for thread, cpu in enumerate(core):
            yield _tile(card, card.marks[cpu], left + _FRAME, top + _FRAME + thread * (_TILE_H + 2))


def _tile(card: _Card, use: CpuUse, x: float, y: float) -> Tag:
    """A CPU: its number above, below it its mark, for a pinned one the node's letter and the vCPU."""
    shape, ink = _classes(card, use.mark)
    label = f"{use.mark}{use.pinned[0][1]}" if len(use.pinned) == 1 else use.mark
    middle = x + _TILE_W / 2
    return tag(
        "g",
        tag("title", _told(use)),
        _rect(shape, x, y, _TILE_W, _TILE_H, 4),
        _text(f"cpu middle {ink}", middle, y + 10, str(use.cpu)),
        _text(f"mark middle {ink}", middle, y + 22, label),
    )


def _told(use: CpuUse) -> str:
    where = ", ".join(f"{domain.name} vCPU {vcpu}" for domain, vcpu in use.pinned)
    return f"CPU {use.cpu}: {where or MEANING[use.mark]}"


def _classes(card: _Card, mark: str) -> tuple[str, str]:
    """The classes of a tile's shape and of what is written on it."""
    if mark in _MARK_CLASS:
        return _MARK_CLASS[mark], _ON_CLASS.get(mark, "text")
    number = list(card.letters.values()).index(mark)
    return f"node-{number % len(PALETTE)}", "on-node"


def _draw_node(card: _Card, name: str, x: float, y: float) -> Iterator[Tag]:
    mark = card.letters.get(name, "")
    words = _words(card.view, name).removeprefix(name).strip()
    if mark:
        shape, ink = _classes(card, mark)
        yield _rect(shape, x, y, 22, 16, 4)
        yield _text(f"mark middle {ink}", x + 11, y + 12, mark)
    longest = max(len(node.domain.name) for node in card.view.nodes)
    yield _text("name text", x + 32, y + 12.5, name)
    yield _text("small muted", x + 32 + _length("n" * longest, 12) + 14, y + 12.5, words)


def _legend(cards: Sequence[_Card], y: float, width: float) -> tuple[list[Tag], float]:
    """The marks that occur, in lines as wide as the picture, and the height that they take."""
    present = {use.mark for card in cards for use in card.marks.values()}
    entries = [("node-0", "on-node", _EXAMPLE, "node a, vCPU 1")] if present - _MARK_CLASS.keys() else []
    entries += [
        (_MARK_CLASS[mark], _ON_CLASS.get(mark, "text"), mark, meaning)
        for mark, meaning in MEANING.items()
        if mark in present
    ]
    parts: list[Tag] = []
    x, top = float(_PAD), y + 4
    for shape, ink, mark, meaning in entries:
        needed = 30 + _length(meaning, 11) + 18
        if x + needed > width and x > _PAD:
            x, top = float(_PAD), top + _LINE
        parts += [
            _rect(shape, x, top, 22, 16, 4),
            _text(f"mark middle {ink}", x + 11, top + 12, mark),
            _text("small muted", x + 29, top + 12, meaning),
        ]
        x += needed
    return parts, top - y + _LINE + 8


def _rect(kind: str, x: float, y: float, width: float, height: float, radius: int) -> Tag:
    size = {"x": _n(x), "y": _n(y), "width": _n(width), "height": _n(height)}
    return Tag("rect", {"class": kind, **size, **({"rx": str(radius)} if radius else {})})


def _text(kind: str, x: float, y: float, words: str) -> Tag:
    return Tag("text", {"class": kind, "x": _n(x), "y": _n(y)}, (words,))


def _length(words: str, size: int) -> float:
    return len(words) * size * _EM


def _n(number: float) -> str:
    """A coordinate with at most one decimal, the same on every machine."""
    return f"{round(number * 10) / 10:g}"
