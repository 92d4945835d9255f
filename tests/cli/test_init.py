from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Invoke

from quietcore.cli.starter import Found, cpu_plan, planned, program, variable
from quietcore.errors import EnvironmentFault
from quietcore.spec.topology import Cell, HostTopology, topology_from
from quietcore.units import CpuSet, Size

pytest.importorskip("libvirt")


def topology(cells: int = 1, cpus: int = 4, memory: str = "16GiB", smt: bool = False) -> HostTopology:
    held = [
        Cell(id=n, socket=n, cpus=CpuSet(range(n * cpus, n * cpus + cpus)), memory=Size.parse(memory))
        for n in range(cells)
    ]
    cores = tuple(CpuSet([n, n + 1]) for n in range(0, cells * cpus, 2)) if smt else ()
    return HostTopology(cells=tuple(held), cores=cores)


def test_the_first_core_of_each_cell_keeps_house_with_all_its_threads() -> None:
    plan = cpu_plan(topology(cells=2, smt=True), "hv1")
    assert (str(plan.housekeeping), str(plan.isolated)) == ("0-1,4-5", "2-3,6-7")


def test_a_machine_of_one_core_is_refused_with_the_way_on() -> None:
    with pytest.raises(EnvironmentFault, match="too few cores") as refused:
        cpu_plan(topology(cpus=1), "this machine")
    assert "--host" in refused.value.hint


def test_missing_hugepages_are_planned_in_every_cell_that_has_isolated_cpus() -> None:
    found = topology(cells=2)
    plan, lacking = planned(found, cpu_plan(found, "hv1"))
    assert [cell.pages for cell in plan.cells] == [{Size.mib(2): 1024}] * 2
    assert [cell.id for cell in lacking] == [0, 1]


def test_a_host_with_enough_hugepages_is_taken_as_it_is() -> None:
    cell = topology().cells[0].model_copy(update={"pages": {Size.parse("1GiB"): 8}})
    found = HostTopology(cells=(cell,))
    assert planned(found, cpu_plan(found, "hv1")) == (found, [])


def test_the_example_node_takes_whole_cores() -> None:
    found = topology(smt=True)
    text = program([Found("hv1", "qemu:///system", "here", found, kvm=True)], [cpu_plan(found, "hv1")])
    assert 'vcpus=3,\n    rt_vcpus="1-2",' in text
    assert "facts=" not in text


def test_a_host_of_the_lab_brings_the_facts_that_its_lab_knows() -> None:
    facts = {"accelerator": "tcg", "memlock": "limited"}
    found = Found("hv1", "qemu:///system", "here", topology(), kvm=False, facts=facts)
    text = program([found], [cpu_plan(found.topology, "hv1")])
    assert '    facts={"accelerator": "tcg", "memlock": "limited"},  # a host of the lab' in text


def test_a_host_name_that_is_no_python_name_still_makes_a_program() -> None:
    assert [variable(name) for name in ("hv-1", "1up", "import", "image")] == [
        "hv_1",
        "host_1up",
        "host_import",
        "host_image",
    ]


def test_init_writes_a_project_for_a_host_and_names_the_next_commands(invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("init", "plant", "--host", "test:///default")
    assert done.exit_code == 0
    assert done.stdout == ""
    assert "\nnext:\n  cd plant\n  quietcore check dev\n" in done.stderr
    files = {str(path.relative_to(tmp_path / "plant")) for path in (tmp_path / "plant").rglob("*") if path.is_file()}
    assert files == {
        ".gitignore",
        ".quietcore/plugins/pulumi-libvirt/pulumi-resource-libvirt",
        "Pulumi.yaml",
        "README.md",
        "__main__.py",
        f"hosts/{next((tmp_path / 'plant/hosts').iterdir()).name}",
        "policies/PulumiPolicy.yaml",
        "policies/__main__.py",
    }
    compile((tmp_path / "plant/__main__.py").read_text(), "__main__.py", "exec")
    topology_from(next((tmp_path / "plant/hosts").iterdir()))


def test_a_file_that_is_there_stays_as_it_is(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine\n")
    done = invoke("init", "--host", "test:///default", "--json")
    assert (tmp_path / "README.md").read_text() == "mine\n"
    assert "kept   README.md" in done.stderr
    assert "README.md" not in json.loads(done.stdout)["written"]


def test_a_project_that_is_there_is_not_touched(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: a\n")
    done = invoke("init")
    assert done.exit_code == 2
    assert "a Pulumi project is there already" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["Pulumi.yaml"]
