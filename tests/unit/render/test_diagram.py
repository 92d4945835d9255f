"""The CPU map: every mark, and every shape of host."""

import pytest

from quietcore.render.cpu_use import uses
from quietcore.render.diagram import cpu_map, cpu_map_svg
from quietcore.spec import (
    Cell,
    CpuPlan,
    DomainSpec,
    HostSpec,
    HostTopology,
    HostView,
    NodeSpec,
    SiteSpec,
    VcpuPin,
    VcpuSched,
)
from quietcore.units import CpuSet, Size

HOST = HostSpec(
    name="hv1",
    topology=HostTopology(
        cells=(Cell(id=0, cpus=CpuSet(range(10)), memory=Size.parse("8GiB")),),
        cores=(CpuSet([4, 5]),),
    ),
    cpus=CpuPlan(
        housekeeping=CpuSet([0, 1]), isolated=CpuSet([3, 4, 5, 6]), shared=CpuSet([2, 7, 8]), offlined=CpuSet([9])
    ),
)


def domain(name: str, pins: dict[int, int], rt: set[int], emulator: set[int] | None = None) -> NodeSpec:
    spec = DomainSpec(
        name=name,
        vcpus=len(pins),
        memory=Size.mib(512),
        vcpu_pins=tuple(VcpuPin(vcpu=vcpu, cpus=CpuSet([cpu])) for vcpu, cpu in pins.items()),
        vcpu_scheds=(VcpuSched(vcpus=CpuSet(rt), policy="fifo", priority=1),) if rt else (),
        emulator_pin=None if emulator is None else CpuSet(emulator),
    )
    return NodeSpec(host=HOST, domain=spec)


def marks(*nodes: NodeSpec) -> str:
    return "".join(use.mark for use in uses(HostView(host=HOST, nodes=nodes)).values())


def test_a_host_without_nodes_shows_its_plan():
    assert marks() == "HH.IIII..x"


def test_a_pinned_cpu_bears_its_node_and_its_idle_sibling_says_so():
    assert marks(domain("a", {0: 0, 1: 4}, {1})) == "HH.IasI..x"


def test_a_cpu_set_apart_for_emulators_is_told_from_housekeeping():
    assert marks(domain("a", {0: 0, 1: 3}, {1}, emulator={1})) == "HE.aIII..x"


def test_emulators_on_all_housekeeping_cpus_are_housekeeping():
    assert marks(domain("a", {0: 0, 1: 3}, {1}, emulator={0, 1})) == "HH.aIII..x"


def test_ordinary_vcpus_may_share_a_cpu_and_real_time_ones_clash():
    assert marks(domain("a", {0: 7, 1: 3}, {1}), domain("b", {0: 7, 1: 6}, {1})) == "HH.aIIb+.x"
    assert marks(domain("a", {0: 0, 1: 3}, {1}), domain("b", {0: 0, 1: 3}, {1})) == "HH.!III..x"


def test_a_pin_on_a_cpu_that_the_host_has_not_breaks_no_picture():
    view = HostView(host=HOST, nodes=(domain("a", {0: 0, 1: 99}, {1}),))
    assert "1 on 99 fifo 1" in cpu_map(view)
    assert cpu_map_svg(SiteSpec(hosts=(HOST,), nodes=view.nodes)).startswith("<svg")


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_the_map_keeps_to_its_width_where_a_host_has_many_cpus(width):
    cells = tuple(Cell(id=n, cpus=CpuSet(range(n * 32, n * 32 + 32)), memory=Size.parse("8GiB")) for n in range(4))
    host = HOST.model_copy(update={"topology": HostTopology(cells=cells)})
    drawn = cpu_map(HostView(host=host), width=width).splitlines()[1:-1]
    assert max(map(len, drawn)) <= width
    numbers = [int(word) for line in drawn if line.startswith("  CPU") for word in line.split()[1:]]
    assert sorted(numbers) == list(range(128))


def test_a_site_without_hosts_has_a_picture_too():
    assert "0 hosts, 0 nodes" in cpu_map_svg(SiteSpec())
