"""A handler's changes as the engine's answer to Diff: real property paths, real kinds."""

from __future__ import annotations

import re
from typing import Any

from quietcore.plugins.handler import Change, Effect, Props
from quietcore.plugins.protocol import provider_pb2

_STEP = re.compile(r'\.?([^.\[\]"]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]')
_ABSENT = object()


def difference(changes: list[Change], old: Props, new: Props) -> Any:
    """Build the DiffResponse: what changes, how it is shown, what replaces and whether the old one goes first."""
    response = provider_pb2.DiffResponse(hasDetailedDiff=True)
    response.changes = provider_pb2.DiffResponse.DIFF_SOME if changes else provider_pb2.DiffResponse.DIFF_NONE
    for change in changes:
        replaces = change.effect is Effect.REPLACE
        known = response.detailedDiff.get(change.path)
        kind = _kind(change.path, old, new, replaces=replaces)
        if known is None or replaces:
            response.detailedDiff[change.path].CopyFrom(provider_pb2.PropertyDiff(kind=kind, inputDiff=True))
        root = _root(change.path)
        if root not in response.diffs:
            response.diffs.append(root)
        if replaces:
            if root not in response.replaces:
                response.replaces.append(root)
            response.deleteBeforeReplace = response.deleteBeforeReplace or change.keeps_name
    return response


def at(props: Any, path: str) -> Any:
    """Give the value at a property path such as `networkInterfaces[0].mac`, or None."""
    found = _at(props, path)
    return None if found is _ABSENT else found


def _at(props: Any, path: str) -> Any:
    value = props
    for name, index, quoted in _STEP.findall(path):
        if index:
            if not isinstance(value, list) or int(index) >= len(value):
                return _ABSENT
            value = value[int(index)]
        else:
            if not isinstance(value, dict) or (name or quoted) not in value:
                return _ABSENT
            value = value[name or quoted]
    return value


def _kind(path: str, old: Props, new: Props, *, replaces: bool) -> Any:
    kinds = provider_pb2.PropertyDiff
    if _at(old, path) is _ABSENT:
        return kinds.ADD_REPLACE if replaces else kinds.ADD
    if _at(new, path) is _ABSENT:
        return kinds.DELETE_REPLACE if replaces else kinds.DELETE
    return kinds.UPDATE_REPLACE if replaces else kinds.UPDATE


def _root(path: str) -> str:
    return re.split(r"[.\[]", path, maxsplit=1)[0]
