"""What a new program means for a domain in state, and what others changed: pure, asks no host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from quietcore.plugins.difference import at
from quietcore.plugins.handler import UNKNOWN, Change, Effect, Props, State
from quietcore.plugins.libvirt.baseline import LITERAL, Baseline
from quietcore.plugins.libvirt.effective import declared, declared_before, observed_before, plain
from quietcore.plugins.libvirt.facets import Facets
from quietcore.plugins.libvirt.meaning import SCHEDULING, changed, meaning_of, sentence
from quietcore.render.element import UNKNOWN_TEXT, items, one

DRIFT = "drift"
"""Input that only Read gives: sentences about what others changed. It tells observed inputs from a program's."""

_TOLD_BY_FACTS = frozenset({"xml", "metadata", "effective", DRIFT})
_NUMBERED = re.compile(r"cputune\.(vcpu|iothread)(?:pin|sched)\[(\d+)\]\Z")
_BEHAVIOUR = frozenset({"waitForLease", "hostname", "addresses"})


@dataclass(frozen=True, slots=True)
class Facts:
    """Three pictures of one domain: as declared before, as observed now, as declared by the new program."""

    before: Facets
    observed: Facets
    wanted: Facets
    threads: bool = True
    """Whether the threads of a running guest can be scheduled anew."""


def domain_changes(old: State, new: Props, *, threads: bool = True) -> list[Change]:
    """Collect the changes in a stable order: facts first, then the inputs that no XML states."""
    wanted = declared(new)
    before = declared_before(old)
    if wanted is None or before is None:
        return list(_raw(old.inputs, new))
    facts = Facts(before, observed_before(old) or before, wanted, threads)
    if DRIFT in new:  # the engine shows a refresh: the new inputs are what Read observed
        return [*_drifted(Facts(before, wanted, before), old.inputs, new), *_switches(old.inputs, new)]
    kept = Baseline.of(old.outputs)
    rest = [*_drifted(facts, old.inputs, new), *_switches(old.inputs, new), *_reservations(old.inputs, new)]
    # A MAC that is no longer said stays the machine's.
    keys = [key for key in changed(facts.before, facts.wanted) if key in facts.wanted or not key.endswith(".mac")]
    if kept is not None and kept.imported:
        must = [key for key in keys if _compares(key, facts.wanted.get(key, ""))]
        # With nothing to change nothing is defined anew, and a device that the program does not say stays.
        keys = [key for key in keys if key in must or key.startswith("devices.")] if must or rest else []
    return [*_told(keys, facts, old, new), *rest]


def _told(keys: list[str], facts: Facts, old: State, new: Props) -> Iterator[Change]:
    """Give the changes that the program makes."""
    for key in keys:
        was, becomes = facts.before.get(key, ""), facts.wanted.get(key, "")
        yield Change(
            _path(key, old.inputs, new),
            _effect(key, was, becomes, facts),
            _words(key, was, becomes),
        )


def _compares(key: str, becomes: str) -> bool:
    """Tell whether a domain that was taken over must already have this: what the program states in so many words."""
    return key.startswith(LITERAL) or (key.endswith(".source") and bool(becomes))


def _effect(key: str, was: str, becomes: str, facts: Facts) -> Effect:
    effect = meaning_of(key)[0].effect
    if key.startswith("devices.disk[") and key.endswith(".source") and was and becomes:
        if 'device="cdrom"' in facts.wanted.get(key.removesuffix(".source"), ""):
            return Effect.LIVE
        # A disk whose volume is being made anew: the machine on it is another machine.
        return Effect.REPLACE if UNKNOWN_TEXT in becomes else effect
    waits = key.startswith(SCHEDULING) and not facts.threads
    if effect is Effect.LIVE and (waits or _comes_or_goes(key, facts.before, facts.wanted)):
        return Effect.NEXT_BOOT
    if key == "os.arch" and not (was and becomes):
        return Effect.NEXT_BOOT
    return effect


def _comes_or_goes(key: str, before: Facets, wanted: Facets) -> bool:
    """Tell whether this is about a vCPU or IOThread that only the next boot brings or takes away."""
    found = _NUMBERED.match(key)
    if not found:
        return False
    tag, first = ("vcpu", 0) if found[1] == "vcpu" else ("iothreads", 1)
    counts = (int(facts[tag]) if facts.get(tag, "").isdigit() else 0 for facts in (before, wanted))
    return int(found[2]) >= min(counts) + first


def _words(key: str, was: str, becomes: str) -> str:
    return sentence(key, was, becomes).replace(UNKNOWN_TEXT, "one known after apply")


def _drifted(facts: Facts, old: Props, new: Props) -> Iterator[Change]:
    """Give what others changed; the sentences about it are Read's, so the changes carry none."""
    for key in changed(facts.before, facts.observed):
        if facts.wanted.get(key, "") != facts.observed.get(key, ""):
            yield Change(_path(key, old, new, observed=True), Effect.LIVE, "")
    if DRIFT in old or DRIFT in new:
        yield Change(DRIFT, Effect.LIVE, "")


def _switches(old: Props, new: Props) -> Iterator[Change]:
    running, runs = new.get("running", True), old.get("running", True)
    if running is not UNKNOWN and bool(running) != bool(runs):
        yield Change("running", Effect.LIVE, "is started" if running else "is shut down")
    autostart, starts = new.get("autostart", False), old.get("autostart", False)
    if autostart is not UNKNOWN and bool(autostart) != bool(starts):
        yield Change("autostart", Effect.LIVE, f"autostart {'on' if autostart else 'off'}")
    if bool(new.get("qemuAgent")) != bool(old.get("qemuAgent")):
        yield Change("qemuAgent", Effect.LIVE, "")


def _reservations(old: Props, new: Props) -> Iterator[Change]:
    before = items(old.get("networkInterfaces"))
    for index, item in enumerate(items(new.get("networkInterfaces"))):
        nic, had = one(item), one(before[index]) if index < len(before) else {}
        for name in sorted(_BEHAVIOUR):
            if nic.get(name) != had.get(name) and (nic.get(name) or had.get(name)):
                text = "" if name == "waitForLease" else f"{name} of network interface {index} changes"
                yield Change(f"networkInterfaces[{index}].{name}", Effect.LIVE, text)


def _path(key: str, old: Props, new: Props, *, observed: bool = False) -> str:
    """Point at the input that a person wrote where it differs, else at the fact itself."""
    path = meaning_of(key)[0].path
    if not observed and path != "xml.xslt" and at(old, path) != at(new, path):
        return path
    quoted = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'effective["{quoted}"]'


def _raw(old: Props, new: Props) -> Iterator[Change]:
    """Compare the inputs as they stand, where the effective XML is not known yet."""
    had, has = plain(old), plain(new)
    for name in sorted({*had, *has} - {DRIFT}):
        if had.get(name) == has.get(name):
            continue
        effect = (
            Effect.REPLACE if name == "name" else Effect.LIVE if name in ("running", "autostart") else Effect.NEXT_BOOT
        )
        yield Change(name, effect, f"{name} changes{_later(has.get(name))}")


def _later(value: Any) -> str:
    return " to a value known after apply" if value is UNKNOWN else ""
