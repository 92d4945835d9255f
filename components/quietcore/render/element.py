"""XML elements out of SDK values: what has no value yet becomes a text that says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lxml import etree

Inputs = Mapping[str, Any]

UNKNOWN_TEXT: Final = "known-after-apply"
"""Stands in the XML where an input has no value yet."""


def element(tag: str, **attributes: Any) -> etree._Element:
    """Make an element; attribute values may be any SDK value."""
    return etree.Element(tag, {name: text(value) for name, value in attributes.items()})


def sub(parent: etree._Element, tag: str, content: Any = None, **attributes: Any) -> etree._Element:
    """Append an element to `parent`, with text where `content` is given."""
    child = element(tag, **attributes)
    if content is not None:
        child.text = text(content)
    parent.append(child)
    return child


def text(value: Any) -> str:
    """Write a value as XML has it: whole numbers without a point, `true` and `false`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, (str, int, float)) and type(value).__module__ == "builtins" else UNKNOWN_TEXT


def items(value: Any) -> list[Any]:
    """Read a list input; one that is absent or unknown is empty."""
    return list(value) if isinstance(value, (list, tuple)) else []


def one(value: Any) -> dict[str, Any]:
    """Read one object as a plain dict, without the bookkeeping keys (`__defaults`) that a bridged plugin leaves."""
    if isinstance(value, (list, tuple)):
        value = value[0] if value else {}
    if not isinstance(value, Mapping):
        return {}
    return {key: item for key, item in value.items() if not key.startswith("__")}
