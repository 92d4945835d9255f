"""What a domain looked like when we last left it, so that what others changed since stands out exactly.

libvirt rewrites what it is told: it fills in controllers, turns `q35` into `pc-q35-7.2`, names devices. Comparing what
it says now with what it said right after our own change needs no guess about any of that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from quietcore.plugins.handler import Props
from quietcore.plugins.libvirt.facets import Facets
from quietcore.plugins.libvirt.meaning import observable, sentence

KEY: Final = "__quietcore"
"""Output under which the engine keeps it; names with two underscores are shown nowhere."""

# Facts that libvirt states in the words it was told. Only these are compared where we never saw the domain before.
LITERAL: Final = ("memory", "vcpu", "cputune.", "numatune.", "memoryBacking.", "memtune.", "iothreads", "os.kernel",
                  "os.initrd", "os.cmdline")  # fmt: skip

FACTS: Final = 1
"""Raised whenever the same XML gives other facts than before: facts kept by another release are worked out anew."""

_SHORT: Final = 40


@dataclass(frozen=True, slots=True)
class Baseline:
    """`filled`: facts that the definition states otherwise than the program; `runs`: otherwise than it is defined.

    Values are kept as `mark` gives them. `pending` holds the keys that wait for a boot, `run` is libvirt's number of
    the run in which they do (-1: off).
    """

    filled: Facets = field(default_factory=dict)
    runs: Facets = field(default_factory=dict)
    pending: tuple[str, ...] = ()
    run: int = -1
    imported: bool = False
    """Taken over and not changed by us yet: it bears no mark, and what the program does not state is still in it."""

    @classmethod
    def of(cls, outputs: Props) -> Baseline | None:
        """Read it from outputs; None when we never looked at the domain (import, the official plugin's state)."""
        kept = outputs.get(KEY)
        if not isinstance(kept, dict) or kept.get("facts") != FACTS:
            return None
        return cls(
            filled=dict(kept.get("filled") or {}),
            runs=dict(kept.get("runs") or {}),
            pending=tuple(kept.get("pending") or ()),
            run=int(kept.get("run", -1)),
            imported=bool(kept.get("imported", False)),
        )

    def props(self) -> dict[str, Any]:
        """Give it as a property value."""
        kept: dict[str, Any] = {
            "facts": FACTS,
            "filled": self.filled,
            "runs": self.runs,
            "pending": list(self.pending),
            "run": self.run,
        }
        return {**kept, "imported": True} if self.imported else kept


@dataclass(frozen=True, slots=True)
class Drift:
    """What others changed: observed value by key, in the definition and in what runs ("" for "not there")."""

    defined: Facets = field(default_factory=dict)
    running: Facets = field(default_factory=dict)

    def values(self) -> Facets:
        """Give one observed value by key; what runs counts before what is merely defined."""
        return {**self.defined, **self.running}


def baseline(
    declared: Facets,
    defined: Facets,
    running: Facets | None,
    run: int,
    pending: Iterable[str] = (),
    apart: Iterable[str] = (),
) -> Baseline:
    """Take the picture after a change of ours. `running` is None when the domain is off.

    What is pending, and what stands `apart` (set past libvirt, which goes on stating the old value), may run otherwise
    than it is defined; anything else that does is drift from the start.
    """
    filled = _marks(differing(declared, defined))
    if running is None:
        return Baseline(filled=filled, run=run)
    excused = {*pending, *apart}
    runs = differing(observable(defined), observable(running))
    return Baseline(
        filled=filled,
        runs=_marks({key: text for key, text in runs.items() if key in excused}),
        pending=tuple(pending),
        run=run,
    )


def first_baseline(declared: Facets, defined: Facets, running: Facets | None, run: int) -> Baseline:
    """Take the picture of a domain never seen before: libvirt's own words are accepted, literal facts must agree."""
    taken = baseline(declared, defined, running, run)
    strange = {key for key in taken.filled if key.startswith(LITERAL) and key in declared}
    return Baseline(filled={key: text for key, text in taken.filled.items() if key not in strange}, run=run)


def drift(declared: Facets, kept: Baseline, defined: Facets, running: Facets | None) -> Drift:
    """Compare what libvirt says now with the picture."""
    expected = {**_marks(declared), **kept.filled}
    changed = _astray(expected, defined)
    if running is None:
        return Drift(defined=changed)
    intended, live = observable(expected), observable(running)
    return Drift(defined=changed, running=_astray(intended, live, allowed=kept.runs))


def _astray(expected: Facets, seen: Facets, allowed: Facets | None = None) -> Facets:
    """Give what is seen where it is neither what is expected nor what is allowed in its place."""
    also = allowed or {}
    return {
        key: seen.get(key, "")
        for key in {**expected, **seen}
        if mark(seen.get(key, "")) not in (expected.get(key, ""), also.get(key, expected.get(key, "")))
    }


def _marks(facets: Facets) -> Facets:
    return {key: mark(text) for key, text in facets.items()}


def still_pending(kept: Baseline, defined: Facets, running: Facets | None, run: int) -> tuple[str, ...]:
    """Give the keys that still wait for a boot: none once the domain was off or started anew."""
    if running is None or run != kept.run:
        return ()
    live = observable(running)
    comparable = observable({**defined, **running})
    return tuple(key for key in kept.pending if key not in comparable or live.get(key, "") != defined.get(key, ""))


def pending_sentences(pending: tuple[str, ...], defined: Facets, running: Facets | None) -> list[str]:
    """Say what waits: in full where the running value is known."""
    live = running or {}
    return [
        sentence(key, live.get(key, ""), defined.get(key, ""))
        if key in observable({**defined, **live})
        else sentence(key, "", defined.get(key, ""))
        for key in pending
    ]


def differing(base: Facets, other: Facets) -> Facets:
    """Give the values of `other` where it differs from `base`, "" where it lacks the key."""
    return {key: other.get(key, "") for key in {**base, **other} if base.get(key, "") != other.get(key, "")}


def mark(text: str) -> str:
    """Shorten a long value to a digest: state holds it only to be compared."""
    return text if len(text) <= _SHORT else "#" + hashlib.sha256(text.encode()).hexdigest()[:12]
