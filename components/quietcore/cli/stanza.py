"""The `plugins:` stanza of a Pulumi.yaml, edited as text: comments, order and everything that is not ours stay.

Positions come from PyYAML's composed nodes, so that what is read as YAML is what is edited.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final, TypeVar

import yaml

from quietcore.errors import EnvironmentFault

_Node = TypeVar("_Node", yaml.MappingNode, yaml.SequenceNode)

COMMENT: Final = "# `quietcore plugins install` makes these folders; run it once in each clone."


def wired(text: str, name: str, path: PurePosixPath) -> str:
    """`text` of a Pulumi.yaml with the provider `name` served from `path`; the same text where it already is.

    Raises EnvironmentFault where the stanza is written in YAML's flow form.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is None or not isinstance(root, yaml.MappingNode):
        raise EnvironmentFault("Pulumi.yaml is no mapping", allowed="name:, runtime: and so on")
    plugins = _value(root, "plugins")
    if plugins is None or _empty(plugins):
        return _with_stanza(text, root, name, path)
    block = _block(plugins, yaml.MappingNode, lines(name, path))
    providers = _value(block, "providers")
    if providers is None or _empty(providers):
        return _with_providers(text, block, name, path)
    entries = _block(providers, yaml.SequenceNode, lines(name, path))
    ours = next((entry for entry in entries.value if _name(entry) == name), None)
    return _with_entry(text, entries, name, path) if ours is None else _with_path(text, ours, path)


def lines(name: str, path: PurePosixPath, indent: str = "    ") -> list[str]:
    """One entry of the stanza."""
    return [f"{indent}- name: {name}", f"{indent}  path: {path}"]


def _with_stanza(text: str, root: yaml.MappingNode, name: str, path: PurePosixPath) -> str:
    stanza = [COMMENT, "plugins:", "  providers:", *lines(name, path)]
    empty = next((key for key, _ in root.value if key.value == "plugins"), None)
    if empty is None:
        head = text if text.endswith("\n") or not text else text + "\n"
        return head + "\n".join(stanza) + "\n"
    rows = text.splitlines()
    rows[empty.start_mark.line : empty.start_mark.line + 1] = stanza[1:]
    return "\n".join(rows) + "\n"


def _with_providers(text: str, plugins: yaml.MappingNode, name: str, path: PurePosixPath) -> str:
    indent = " " * plugins.value[0][0].start_mark.column
    entry = lines(name, path, indent + "  ")
    rows = text.splitlines()
    empty = next((key.start_mark.line for key, _ in plugins.value if key.value == "providers"), None)
    if empty is None:
        return _inserted(text, plugins.value[0][0].start_mark.line, [f"{indent}providers:", *entry])
    rows[empty : empty + 1] = [f"{indent}providers:", *entry]
    return "\n".join(rows) + "\n"


def _with_entry(text: str, entries: yaml.SequenceNode, name: str, path: PurePosixPath) -> str:
    return _inserted(text, entries.start_mark.line, lines(name, path, " " * entries.start_mark.column))


def _with_path(text: str, entry: yaml.MappingNode, path: PurePosixPath) -> str:
    held = _value(entry, "path")
    if held is None:
        first = entry.value[0][0].start_mark
        return _inserted(text, first.line + 1, [f"{' ' * first.column}path: {path}"])
    if held.value == str(path):
        return text
    return text[: held.start_mark.index] + str(path) + text[held.end_mark.index :]


def _inserted(text: str, line: int, new: list[str]) -> str:
    rows = text.splitlines()
    return "\n".join([*rows[:line], *new, *rows[line:]]) + "\n"


def _value(mapping: yaml.MappingNode, key: str) -> yaml.Node | None:
    return next((value for name, value in mapping.value if name.value == key), None)


def _name(entry: yaml.Node) -> str | None:
    held = _value(entry, "name") if isinstance(entry, yaml.MappingNode) else None
    return held.value if isinstance(held, yaml.ScalarNode) else None


def _empty(node: yaml.Node) -> bool:
    return not node.value or node.tag == "tag:yaml.org,2002:null"


def _block(node: yaml.Node, kind: type[_Node], entry: list[str]) -> _Node:
    if isinstance(node, kind) and not node.flow_style:
        return node
    raise EnvironmentFault(
        "the plugins stanza is not in the form that can be edited",
        where=f"Pulumi.yaml, line {node.start_mark.line + 1}",
        allowed="YAML block form, one entry a line",
        hint="write it as:\n" + "\n".join(["plugins:", "  providers:", *entry]),
    )
