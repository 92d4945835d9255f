"""XML as plain values, and the one way they become text.

Attribute order, indentation and escapes are decided here and not by a library's release, so that the same values give
the same bytes on every machine. Writing needs no XML library; reading (lift) does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_WIDTH = 120


@dataclass(frozen=True, slots=True)
class Tag:
    """An element: name, attributes in the order in which they are written, and children.

    Children are elements and comments, or one text.
    """

    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: tuple[Tag | Comment | str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment; a blank line goes before it. ``--`` cannot stand in one and is written ``- -``."""

    text: str


def tag(name: str, /, *children: Tag | Comment | str, **attributes: object) -> Tag:
    """Build an element; attributes that are None are left out. A trailing ``_`` of an attribute's name is dropped."""
    kept = {key.rstrip("_"): str(value) for key, value in attributes.items() if value is not None}
    return Tag(name, kept, tuple(children))


def document(root: Tag) -> str:
    """Give the text of a whole document, without an XML declaration: it is UTF-8, and libvirt takes it as a string."""
    return "\n".join(_lines(root, "")) + "\n"


def _lines(element: Tag, indent: str) -> Iterator[str]:
    start = _start(element, indent)
    if not element.children:
        yield f"{start}/>"
    elif isinstance(text := element.children[0], str):
        yield f"{start}>{text.translate(_TEXT)}</{element.name}>"
    else:
        yield f"{start}>"
        for number, child in enumerate(element.children):
            yield from _child(child, indent + "  ", first=number == 0)
        yield f"{indent}</{element.name}>"


def _child(child: Tag | Comment | str, indent: str, *, first: bool) -> Iterator[str]:
    if isinstance(child, Comment):
        if not first:
            yield ""
        yield f"{indent}<!-- {child.text.replace('--', '- -')} -->"
    elif isinstance(child, Tag):
        yield from _lines(child, indent)


def _start(element: Tag, indent: str) -> str:
    """Write the opening without its end; attributes that make the line too long stand under each other."""
    pairs = [f'{name}="{value.translate(_ATTRIBUTE)}"' for name, value in element.attributes.items()]
    line = " ".join([f"{indent}<{element.name}", *pairs])
    if len(line) < _WIDTH or len(pairs) < 2:
        return line
    return f"\n{indent} {' ' * len(element.name)} ".join([f"{indent}<{element.name} {pairs[0]}", *pairs[1:]])


_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ATTRIBUTE = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
)
