"""Policy properties as plain data: what is not known yet becomes a text that says so, and its path can be told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pulumi_policy.proxy import UnknownValueError

from quietcore.render.element import UNKNOWN_TEXT


def known(value: Any) -> Any:
    """The value with plain dicts and lists, and ``UNKNOWN_TEXT`` for every unknown leaf."""
    if isinstance(value, Mapping):
        return {key: _item(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_item(value, index) for index in range(len(value))]
    return value


def unknown_paths(props: Mapping[str, Any], names: Iterable[str]) -> Iterator[str]:
    """The property paths of all unknown leaves of the properties of these names."""
    given = set(props)
    for name in names:
        if name in given:
            yield from _below(props, name, name)


def _item(holder: Any, key: Any) -> Any:
    try:
        return known(holder[key])
    except UnknownValueError:
        return UNKNOWN_TEXT


def _below(holder: Any, key: Any, path: str) -> Iterator[str]:
    try:
        yield from _paths(holder[key], path)
    except UnknownValueError:
        yield path


def _paths(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key in value:
            yield from _below(value, key, f"{path}.{key}")
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for index in range(len(value)):
            yield from _below(value, index, f"{path}[{index}]")
