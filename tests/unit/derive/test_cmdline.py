"""Kernel command lines that follow from isolated sets."""

import pytest

from quietcore.derive.cmdline import guest_cmdline, host_cmdline
from quietcore.spec import Cell, CpuPlan, HostFacts, HostSpec, HostTopology, RtNodeSpec
from quietcore.units import CpuSet, Size

GIB, MIB2 = Size.parse("1GiB"), Size.parse("2MiB")


def host(*pages: dict[Size, int], accelerator: str = "kvm") -> HostSpec:
    cells = tuple(
        Cell(id=number, cpus=CpuSet(range(4 * number, 4 * number + 4)), memory=Size.parse("8GiB"), pages=of_cell)
        for number, of_cell in enumerate(pages or ({},))
    )
    plan = CpuPlan(housekeeping=CpuSet([0]), isolated=CpuSet([1, 2]), offlined=CpuSet([3]))
    return HostSpec(name="hv1", topology=HostTopology(cells=cells), cpus=plan, facts=HostFacts(accelerator=accelerator))


def node(**facts: object) -> RtNodeSpec:
    given = {"name": "a", "host": "hv1", "vcpus": 4, "rt_vcpus": "1-3", "memory": "1GiB", **facts}
    return RtNodeSpec.model_validate(given)


def test_every_set_of_a_guest_follows_from_its_real_time_vcpus():
    line = guest_cmdline(node(), host())
    assert {line.cpus(name) for name in ("isolcpus", "nohz_full", "rcu_nocbs")} == {CpuSet([1, 2, 3])}
    assert {line.cpus(name) for name in ("irqaffinity", "systemd.cpu_affinity")} == {CpuSet([0])}


def test_an_emulated_tsc_is_not_trusted():
    assert "tsc=reliable" in str(guest_cmdline(node(), host()))
    assert "tsc" not in str(guest_cmdline(node(), host(accelerator="tcg")))


def test_a_kernel_that_is_booted_directly_is_told_its_root_and_console():
    assert str(guest_cmdline(node(boot="direct", root="/dev/vda"), host())).startswith(
        "root=/dev/vda ro console=ttyS0 "
    )
    assert "root=" not in str(guest_cmdline(node(), host()))


def test_a_given_parameter_replaces_the_derived_one():
    line = guest_cmdline(node(cmdline=("nohz_full=3", "audit=0")), host())
    assert [one for one in line.parameters if one.startswith("nohz_full")] == ["nohz_full=3"]
    assert line.get("audit") == "0"


def test_given_hugepage_parameters_replace_all_derived_ones():
    line = guest_cmdline(node(guest_hugepages=8, cmdline=("hugepagesz=1G", "hugepages=1")), host())
    assert [one for one in line.parameters if "hugepage" in one] == ["hugepagesz=1G", "hugepages=1"]


def test_a_size_stands_right_before_its_count():
    pages = [one for one in host_cmdline(host({GIB: 4, MIB2: 8})).parameters if "hugepage" in one]
    assert pages == ["default_hugepagesz=1G", "hugepagesz=1G", "hugepages=4", "hugepagesz=2M", "hugepages=8"]


@pytest.mark.parametrize(
    ("cells", "count"), [(({GIB: 4}, {GIB: 4}), "8"), (({GIB: 4}, {GIB: 6}), "0:4,1:6"), (({GIB: 4}, {}), "0:4")]
)
def test_unequal_pools_are_told_cell_by_cell(cells, count):
    assert host_cmdline(host(*cells)).get("hugepages") == count


def test_a_host_keeps_interrupts_off_offlined_cpus():
    assert host_cmdline(host()).cpus("irqaffinity") == CpuSet([0])


def test_a_node_without_real_time_vcpus_isolates_nothing():
    assert str(guest_cmdline(node(rt_vcpus=""), host(accelerator="tcg"))) == ""
