"""Topology files: read, refused in words, and written back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietcore.spec import Cell, HostTopology, Refused
from quietcore.spec.topology import topology_from, topology_of
from quietcore.units import CpuSet, Size

TWO_SOCKETS = """
schema_version: 1
vendor: GenuineIntel
cells:
- {id: 0, socket: 0, cpus: "0-3,8-11", memory: 32GiB, pages: {2MiB: 0, 1GiB: 16}}
- {id: 1, socket: 1, cpus: "4-7,12-15", memory: 32GiB, pages: {1GiB: 16}}
cores: ["0,8", "1,9", "2,10", "3,11", "4,12", "5,13", "6,14", "7,15"]
"""


def refusal(path: Path) -> str:
    with pytest.raises(Refused) as refused:
        topology_from(path)
    return str(refused.value)


def test_a_topology_answers_what_rules_ask() -> None:
    topology = topology_of(TWO_SOCKETS, "hv1.yaml")
    assert topology.cpus == CpuSet(range(16))
    assert topology.threads == 2
    assert topology.core_of(3) == CpuSet([3, 11])
    assert topology.cell_of(13) == topology.cells[1]
    assert topology.cell_of(16) is None
    assert topology.cells_of(CpuSet([3, 4, 99])) == CpuSet([0, 1])
    assert topology.cells[0].pages == {Size.parse("2MiB"): 0, Size.parse("1GiB"): 16}


def test_without_cores_every_cpu_is_one() -> None:
    topology = topology_of("cells:\n- {id: 0, cpus: 0-3, memory: 1GiB}\n", "hv1.yaml")
    assert topology.threads == 1
    assert topology.core_of(2) == CpuSet([2])


SIZES = st.integers(1, 1 << 20).map(Size.mib)


@st.composite
def topologies(draw: st.DrawFn) -> HostTopology:
    threads, cells = draw(st.integers(1, 2)), draw(st.integers(1, 4))
    each = draw(st.integers(1, 8))
    cores = [CpuSet(core + thread * cells * each for thread in range(threads)) for core in range(cells * each)]
    shares = [cores[cell * each : (cell + 1) * each] for cell in range(cells)]
    pages = st.dictionaries(SIZES, st.integers(0, 512), max_size=3)
    return HostTopology(
        vendor=draw(st.text("AGenuineIntl \"':#", max_size=12)),
        cells=tuple(
            Cell(id=number, cpus=CpuSet().union(share), memory=draw(SIZES), pages=draw(pages))
            for number, share in enumerate(shares)
        ),
        cores=tuple(cores) if threads > 1 else (),
    )


@given(topologies())
def test_a_topology_reads_back_from_its_file(topology: HostTopology) -> None:
    assert topology_of(topology.text(), "hv1.yaml") == topology


@given(topologies())
def test_a_topology_is_written_the_same_each_time(topology: HostTopology) -> None:
    assert topology_of(topology.text(), "hv1.yaml").text() == topology.text()


def test_a_missing_file_is_told_with_the_command_that_makes_it(tmp_path: Path) -> None:
    path = tmp_path / "hv1.yaml"
    assert refusal(path) == (
        "error[S05]: a topology file cannot be read\n"
        f"  where:   topology {path}\n"
        "  given:   No such file or directory\n"
        f"  hint:    quietcore inventory URI > {path}\n"
        "  more:    quietcore explain S05"
    )


def test_a_folder_is_no_topology(tmp_path: Path) -> None:
    assert "  given:   Is a directory\n" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("content", "given"),
    [
        (b"", "an empty file"),
        (b"- a\n- b\n", "a list, not a mapping"),
        (b"hello", "a text, not a mapping"),
        (b"\xff\xfe\x00", "a file that is not UTF-8 text"),
        (b"cells: [", "while parsing a flow node"),
        (b"a: \x01", "unacceptable character"),
        (b"cells: !!python/object/apply:os.getcwd []", "could not determine a constructor"),
    ],
)
def test_a_file_that_is_no_mapping_is_told_with_what_it_is(tmp_path: Path, content: bytes, given: str) -> None:
    path = tmp_path / "hv1.yaml"
    path.write_bytes(content)
    told = refusal(path)
    assert told.startswith("error[S05]: a topology file cannot be read")
    assert given in told
    assert "<unicode string>" not in told


def test_a_typo_names_file_key_and_the_nearest_right_one(tmp_path: Path) -> None:
    path = tmp_path / "hv1.yaml"
    path.write_text("cells:\n- {id: 0, cpu: 0-7, memory: 32GiB}\n")
    assert refusal(path) == (
        "error[S01]: unknown key\n"
        f"  where:   topology {path}, cells[0].cpu\n"
        "  given:   cpu\n"
        "  allowed: cpus, id, memory, pages, socket\n"
        '  hint:    did you mean "cpus"?\n'
        "  more:    quietcore explain S01\n"
        "\n"
        "error[S04]: a key is missing\n"
        f"  where:   topology {path}, cells[0].cpus\n"
        "  given:   nothing\n"
        '  hint:    add "cpus"\n'
        "  more:    quietcore explain S04"
    )


@pytest.mark.parametrize(
    ("line", "given"),
    [
        ("schema_version: 2", "2"),
        ("schema_version: one", "'one'"),
        ("cells: {}", "{}"),
        ("cores: [[0, 8]]", "[0, 8]"),
    ],
)
def test_other_mistakes_are_told_at_their_place(line: str, given: str) -> None:
    with pytest.raises(Refused) as refused:
        topology_of("cells:\n- {id: 0, cpus: 0-3, memory: 1GiB}\n" * (not line.startswith("cells")) + line, "hv1.yaml")
    assert given in [found.given for found in refused.value.findings]
    assert "invalid literal" not in str(refused.value)
