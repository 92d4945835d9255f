"""What a new program means for a network in state, and what others changed: pure, asks no host."""

from __future__ import annotations

from typing import Final

from quietcore.plugins.difference import at
from quietcore.plugins.handler import UNKNOWN, Change, Effect, Props, Severity, State
from quietcore.plugins.libvirt.baseline import FACTS, KEY, differing
from quietcore.plugins.libvirt.effective import plain
from quietcore.plugins.libvirt.facets import Facets
from quietcore.plugins.libvirt.network_facets import RESERVED, effect_of, network_facets, path_of, words_for
from quietcore.plugins.properties import has_unknown
from quietcore.render.element import UNKNOWN_TEXT
from quietcore.render.network_base import effective_network_element

DRIFT: Final = "drift"
WHEN: Final = "(when the network is next started; at once while no guest is on it)"


def network_changes(old: State, new: Props) -> list[Change]:
    """Collect the changes: what the program makes, then what others made."""
    wanted = facts_of(new)
    current = (old.outputs.get(KEY) or {}).get("facts") == FACTS
    before = facts_of(old.outputs if current else plain(old.inputs))
    if wanted is None or before is None:
        return [
            Change(name, Effect.REPLACE if name == "name" else Effect.NEXT_BOOT, f"{name} changes")
            for name in sorted({*plain(old.inputs), *plain(new)})
            if plain(old.inputs).get(name) != plain(new).get(name)
        ]
    observed = (facts_of(old.inputs) if current else before) or before
    if DRIFT in new:  # a refresh is being shown
        before, observed, wanted = before, wanted, before
    changes = [
        Change(_path(key, old.inputs, new), effect_of(key), words_for(key, before.get(key, ""), wanted.get(key, "")))
        for key in differing(before, wanted)
        if key in wanted or not _stays(key)
    ]
    drift = [Change(_path(key, {}, {}), Effect.LIVE, "") for key in differing(before, observed)]
    if DRIFT in old.inputs or DRIFT in new:
        drift.append(Change(DRIFT, Effect.LIVE, ""))
    starts, started = new.get("autostart", False), old.inputs.get("autostart", False)
    if starts is not UNKNOWN and bool(starts) != bool(started):
        changes.append(Change("autostart", Effect.LIVE, f"autostart {'on' if starts else 'off'}"))
    return [*changes, *drift]


def _stays(key: str) -> bool:
    """Tell whether what the program no longer says stays all the same: a bridge's name, a guest's reservation."""
    return key == "bridge" or RESERVED in key


def network_summary(
    old: State, new: Props, plain_line: tuple[Severity, str] | None, host: str
) -> tuple[Severity, str] | None:
    """Say drift, what changes and when, or what still waits."""
    drift = new.get(DRIFT) or old.inputs.get(DRIFT) or []
    line = None if DRIFT in new else plain_line
    said = [f"drift, which `up` puts back: {'; '.join(drift)}"] if drift else []
    if line is not None:
        said.append(line[1].split(": ", 1)[1].replace("(at next boot)", WHEN))
    waiting = old.outputs.get("pendingRestart") or []
    if not said and waiting:
        said = [f"waits until the network is started again: {'; '.join(waiting)}"]
    loud = bool(drift or (line is not None and line[0] is Severity.WARNING) or (waiting and line is None))
    name = new.get("name") or old.id
    return (Severity.WARNING if loud else Severity.INFO, f"{name} on {host}: {' | '.join(said)}") if said else None


def with_effective(inputs: Props) -> Props:
    """Add `effective`: the declared facts by key; UNKNOWN where they hang on what only `up` will know."""
    own = plain(inputs)
    if has_unknown(own.get("xml")):
        return {**own, "effective": UNKNOWN}
    facts = network_facets(effective_network_element(own))
    return {**own, "effective": {key: UNKNOWN if UNKNOWN_TEXT in text else text for key, text in facts.items()}}


def facts_of(props: Props) -> Facets | None:
    """Give the declared facts of inputs or outputs, worked out where there are none; None when not known yet."""
    effective = props.get("effective")
    if effective is None:
        effective = with_effective(props)["effective"]
    if effective is UNKNOWN:
        return None
    return {key: UNKNOWN_TEXT if text is UNKNOWN else str(text) for key, text in effective.items()}


def _path(key: str, old: Props, new: Props) -> str:
    path = path_of(key)
    if path != "xml.xslt" and at(old, path) != at(new, path):
        return path
    return f'effective["{key}"]'.replace("\\", "\\\\")
