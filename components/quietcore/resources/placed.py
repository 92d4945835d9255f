"""A node on its host: its assignment from the lock, the domain that follows, and what all rules say of both."""

from __future__ import annotations

from quietcore.derive.cmdline import guest_cmdline
from quietcore.derive.domain import domain_of
from quietcore.derive.lock import Assignment, assign
from quietcore.derive.pins import NoRoom
from quietcore.resources.host import Host
from quietcore.resources.judged import Report, reporter
from quietcore.resources.ledger import ledger
from quietcore.rules.judge import alone, findings
from quietcore.spec.finding import Finding
from quietcore.spec.node import RtNodeSpec
from quietcore.spec.site import HostView, NodeSpec
from quietcore.spec.tuned import TunedProfileSpec


def placed(node: RtNodeSpec | None, host: Host, tuned: TunedProfileSpec | None) -> tuple[NodeSpec | None, Report]:
    """The node's place and the report of what rules find there; no place where the node or its host makes no spec."""
    if node is None or host.spec is None:
        return None, reporter([])
    try:
        assignment = assign(ledger().lock, node, host.spec)
    except NoRoom as full:
        return None, reporter([_no_room(node, host, full)])
    missing = _take(node, assignment)
    domain = domain_of(node, host.spec, assignment.cpus, tuned, guest_cmdline(node, host.spec))
    place = NodeSpec(host=host.spec, domain=domain, node=node)
    host.nodes.append(place)
    between = alone(HostView(host=host.spec, nodes=tuple(host.nodes)))
    return place, reporter([*missing, *findings(place), *between])


def _take(node: RtNodeSpec, assignment: Assignment) -> list[Finding]:
    """Put an assignment into the lock; where the run is frozen, a missing or stale one is a finding instead."""
    run = ledger()
    locked = run.lock.nodes.get(node.name)
    if locked == assignment or not run.frozen:
        run.assigned(node.name, assignment)
        return []
    run.supposed(node.name, assignment)
    return [
        Finding(
            code="L01",
            title="an assignment is missing or stale in a frozen run",
            where=f'node "{node.name}", {run.lock_path.name}',
            given="no assignment" if locked is None else f"host {locked.host}, vCPUs on {list(locked.cpus)}",
            allowed=f"an assignment on host {assignment.host} for {node.vcpus} vCPUs, real-time {node.rt_vcpus}",
            hint=f"run `quietcore check {run.lock_path.name.removesuffix('.lock.yaml')}` and commit the file",
        )
    ]


def _no_room(node: RtNodeSpec, host: Host, full: NoRoom) -> Finding:
    return Finding(
        code="L02",
        title="no isolated CPUs are left",
        where=f'node "{node.name}", rt_vcpus',
        given=f"{full.wanted} real-time vCPUs; host {host._name} has {full.left()}",
        allowed="whole cores of one NUMA cell that no other node holds",
        hint="use another host, fewer real-time vCPUs, or drop nodes from the lock with `quietcore check --prune`",
    )
