"""Plain data to YAML that a person reads: block style, literal blocks for text of several lines, keys in given order.

Written by hand for the reason that XML is (``xml_text``): the same bytes whatever the library's release, and at a
fraction of its cost. It writes a subset; any YAML reader reads it back to equal data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

# Text that no YAML reader takes for anything else: a letter first, no colon, no hash.
_PLAIN: Final = re.compile(r"[A-Za-z/][A-Za-z0-9 _./+@%=(),;|$\"'!?*&<>^~\[\]{}`\\-]*(?<! )\Z")
_NOT_TEXT: Final = re.compile(r"(?i:null|true|false|yes|no|on|off|y|n|none|inf|nan)\Z")
_BEYOND_ASCII: Final = re.compile(r"[^\x20-\x7e]")
_BLOCK: Final = re.compile(
    r"(?![ \n])[^\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff\r\t]+\n\Z"
)


def yaml_text(data: Mapping[str, Any]) -> str:
    """Give the document; data is made of mappings with text keys, sequences, text, numbers, booleans and None."""
    return "".join(f"{line}\n" for line in _mapping(data, ""))


def _mapping(data: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in data.items():
        yield from _item(f"{indent}{_scalar(str(key))}:", value, indent)


def _sequence(data: Sequence[Any], indent: str) -> Iterator[str]:
    for value in data:
        if isinstance(value, Mapping) and value:
            first, *rest = _mapping(value, indent + "  ")
            yield f"{indent}- {first.lstrip()}"
            yield from rest
        else:
            yield from _item(f"{indent}-", value, indent)


def _item(start: str, value: Any, indent: str) -> Iterator[str]:
    """Write a value after its key or its dash."""
    if isinstance(value, Mapping) and value:
        yield start
        yield from _mapping(value, indent + "  ")
    elif isinstance(value, (list, tuple)) and value:
        yield start
        yield from _sequence(value, indent + "  ")
    elif isinstance(value, str) and _BLOCK.match(value) and not value.endswith("\n\n"):
        yield f"{start} |"
        yield from (f"{indent}  {line}" if line else "" for line in value[:-1].split("\n"))
    else:
        yield f"{start} {_scalar(value)}"


def _scalar(value: Any) -> str:
    """One line; JSON is YAML, so what is not plainly text is written as JSON."""
    if isinstance(value, str) and _PLAIN.match(value) and not _NOT_TEXT.match(value):
        return value
    if isinstance(value, (Mapping, list, tuple)):
        return "{}" if isinstance(value, Mapping) else "[]"
    return _BEYOND_ASCII.sub(lambda one: f"\\U{ord(one[0]):08x}", json.dumps(value, ensure_ascii=False))
