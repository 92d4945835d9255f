"""A node on its host: its assignment from the lock, the domain that follows, and what all rules say of both."""

from __future__ import annotations

from quietcore.derive.cmdline import guest_cmdline
from quietcore.derive.domain import domain_of
from quietcore.derive.lock import Assignment, assign
from quietcore.derive.pins import NoRoom
from quietcore.resources.host import Host
from quietcore.resources.judged import Report, reporter
from quietcore.resources.ledger import ledger
from quietcore.resources.tuned import TunedProfile
from quietcore.rules.judge import findings, newest
from quietcore.rules.lock import FrozenAssignment, Room
from quietcore.spec.finding import Finding
from quietcore.spec.node import RtNodeSpec
from quietcore.spec.site import HostView, NodeSpec


def placed(node: RtNodeSpec | None, host: Host, tuned: TunedProfile | None) -> tuple[NodeSpec | None, Report]:
    """The node's place and the report of what rules find there.

    There is no place where the node, its host or its profile was refused already: nothing can be derived from those.
    """
    if node is None or host.spec is None or (tuned is not None and tuned.spec is None):
        return None, reporter([])
    try:
        assignment = assign(ledger().lock, node, host.spec)
    except NoRoom as full:
        return None, reporter(findings(Room(node=node.name, host=host.spec.name, wanted=full.wanted, free=full.free)))
    missing = _take(node, assignment)
    profile = tuned.spec if tuned else None
    domain = domain_of(node, host.spec, assignment.cpus, profile, guest_cmdline(node, host.spec))
    place = NodeSpec(host=host.spec, domain=domain, node=node)
    host.nodes.append(place)
    return place, reporter([*missing, *newest(HostView(host=host.spec, nodes=tuple(host.nodes)))])


def _take(node: RtNodeSpec, assignment: Assignment) -> list[Finding]:
    """Put an assignment into the lock; where the run is frozen, a missing or stale one is a finding instead."""
    run = ledger()
    locked = run.lock.nodes.get(node.name)
    if locked == assignment or not run.frozen:
        run.assigned(node.name, assignment)
        return []
    run.supposed(node.name, assignment)
    stack = run.lock_path.name.removesuffix(".lock.yaml")
    return findings(FrozenAssignment(node=node.name, stack=stack, locked=locked, due=assignment))
