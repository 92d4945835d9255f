"""What libvirt, lscpu and our own topology file say of a host is read back, and all three agree."""

from __future__ import annotations

import json
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from tests.property.strategies import topologies

from quietcore.lint.documents import of_text
from quietcore.lint.topology import of_capabilities, of_table
from quietcore.render.lscpu import CellMemory
from quietcore.render.lscpu import lift as of_lscpu
from quietcore.spec import HostTopology


def capabilities(topology: HostTopology) -> str:
    """As libvirt prints them: every pool, also those that are empty, and every CPU with its siblings."""
    cells = "".join(
        f"<cell id='{cell.id}'><memory unit='KiB'>{cell.memory.bytes // 1024}</memory>"
        "<pages unit='KiB' size='4'>262144</pages>"
        + "".join(
            f"<pages unit='KiB' size='{size.bytes // 1024}'>{count}</pages>" for size, count in cell.pages.items()
        )
        + "<cpus>"
        + "".join(
            f"<cpu id='{cpu}' socket_id='{cell.socket}' siblings='{topology.core_of(cpu)}'/>" for cpu in cell.cpus
        )
        + "</cpus></cell>"
        for cell in topology.cells
    )
    cpu = f"<arch>{topology.arch}</arch><model>{topology.model}</model><vendor>{topology.vendor}</vendor>"
    return f"<capabilities><host><cpu>{cpu}</cpu><topology><cells>{cells}</cells></topology></host></capabilities>"


def table(topology: HostTopology, chance: Random) -> str:
    """As lscpu prints it, rows in any order."""
    numbers = {
        core: number for number, core in enumerate(sorted({topology.core_of(cpu) for cpu in topology.cpus}, key=list))
    }
    rows = [
        {"cpu": cpu, "node": cell.id, "socket": cell.socket, "core": numbers[topology.core_of(cpu)]}
        for cell in topology.cells
        for cpu in cell.cpus
    ]
    return json.dumps({"cpus": chance.sample(rows, len(rows))})


def summary(topology: HostTopology) -> str:
    said = {"Architecture": topology.arch, "Vendor ID": topology.vendor, "Model name": topology.model}
    return json.dumps({"lscpu": [{"field": f"{field}:", "data": data} for field, data in said.items()]})


@given(topologies())
def test_a_topology_is_read_from_the_capabilities_that_libvirt_prints_of_it(topology: HostTopology) -> None:
    assert of_capabilities(capabilities(topology), "capabilities.xml") == topology


@given(topologies(), st.randoms(use_true_random=False))
def test_a_topology_is_read_from_what_lscpu_prints_of_it(topology: HostTopology, chance: Random) -> None:
    memory = {cell.id: CellMemory(cell.memory, cell.pages) for cell in topology.cells}
    printed = table(topology, chance)
    assert of_lscpu(summary(topology), printed, memory) == topology
    alone = of_table(printed, "lscpu.json")
    assert (alone.cores, [cell.cpus for cell in alone.cells]) == (
        topology.cores,
        [cell.cpus for cell in topology.cells],
    )


@given(topologies())
def test_a_topology_is_read_from_its_own_file(topology: HostTopology) -> None:
    found = of_text(topology.text(), "topology.yaml")
    assert found.values == [("topology file", topology)]
