"""Layers that no file holds, though with them more could be judged: what to add, and what for."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.lint.case import Case
from quietcore.lint.guarded import Lacking

_ADD = {
    "topology": "add what `virsh capabilities` or `lscpu --json --extended=CPU,NODE,SOCKET,CORE` prints",
    "isolated CPUs": "add its /proc/cmdline",
    "memory of the NUMA cells": "add what `virsh capabilities` or `quietcore inventory` prints",
}


def missing(case: Case, lack: Lacking) -> list[str]:
    """One sentence for each layer that rules asked for, or that is needed to judge what is there."""
    return [*_asked(case, lack), *_insides(case), *_needed(case, lack)]


def _asked(case: Case, lack: Lacking) -> Iterator[str]:
    for what, codes in sorted(lack.items()):
        named = f"{', '.join(sorted(codes))} {'were' if len(codes) > 1 else 'was'} not judged"
        yield f"{case.group.name}: {what} not known, so {named}; {_ADD[what]}"


def _insides(case: Case) -> Iterator[str]:
    guests = {machine.name for machine in case.site.machines if machine.role == "guest"}
    bare = [
        node.domain.name
        for node in case.site.nodes
        if node.domain.realtime and node.domain.name not in guests and node.domain.guest is None
    ]
    if bare:
        example = f"{case.group.name}/{bare[0]}"
        yield f"inside of {', '.join(bare)}: not judged; put its /proc/cmdline, tuned.conf and so on into {example}/"


def _needed(case: Case, lack: Lacking) -> Iterator[str]:
    machine = case.machine
    if machine is None:
        return
    if machine.topology is None and "topology" not in lack:
        yield f"{machine.name}: no topology, so rules on siblings and NUMA cells were not judged; {_ADD['topology']}"
    if machine.tuned is not None and machine.tuned.foreign and machine.facts.tuned_version is None:
        yield f"{machine.name}: version of tuned not known; --tuned-version says it"
    if machine.kubelet is not None and machine.facts.kubelet_version is None:
        yield f"{machine.name}: version of the kubelet not known; --kubelet-version says it"
    if machine.cmdline is not None and machine.facts.kernel is None:
        yield f"{machine.name}: no word whether its kernel is a real-time one; --kernel rt says it"
