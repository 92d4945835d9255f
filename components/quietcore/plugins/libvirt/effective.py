"""The facts of what a program declares: its inputs, through the stylesheet, as facets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lxml import etree

from quietcore.plugins.handler import UNKNOWN, Props, State
from quietcore.plugins.libvirt.baseline import FACTS, KEY
from quietcore.plugins.libvirt.facets import Facets, domain_facets
from quietcore.plugins.properties import has_unknown
from quietcore.render.domain_base import effective_element
from quietcore.render.element import UNKNOWN_TEXT

BOOKKEEPING: Final = ("effective", "drift")
"""Inputs that Check adds: no program writes them."""


def with_effective(inputs: Props, document: etree._Element | None = None) -> Props:
    """Add `effective`: the declared facts by key; UNKNOWN where they hang on what only `up` will know.

    `document` is the effective domain where the caller has it already.

    Raises:
        StylesheetError: the stylesheet cannot be applied.
    """
    own = plain(inputs)
    if has_unknown(own.get("xml")) or own.get("xml") is UNKNOWN:
        return {**own, "effective": UNKNOWN}
    facets = domain_facets(effective_element(own) if document is None else document)
    return {**own, "effective": {key: UNKNOWN if UNKNOWN_TEXT in text else text for key, text in facets.items()}}


def plain(inputs: Mapping[str, Any]) -> Props:
    """Give the inputs without bookkeeping: ours, and the `__defaults` of a bridged plugin at any depth."""
    return {
        key: _without_internals(value)
        for key, value in inputs.items()
        if key not in BOOKKEEPING and not key.startswith("__")
    }


def declared_before(old: State) -> Facets | None:
    """Give the facts as the program declared them when the state was saved: not what was observed since."""
    current = (old.outputs.get(KEY) or {}).get("facts") == FACTS
    return declared(old.outputs if current and "effective" in old.outputs else plain(old.inputs))


def observed_before(old: State) -> Facets | None:
    """Give the facts as last observed, which are those declared unless others changed something."""
    current = (old.outputs.get(KEY) or {}).get("facts") == FACTS
    return declared(old.inputs) if current else declared_before(old)


def declared(props: Props) -> Facets | None:
    """Give the declared facts of inputs or outputs, worked out where state holds none; None when not known yet."""
    effective = props.get("effective")
    if effective is UNKNOWN:
        return None
    if isinstance(effective, dict):
        return {key: UNKNOWN_TEXT if value is UNKNOWN else str(value) for key, value in effective.items()}
    worked_out = with_effective(props)["effective"]
    return None if worked_out is UNKNOWN else {key: str(value) for key, value in worked_out.items()}


def _without_internals(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_internals(item) for key, item in value.items() if not key.startswith("__")}
    if isinstance(value, list):
        return [_without_internals(item) for item in value]
    return value
