"""What lscpu and sysfs say becomes the topology that libvirt would report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from quietcore.cli.machine import memory_by_cell
from quietcore.errors import EnvironmentFault
from quietcore.render import capabilities, lscpu
from quietcore.render.lscpu import CellMemory
from quietcore.units import Size


def table(rows: list[tuple[int, int | None, int, int]]) -> str:
    names = ("cpu", "node", "socket", "core")
    return json.dumps({"cpus": [dict(zip(names, row, strict=True)) for row in rows]})


SUMMARY = json.dumps(
    {
        "lscpu": [
            {"field": "Architecture:", "data": "x86_64"},
            {"field": "Vendor ID:", "data": "AuthenticAMD", "children": [{"field": "Model name:", "data": "EPYC"}]},
        ]
    }
)


def test_sibling_threads_become_one_core() -> None:
    smt = table([(0, 0, 0, 0), (1, 0, 0, 1), (2, 0, 0, 0), (3, 0, 0, 1)])
    topology = lscpu.lift(SUMMARY, smt, {0: CellMemory(Size.mib(4096))})
    assert [str(core) for core in topology.cores] == ["0,2", "1,3"]
    assert (topology.vendor, topology.model) == ("AMD", "EPYC")


def test_without_smt_the_cores_are_left_out() -> None:
    topology = lscpu.lift(SUMMARY, table([(0, 0, 0, 0), (1, 0, 0, 1)]), {0: CellMemory(Size.mib(4096))})
    assert topology.cores == ()


def test_a_kernel_without_numa_has_one_cell() -> None:
    topology = lscpu.lift(SUMMARY, table([(0, None, 0, 0), (1, None, 0, 1)]), {0: CellMemory(Size.mib(512))})
    assert [(cell.id, str(cell.cpus), str(cell.memory)) for cell in topology.cells] == [(0, "0-1", "512MiB")]


def test_an_lscpu_that_gives_no_json_is_told() -> None:
    with pytest.raises(EnvironmentFault, match="lscpu gave no JSON"):
        lscpu.lift("CPU(s): 2", "CPU NODE", {})


def test_reserved_pages_are_counted_by_cell(tmp_path: Path) -> None:
    for cell, pages in ((0, 8), (1, 0)):
        place = tmp_path / f"devices/system/node/node{cell}"
        (place / "hugepages/hugepages-1048576kB").mkdir(parents=True)
        (place / "hugepages/hugepages-1048576kB/nr_hugepages").write_text(f"{pages}\n")
        (place / "meminfo").write_text(f"Node {cell} MemTotal:       8388608 kB\nNode {cell} MemFree: 1 kB\n")
    found = memory_by_cell(tmp_path)
    assert {cell: (str(held.memory), dict(held.pages)) for cell, held in found.items()} == {
        0: ("8GiB", {Size.parse("1GiB"): 8}),
        1: ("8GiB", {}),
    }


def test_memory_is_that_of_the_machine_where_the_kernel_has_no_numa(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:        1048576 kB\nMemFree: 1 kB\n")
    assert memory_by_cell(tmp_path, tmp_path)[0].memory == Size.parse("1GiB")


SMT = """<capabilities><host><cpu><arch>x86_64</arch><model>Icelake-Server</model><vendor>Intel</vendor></cpu>
<topology><cells num='1'><cell id='0'><memory unit='KiB'>67108864</memory>
<pages unit='KiB' size='4'>100</pages><pages unit='KiB' size='1048576'>16</pages>
<cpus num='4'>
<cpu id='0' socket_id='0' die_id='0' core_id='0' siblings='0,2'/>
<cpu id='1' socket_id='0' die_id='0' core_id='1' siblings='1,3'/>
<cpu id='2' socket_id='0' die_id='0' core_id='0' siblings='0,2'/>
<cpu id='3' socket_id='0' die_id='0' core_id='1' siblings='1,3'/>
</cpus></cell></cells></topology></host>
<guest><arch name='x86_64'><domain type='qemu'/><domain type='kvm'/></arch></guest></capabilities>"""


def test_capabilities_give_cores_pages_and_model() -> None:
    topology = capabilities.lift(SMT)
    assert [str(core) for core in topology.cores] == ["0,2", "1,3"]
    assert topology.cells[0].pages == {Size.parse("1GiB"): 16}
    assert (topology.vendor, topology.model, topology.threads) == ("Intel", "Icelake-Server", 2)


def test_kvm_is_seen_in_the_capabilities() -> None:
    assert capabilities.has_kvm(SMT)
    assert not capabilities.has_kvm(SMT.replace("<domain type='kvm'/>", ""))


def test_capabilities_without_a_topology_are_told() -> None:
    with pytest.raises(EnvironmentFault, match="no CPU topology"):
        capabilities.lift("<capabilities><host/></capabilities>")
