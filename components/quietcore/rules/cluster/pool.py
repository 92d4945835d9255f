"""Rules on pools of nodes that share a PerformanceProfile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from quietcore.rules.cluster.examples import WORKER, pool, profile, topology, worker
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import HostTopology, MachineSpec, PerformanceProfileSpec, Severity, SiteSpec

DU = {key.replace("cnf", "du"): value for key, value in WORKER.items()}


def _selectors(profile: PerformanceProfileSpec) -> Iterator[Hit]:
    if not profile.node_selector:
        yield Hit(
            where="spec.nodeSelector",
            given="no label",
            allowed="one label of the form domain/role",
            hint='write nodeSelector: {node-role.kubernetes.io/worker-cnf: ""}',
        )
    for key, labels in (
        ("nodeSelector", profile.node_selector),
        ("machineConfigLabel", profile.machine_config_label),
        ("machineConfigPoolSelector", profile.pool_selector),
    ):
        if labels and len(labels) > 1:
            yield Hit(where=f"spec.{key}", given=", ".join(sorted(labels)), allowed="one label")
    yield from _role_unknown(profile)


def _role_unknown(profile: PerformanceProfileSpec) -> Iterator[Hit]:
    """The operator takes the pool's role from the node label where the profile does not name both labels itself."""
    told = profile.machine_config_label is not None and profile.pool_selector is not None
    labels = profile.node_selector or {}
    if not told and len(labels) == 1 and next(iter(labels)).count("/") != 1:
        yield Hit(
            where="spec.nodeSelector",
            given=next(iter(labels)),
            allowed="domain/role, such as node-role.kubernetes.io/worker-cnf",
            hint="use a label of that form, or give machineConfigLabel and machineConfigPoolSelector",
        )


H10: Rule[PerformanceProfileSpec] = Rule(
    code="H10",
    title="node selector from which no pool follows",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=PerformanceProfileSpec,
    judge=_selectors,
    doc=Doc(
        what="A profile selects its nodes by one label of the form domain/role; each of its selectors has one label at "
        "most. With machineConfigLabel and machineConfigPoolSelector given, the label may have any form.",
        why="The operator makes the names of its machine configs from the role. From another label it cannot, and the "
        "webhook refuses the profile.",
        fix="select the nodes by one label such as node-role.kubernetes.io/worker-cnf",
        sources=(source("NTO-V", "validateSelectors"),),
        bad=Example(text='nodeSelector:\n  pool: "rt"', subject=lambda: profile(node_selector={"pool": "rt"})),
        good=Example(text='nodeSelector:\n  node-role.kubernetes.io/worker-cnf: ""', subject=profile),
    ),
)


def _profiles(site: SiteSpec) -> Mapping[str, list[tuple[PerformanceProfileSpec, MachineSpec]]]:
    """The profiles of a site by name, each with a machine of every kind it is on."""
    found: dict[str, list[tuple[PerformanceProfileSpec, MachineSpec]]] = {}
    for machine in site.machines:
        if machine.profile is not None:
            found.setdefault(machine.profile.name, []).append((machine.profile, machine))
    return found


def _mixed(site: SiteSpec) -> Iterator[Hit]:
    for name, uses in _profiles(site).items():
        known = [(machine, machine.topology) for _, machine in uses if machine.topology is not None]
        for machine, own in known[1:]:
            first, model = known[0]
            differs = list(_differences(model, own))
            if differs:
                yield Hit(
                    where=f'{machine.name or "machine"}, profile "{name}"',
                    given="; ".join(
                        f"{what} {theirs}, {first.name or 'another'} has {ours}" for what, ours, theirs in differs
                    ),
                    allowed="the same CPUs on all nodes of a profile",
                )


def _differences(model: HostTopology, other: HostTopology) -> Iterator[tuple[str, str, str]]:
    """(what, the model's, the other's) for what one profile cannot say of both machines."""
    if model.arch != other.arch:
        yield "architecture", model.arch, other.arch
    if model.cpus != other.cpus:
        yield "CPUs", str(model.cpus), str(other.cpus)
    elif set(model.cores) != set(other.cores):
        yield "threads per core", _cores(model), _cores(other)
    elif {cell.id: cell.cpus for cell in model.cells} != {cell.id: cell.cpus for cell in other.cells}:
        yield "NUMA cells", _cells(model), _cells(other)


def _cores(topology: HostTopology) -> str:
    return f"{topology.threads} (core of CPU 0: {topology.core_of(0)})"


def _cells(topology: HostTopology) -> str:
    return " ".join(f"{cell.id}:{cell.cpus}" for cell in topology.cells)


H09: Rule[SiteSpec] = Rule(
    code="H09",
    title="nodes of one profile have different CPUs",
    severity=Severity.ERROR,
    scope=Scope.SITE,
    subject=SiteSpec,
    judge=_mixed,
    doc=Doc(
        what="All nodes of a profile have the same architecture, CPU numbers, sibling threads and NUMA cells.",
        why="The profile names CPUs by number. On a node with another layout the same numbers split cores, cross "
        "sockets or leave CPUs in no set, and nothing on that node says so.",
        fix="give each kind of machine a pool and a profile of its own",
        sources=(source("NTO-V", "validateAllNodesAreSameCpuCapacity"), source("NTO-D", "profile creator")),
        bad=Example(
            text="# profile cnf is on w1 with CPUs 0-7 and on w2 with CPUs 0-15\ncpu: "
            '{reserved: "0-1", isolated: "2-7"}',
            subject=lambda: pool(
                worker("w1"), worker("w2", "0-15", topology=topology("0-15"), profile=profile(name="cnf"))
            ),
        ),
        good=Example(
            text='# profile cnf is on w1 and on w2, both with CPUs 0-7\ncpu: {reserved: "0-1", isolated: "2-7"}',
            subject=lambda: pool(worker("w1"), worker("w2")),
        ),
    ),
)


def _clash(site: SiteSpec) -> Iterator[Hit]:
    seen: dict[tuple[tuple[str, str], ...], str] = {}
    for name, uses in _profiles(site).items():
        labels = tuple(sorted((uses[0][0].node_selector or {}).items()))
        if labels and labels in seen:
            yield Hit(
                where=f'profile "{name}", spec.nodeSelector',
                given=f"{', '.join(key for key, _ in labels)}, as in profile {seen[labels]}",
                allowed="one profile per node selector",
            )
        seen.setdefault(labels, name)


H18: Rule[SiteSpec] = Rule(
    code="H18",
    title="two profiles select the same nodes",
    severity=Severity.ERROR,
    scope=Scope.SITE,
    subject=SiteSpec,
    judge=_clash,
    doc=Doc(
        what="No two profiles have the same node selector.",
        why="Each would write its own command line and kubelet configuration for the same nodes. The webhook refuses "
        "the second one; where it is not asked, the nodes reboot back and forth.",
        fix="select the nodes of each profile by a label of their own",
        sources=(source("NTO-V", "validateNodeSelectorDuplication"),),
        bad=Example(
            text='# profiles cnf and du both say\nnodeSelector: {node-role.kubernetes.io/worker-cnf: ""}',
            subject=lambda: pool(worker("w1"), worker("w2", profile=profile(name="du"))),
        ),
        good=Example(
            text='# cnf selects worker-cnf, du says\nnodeSelector: {node-role.kubernetes.io/worker-du: ""}',
            subject=lambda: pool(worker("w1"), worker("w2", profile=profile(name="du", node_selector=DU))),
        ),
    ),
)
