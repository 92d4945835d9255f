"""What is wrong with the texts of a seed before any guest has to find out. Contents never appear in a message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import yaml

from quietcore.plugins.handler import UNKNOWN, Failure, Props

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The same YAML, ten times faster where PyYAML has its C parser."""

LIMIT: Final = 1024 * 1024
"""Bytes of each text: a seed is held in memory, and read back when it changed on the host."""

_YAML: Final = ("#cloud-config",)
_OTHER: Final = (
    "#!",
    "#include",
    "#cloud-boothook",
    "#cloud-config-archive",
    "#cloud-config-jsonp",
    "#part-handler",
    "## template: jinja",
    "Content-Type:",
    "MIME-Version:",
)
"""First words by which cloud-init tells what user data is (cloudinit/handlers/__init__.py, INCLUSION_TYPES_MAP)."""


def check_texts(inputs: Props) -> list[Failure]:
    """Failures of `userData`, `metaData` and `networkConfig`; what is absent, empty or unknown is left alone."""
    rules: tuple[tuple[str, Callable[[str], str]], ...] = (
        ("userData", _user_data),
        ("metaData", _mapping),
        ("networkConfig", _network),
    )
    return [Failure(key, reason) for key, rule in rules if (reason := _judge(inputs.get(key), rule))]


def _judge(text: Any, rule: Callable[[str], str]) -> str:
    if text is None or text is UNKNOWN:
        return ""
    if not isinstance(text, str):
        return f"must be text, given a {type(text).__name__}; hint: json.dumps or yaml.safe_dump it"
    size = len(text.encode())
    if size > LIMIT:
        return f"has {size} bytes; allowed: {LIMIT}"
    return rule(text) if text.strip() else ""


def _user_data(text: str) -> str:
    first = text.split("\n", 1)[0].rstrip()
    if first in _YAML:
        return _mapping(text)
    if first.startswith(_OTHER):
        return ""
    return (
        "cloud-init will ignore it: the first line does not say what it is; "
        "allowed: #cloud-config, #!/bin/sh, #include, #cloud-boothook, ## template: jinja, a MIME header"
    )


def _mapping(text: str) -> str:
    return _read(text)[1]


def _network(text: str) -> str:
    value, wrong = _read(text)
    if wrong:
        return wrong
    version = value.get("network", value)
    version = version.get("version") if isinstance(version, dict) else None
    return "" if version in (1, 2) else f"must say version: 1 or version: 2, given {version!r}"


def _read(text: str) -> tuple[dict[str, Any], str]:
    """Give the mapping that a text is, and what is wrong with it."""
    try:
        value = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        return {}, f"is not valid YAML: {_place(error)}"
    if value is None or isinstance(value, dict):
        return value or {}, ""
    return {}, f"must be a YAML mapping, it is a {type(value).__name__}"


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or type(error).__name__
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}" if mark is not None else str(problem)
