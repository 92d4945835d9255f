"""Rules on the variables of a profile: one that is misspelt is no error to tuned."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from quietcore.derive.tuned import ancestors, own_sections, variables_file
from quietcore.derive.tuned_shipped import SHIPPED
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.rules.tuned.examples import theirs
from quietcore.spec import Severity, TunedProfileSpec

_REFERENCE = re.compile(r"(?<!\\)\$\{(\w+)\}")

OF_FILES = frozenset({"isolated_cores", "isolate_managed_irq", "netdev_queue_count", "no_balance_cores"})
"""What the files of variables are there to set."""


def _misspelt(profile: TunedProfileSpec) -> Iterator[Hit]:
    if not profile.foreign:
        return
    parents = ancestors(profile)
    own = [shipped[each] for shipped in SHIPPED.values() for each in parents if each in shipped]
    inherited = {name for each in own for name in each.variables}
    yield from _undefined(profile, inherited | OF_FILES | profile.variables.keys())
    yield from _unheeded(profile, inherited | OF_FILES | {"include"})


def _undefined(profile: TunedProfileSpec, defined: set[str]) -> Iterator[Hit]:
    texts = {
        f"{section}.{key}": text for section, options in own_sections(profile).items() for key, text in options.items()
    }
    texts |= {f"variables.{key}": text for key, text in profile.variables.items()}
    closed = _closed(profile)
    for where, text in texts.items():
        for name in dict.fromkeys(_REFERENCE.findall(text)):
            if name in defined:
                continue
            near = get_close_matches(name, sorted(defined), n=1, cutoff=0.8 if closed else 0.93)
            if near or closed:
                yield Hit(
                    where=where,
                    given=f"${{{name}}}, which nothing defines",
                    allowed=", ".join(sorted(profile.variables.keys() - {"include"}) or sorted(OF_FILES)),
                    hint=f"did you mean ${{{near[0]}}}?" if near else f"define {name} in [variables]",
                )


def _unheeded(profile: TunedProfileSpec, heard: set[str]) -> Iterator[Hit]:
    """Own variables that nothing uses and whose name is nearly that of one that the parents use."""
    used = {
        name
        for options in own_sections(profile).values()
        for text in options.values()
        for name in _REFERENCE.findall(text)
    }
    used |= {name for text in profile.variables.values() for name in _REFERENCE.findall(text)}
    for name in sorted(profile.variables.keys() - used - heard):
        near = get_close_matches(name, sorted(heard - profile.variables.keys()), n=1, cutoff=0.93)
        if near:
            yield Hit(
                where=f"variables.{name}",
                given=f"{name}={profile.variables[name]}, which nothing uses",
                allowed=", ".join(sorted(OF_FILES)),
                hint=f"did you mean {near[0]}?",
            )


def _closed(profile: TunedProfileSpec) -> bool:
    """Whether all is in view that may define a variable: every parent, and the file of variables."""
    parents = ancestors(profile)
    known = {name for shipped in SHIPPED.values() for name in shipped} | set(profile.merged)
    read = not variables_file(profile.parents) or "isolated_cores" in profile.variables
    return read and "include" not in profile.variables and all(name in known for name in parents)


T21: Rule[TunedProfileSpec] = Rule(
    code="T21",
    title="profile uses a variable that nothing defines",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=TunedProfileSpec,
    judge=_misspelt,
    doc=Doc(
        what="Every ${variable} of a profile is defined: in it, in its file of variables, or by its parents. A "
        "variable that is defined under nearly the name of one that the parents use, and used by nobody, is told as "
        "well.",
        why="tuned leaves what it does not know as it is written, and goes on. A misspelt isolated_cores isolates "
        "nothing, and the text ${isolated_core} ends in the kernel command line.",
        fix="write the variable's whole name",
        sources=(source("TUNED-CODE", "variables"), source("QUIETCORE", "inferred")),
        bad=Example(
            text="[variables]\nisolated_cores=1-3\n[irqbalance]\nbanned_cpus=${isolated_core}",
            subject=lambda: theirs(variables={"isolated_cores": "1-3"}, irqbalance={"banned_cpus": "${isolated_core}"}),
        ),
        good=Example(
            text="[variables]\nisolated_cores=1-3\n[irqbalance]\nbanned_cpus=${isolated_cores}",
            subject=lambda: theirs(
                variables={"isolated_cores": "1-3"}, irqbalance={"banned_cpus": "${isolated_cores}"}
            ),
        ),
    ),
)
