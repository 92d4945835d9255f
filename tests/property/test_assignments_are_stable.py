"""One node's pins depend on no other node that comes, goes or moves in the program."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietcore.derive.lock import Assignment, Lock, assign
from quietcore.derive.pins import NoRoom
from quietcore.spec import Cell, CpuPlan, HostSpec, HostTopology, RtNodeSpec
from quietcore.units import CpuSet, Size

CORES = tuple(CpuSet([cpu, cpu + 8]) for cpu in range(8))
HOST = HostSpec(
    name="hv1",
    topology=HostTopology(
        cells=(
            Cell(id=0, cpus=CpuSet.parse("0-3,8-11"), memory=Size.parse("32GiB"), pages={Size.parse("1GiB"): 24}),
            Cell(id=1, cpus=CpuSet.parse("4-7,12-15"), memory=Size.parse("32GiB"), pages={Size.parse("1GiB"): 24}),
        ),
        cores=CORES,
    ),
    cpus=CpuPlan(housekeeping=CpuSet.parse("0,8,4,12"), isolated=CpuSet.parse("1-3,5-7,9-11,13-15")),
)


def node(name: str, rt: int) -> RtNodeSpec:
    return RtNodeSpec(
        name=name,
        host="hv1",
        vcpus=rt + 1,
        rt_vcpus=CpuSet(range(1, rt + 1)),
        memory=Size.parse("1GiB"),
    )


def assigned(lock: Lock, nodes: list[RtNodeSpec]) -> Lock:
    for one in nodes:
        try:
            lock = lock.with_node(one.name, assign(lock, one, HOST))
        except NoRoom:
            continue
    return lock


nodes = st.lists(st.integers(1, 4), min_size=1, max_size=5).map(
    lambda sizes: [node(f"n{index}", size) for index, size in enumerate(sizes)]
)


@given(nodes, st.randoms(use_true_random=False))
def test_reordering_the_program_changes_no_assignment(declared, random):
    lock = assigned(Lock(), declared)
    known = [one for one in declared if one.name in lock.nodes]
    random.shuffle(known)
    assert assigned(lock, known) == lock


@given(nodes, st.integers(1, 4))
def test_a_new_node_before_all_others_changes_no_assignment(declared, size):
    lock = assigned(Lock(), declared)
    after = assigned(lock, [node("first", size), *declared])
    assert {name: after.nodes[name] for name in lock.nodes} == lock.nodes


@given(nodes)
def test_real_time_cpus_are_isolated_distinct_and_on_whole_cores_of_one_cell(declared):
    lock = assigned(Lock(), declared)
    held = [one.held for one in lock.nodes.values()]
    for one in lock.nodes.values():
        assert one.held <= HOST.cpus.isolated
        assert len(HOST.topology.cells_of(one.held)) == 1
    cores = [{HOST.topology.core_of(cpu) for cpu in cpus} for cpus in held]
    assert sum(map(len, cores)) == len(set().union(*cores))


@given(nodes)
def test_the_lock_file_reads_back_to_the_same_value(declared):
    lock = assigned(Lock(), declared)
    assert Lock.parse(lock.text(), "lock") == lock


def test_a_locked_assignment_that_no_longer_fits_is_made_anew():
    stale = Lock(nodes={"n0": Assignment(host="hv1", rt=CpuSet([1]), cpus=(0, 0))})
    assert assign(stale, node("n0", 1), HOST).cpus == (0, 1)


def test_a_full_host_says_what_is_left_in_each_cell():
    lock = assigned(Lock(), [node("a", 6), node("b", 5)])
    with pytest.raises(NoRoom) as full:
        assign(lock, node("c", 2), HOST)
    assert full.value.left() == "cell 0: none free; cell 1: none free"
