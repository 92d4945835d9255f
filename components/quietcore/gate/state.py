"""The last applied state of a stack, as the engine exports it, read as the same picture that a program gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from quietcore.errors import EnvironmentFault
from quietcore.gate.events import name_of
from quietcore.render.element import UNKNOWN_TEXT
from quietcore.resources.site import Registered

_MARK: Final = "4dabf18193072939515e22adb298388d"
"""The key by which the engine tells values that are none, such as secrets (sdk/go/common/resource/sig)."""


def registered_from(text: str, where: str) -> list[Registered]:
    """The resources of an exported state. Raises EnvironmentFault where the text is none."""
    try:
        deployment = json.loads(text)["deployment"]
        return [_registered(each) for each in deployment.get("resources") or [] if not each.get("delete")]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise EnvironmentFault(
            "not an exported state", where=where, allowed="what `pulumi stack export` writes"
        ) from None


def _registered(each: Mapping[str, Any]) -> Registered:
    kind = str(each["type"])
    inputs, outputs = each.get("inputs") or {}, each.get("outputs") or {}
    own = kind.startswith("quietcore:") and outputs.get("spec")
    return Registered(
        urn=str(each["urn"]),
        type=kind,
        name=name_of(str(each["urn"])),
        props=_plain(outputs if own else inputs),
        parent=str(each.get("parent") or ""),
        provider=str(each.get("provider") or "").rpartition("::")[0],
    )


def _plain(value: Any) -> Any:
    """Without secrets, whose values nobody here may know."""
    if isinstance(value, dict):
        return UNKNOWN_TEXT if _MARK in value else {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
