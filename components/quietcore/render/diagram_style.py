"""Colours and letters of the SVG map, for light and dark surroundings.

Colour never says anything alone: every tile carries its mark and number, hatching and dashes tell the rest. Text on a
node's colour has a contrast of at least 4.5 to 1 in white (WCAG 2.1, 1.4.3).
"""

from __future__ import annotations

from typing import Final

SANS: Final = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'DejaVu Sans', Arial, sans-serif"

MONO: Final = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"

PALETTE: Final = (
    "#2f6bd0",
    "#b0500a",
    "#7a4bc4",
    "#0a7a73",
    "#b5306b",
    "#5b7310",
    "#8c4a32",
    "#33658a",
    "#8a3fa0",
    "#3f7048",
)
"""A node's colours, by its place on its host."""

_LIGHT: Final = {
    "page": ("fill", "#f4f6f8"),
    "card": ("fill", "#ffffff", "stroke", "#d5dae0"),
    "cell": ("fill", "#f8fafb", "stroke", "#e1e6ea"),
    "core": ("fill", "#eceff2", "stroke", "#dbe0e5"),
    "text": ("fill", "#1d2329"),
    "muted": ("fill", "#5b6570"),
    "mark-H": ("fill", "#d3d9df"),
    "mark-E": ("fill", "#d3d9df", "stroke", "#4b5560"),
    "mark-I": ("fill", "#dff5e4", "stroke", "#2c8a47"),
    "mark-idle": ("fill", "url(#quietcore-hatch)", "stroke", "#b4bcc5"),
    "mark-free": ("fill", "#ffffff", "stroke", "#aab2bb"),
    "mark-off": ("fill", "#f1f3f5", "stroke", "#d5dae0"),
    "mark-several": ("fill", "#dbe7fb", "stroke", "#2f6bd0"),
    "mark-clash": ("fill", "#ffe3e0", "stroke", "#c6242f"),
    "on-I": ("fill", "#1c6b35"),
    "on-clash": ("fill", "#a5141f"),
    "hatch": ("stroke", "#c5ccd3"),
    "hatch-back": ("fill", "#ffffff"),
}

_DARK: Final = {
    "page": ("fill", "#0e1216"),
    "card": ("fill", "#161b21", "stroke", "#2c343d"),
    "cell": ("fill", "#1a2027", "stroke", "#29313a"),
    "core": ("fill", "#222932", "stroke", "#313a45"),
    "text": ("fill", "#e6eaee"),
    "muted": ("fill", "#98a3af"),
    "mark-H": ("fill", "#3a434e"),
    "mark-E": ("fill", "#3a434e", "stroke", "#a7b1bc"),
    "mark-I": ("fill", "#14301f", "stroke", "#3aa05a"),
    "mark-idle": ("fill", "url(#quietcore-hatch)", "stroke", "#48525e"),
    "mark-free": ("fill", "#1a2027", "stroke", "#596470"),
    "mark-off": ("fill", "#14191e", "stroke", "#2c343d"),
    "mark-several": ("fill", "#1c2e4d", "stroke", "#6b9bf0"),
    "mark-clash": ("fill", "#4a1a1c", "stroke", "#f0656c"),
    "on-I": ("fill", "#6fd08c"),
    "on-clash": ("fill", "#ff9a9f"),
    "hatch": ("stroke", "#3a444f"),
    "hatch-back": ("fill", "#1a2027"),
}

_SHAPES: Final = """
text { font-family: SANS; font-size: 12px; }
.title { font-size: 17px; font-weight: 600; }
.host { font-size: 15px; font-weight: 600; }
.name { font-weight: 600; }
.small { font-size: 11px; }
.cpu { font-size: 8.5px; opacity: 0.85; }
.mark { font-family: MONO; font-size: 11.5px; font-weight: 600; }
.middle { text-anchor: middle; }
.end { text-anchor: end; }
.card, .cell, .core { stroke-width: 1; }
.mark-E, .mark-free { stroke-dasharray: 3 2; }
.mark-off { stroke-dasharray: 1 2; }
.mark-clash { stroke-width: 2; }
.hatch { stroke-width: 2.5; }
.on-node { fill: #ffffff; }
"""


def stylesheet() -> str:
    """Give the CSS of the map: shapes, the colours of nodes, and the two surroundings."""
    nodes = "".join(f".node-{number} {{ fill: {colour}; }}\n" for number, colour in enumerate(PALETTE))
    dark = _rules(_DARK).replace("\n", "\n  ").rstrip()
    shapes = _SHAPES.replace("SANS", SANS).replace("MONO", MONO)
    return f"{shapes}{nodes}{_rules(_LIGHT)}@media (prefers-color-scheme: dark) {{\n  {dark}\n}}\n"


def _rules(colours: dict[str, tuple[str, ...]]) -> str:
    return "".join(
        f".{name} {{ {' '.join(f'{key}: {value};' for key, value in zip(pairs[::2], pairs[1::2], strict=True))} }}\n"
        for name, pairs in colours.items()
    )
