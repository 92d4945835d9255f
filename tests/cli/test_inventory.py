from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml
from tests.cli.conftest import Invoke

from quietcore.spec.topology import topology_from
from quietcore.units import CpuSet, Size

libvirt = pytest.importorskip("libvirt")


def test_the_topology_of_a_libvirt_host_is_written_as_reviewable_yaml(invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("inventory", "test:///default", "-o", "hosts/hv1.yaml")
    assert done.exit_code == 0
    assert done.stdout == ""
    assert done.stderr == "wrote hosts/hv1.yaml\nread 16 CPUs, 16 cores, 2 NUMA cells, 6.0 GiB from test:///default\n"
    text = (tmp_path / "hosts/hv1.yaml").read_text()
    assert text.startswith("# Read from test:///default by quietcore ")
    topology = topology_from(tmp_path / "hosts/hv1.yaml")
    assert [(str(cell.cpus), str(cell.memory), cell.socket) for cell in topology.cells] == [
        ("0-7", "2GiB", 0),
        ("8-15", "4GiB", 1),
    ]


def test_pools_that_are_empty_or_of_base_pages_are_left_out(invoke: Invoke) -> None:
    data = yaml.safe_load(invoke("inventory", "test:///default").stdout)
    assert [cell.get("pages") for cell in data["cells"]] == [None, None]


def test_replacing_a_file_is_told_with_the_way_to_see_the_difference(invoke: Invoke) -> None:
    invoke("inventory", "test:///default", "-o", "hv1.yaml")
    assert "over an older one: `git diff hv1.yaml`" in invoke("inventory", "test:///default", "-o", "hv1.yaml").stderr


def test_this_machine_is_read_without_libvirt(invoke: Invoke) -> None:
    data = json.loads(invoke("inventory", "local", "--json").stdout)
    cpus = CpuSet(cpu for cell in data["topology"]["cells"] for cpu in CpuSet.parse(cell["cpus"]))
    assert os.sched_getaffinity(0) <= set(cpus)
    assert all(Size.parse(cell["memory"]) > Size(0) for cell in data["topology"]["cells"])


def test_a_host_that_does_not_answer_is_told_once_with_libvirts_reason(invoke: Invoke, capfd: object) -> None:
    uri = "qemu+unix:///system?socket=/nowhere/sock"
    done = invoke("inventory", uri)
    assert done.exit_code == 2
    assert done.stderr == (
        "error: libvirt does not answer\n"
        f"  where:   {uri}\n"
        "  given:   Failed to connect socket to '/nowhere/sock': No such file or directory\n"
        f"  hint:    try `virsh -c '{uri}' version` from this machine\n"
    )
