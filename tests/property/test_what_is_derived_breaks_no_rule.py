"""Derivations fill in what rules then accept: on any sound host, whatever is asked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from quietcore.derive.cmdline import guest_cmdline, host_cmdline
from quietcore.derive.domain import domain_of
from quietcore.derive.lock import Lock, assign
from quietcore.derive.pins import NoRoom
from quietcore.rules.judge import findings
from quietcore.spec import (
    Cell,
    CpuPlan,
    HostFacts,
    HostSpec,
    HostTopology,
    HostView,
    MachineFacts,
    MachineSpec,
    NodeSpec,
    RtNodeSpec,
    TunedProfileSpec,
)
from quietcore.units import CpuSet, Size

PAGES = {Size.parse("1GiB"): 64, Size.parse("2MiB"): 4096}
PROFILE = TunedProfileSpec(name="plc-guest", role="guest")


@st.composite
def hosts(draw: st.DrawFn) -> HostSpec:
    """One to four cells of two to six cores, with or without SMT; the first core of each cell is housekeeping."""
    cells, each, threads = draw(st.integers(1, 4)), draw(st.integers(2, 6)), draw(st.sampled_from([1, 2]))
    cores = [CpuSet(core + thread * cells * each for thread in range(threads)) for core in range(cells * each)]
    by_cell = [cores[cell * each : (cell + 1) * each] for cell in range(cells)]
    housekeeping = CpuSet().union(mine[0] for mine in by_cell)
    shared = by_cell[0][-1] if each > 3 and draw(st.booleans()) else CpuSet()
    topology = HostTopology(
        cells=tuple(
            Cell(id=number, cpus=CpuSet().union(mine), memory=Size.parse("128GiB"), pages=PAGES)
            for number, mine in enumerate(by_cell)
        ),
        cores=tuple(cores) if threads > 1 else (),
    )
    plan = CpuPlan(housekeeping=housekeeping, isolated=topology.cpus - housekeeping - shared, shared=shared)
    facts = HostFacts(
        accelerator=draw(st.sampled_from(["kvm", "tcg"])),
        memlock=draw(st.sampled_from(["unlimited", "limited"])),
        cpus=draw(st.sampled_from(["own", "shared"])),
    )
    return HostSpec(name="hv1", topology=topology, cpus=plan, facts=facts)


@st.composite
def nodes(draw: st.DrawFn) -> list[RtNodeSpec]:
    """A few nodes of two to six vCPUs."""
    count = draw(st.integers(1, 5))
    return [draw(_node(f"n{number}")) for number in range(count)]


@st.composite
def _node(draw: st.DrawFn, name: str) -> RtNodeSpec:
    vcpus = draw(st.integers(2, 6))
    first = draw(st.integers(1, vcpus - 1))
    return RtNodeSpec(
        name=name,
        host="hv1",
        vcpus=vcpus,
        rt_vcpus=CpuSet(range(first, vcpus)),
        memory=Size.mib(2 * draw(st.integers(1, 512))),
        iothreads=draw(st.integers(0, 2)),
        boot=draw(st.sampled_from(["disk", "direct"])),
    )


@given(hosts(), nodes())
def test_nodes_that_fit_on_a_host_break_no_rule(host: HostSpec, wanted: list[RtNodeSpec]) -> None:
    lock, placed = Lock(), []
    for node in wanted:
        try:
            assignment = assign(lock, node, host)
        except NoRoom:
            continue
        lock = lock.with_node(node.name, assignment)
        domain = domain_of(node, host, assignment.cpus, PROFILE, guest_cmdline(node, host))
        placed.append(NodeSpec(host=host, domain=domain, node=node))
    assert findings(HostView(host=host, nodes=tuple(placed))) == []


@given(hosts())
def test_a_hosts_own_command_line_breaks_no_rule(host: HostSpec) -> None:
    machine = MachineSpec(
        online=host.topology.cpus,
        isolated=host.cpus.isolated,
        topology=host.topology,
        plan=host.cpus,
        cmdline=host_cmdline(host),
        facts=MachineFacts(kernel="rt", invariant_tsc=True if host.facts.accelerator == "kvm" else None),
    )
    assert findings(machine) == []
