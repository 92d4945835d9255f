"""The parts of the lab that need no machine: CPU slices, names and paths, the initramfs, words."""

from __future__ import annotations

import gzip
import io
import os
import subprocess

import pytest

from quietcore.errors import EnvironmentFault
from quietcore.lab import environment, narration, requirements, slices, state
from quietcore.lab.hosts import Condition
from quietcore.lab.images import initramfs
from quietcore.lab.layout import lab_dir
from quietcore.units import CpuSet


def lab(**changes) -> state.LabState:
    cpus = state.Cpus(housekeeping="0", isolated="1", shared=True)
    host = {"uri": "qemu:///system", "ssh_uri": "", "address": "198.18.0.1", "vtep": "198.19.0.1", "netns": "n"}
    given = {
        "name": "lab",
        "dir": "/lab",
        "slot": 0,
        "boot": "b",
        "accelerator": "tcg",
        "accelerator_reason": "no device",
        "memlock": "limited",
        "fifo": True,
        "rt_throttling": True,
        "hugepages": 1024,
        "hosts": [state.HostState(name=name, ovsdb="", cpus=cpus, hugepages=512, **host) for name in ("hv1", "hv2")],
    }
    return state.LabState(**{**given, **changes})


@pytest.mark.parametrize(
    ("cores", "hosts", "expected"),
    [
        ("0 1 2 3 4 5 6 7", 2, [("0", "1-3", False), ("4", "5-7", False)]),
        ("0,4 1,5 2,6 3,7", 2, [("0,4", "1,5", False), ("2,6", "3,7", False)]),
        ("0,2 1,3", 2, [("0", "2", False), ("1", "3", False)]),
        ("0 1", 2, [("0", "1", True), ("0", "1", True)]),
        ("0-1", 2, [("0", "1", True), ("0", "1", True)]),
        ("0 1 2", 2, [("0", "1", True), ("0", "1", True)]),
        ("4 5 6 7", 1, [("4", "5-7", False)]),
        ("0-1", 1, [("0", "1", False)]),
        ("0", 2, [("0", "", True), ("0", "", True)]),
    ],
)
def test_hosts_get_whole_cores_each_or_share_two_cpus(cores, hosts, expected):
    cut = slices.cut([CpuSet.parse(core) for core in cores.split()], hosts)
    assert [(str(one.housekeeping), str(one.isolated), one.shared) for one in cut] == expected


@pytest.mark.parametrize("name", ["Lab", "a b", "", "x" * 30, "../up", "lab_1"])
def test_a_name_that_a_namespace_could_not_bear_is_refused(name):
    with pytest.raises(EnvironmentFault, match="no lab name"):
        lab_dir(name)


def test_a_folder_too_deep_for_sockets_is_refused_with_the_way_out(monkeypatch):
    monkeypatch.setenv("QUIETCORE_LAB_DIR", "/tmp/" + "d" * 90)
    with pytest.raises(EnvironmentFault) as refused:
        lab_dir("lab")
    assert refused.value.hint == "set QUIETCORE_LAB_DIR to a shorter path"


def test_a_state_file_that_is_torn_is_refused_with_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setenv("QUIETCORE_LAB_DIR", str(tmp_path))
    where = lab_dir("lab")
    state.replace(where.state, '{"schema": 1')
    with pytest.raises(EnvironmentFault) as refused:
        state.read(where)
    assert refused.value.hint == "quietcore lab down --name lab"


def test_what_is_written_is_read_back(tmp_path, monkeypatch):
    monkeypatch.setenv("QUIETCORE_LAB_DIR", str(tmp_path))
    state.write(lab_dir("lab"), lab())
    assert state.read(lab_dir("lab")) == lab()
    assert [path.name for path in lab_dir("lab").root.iterdir()] == ["lab.json"]


def test_the_initramfs_is_a_cpio_archive_that_cpio_reads(tmp_path):
    target = tmp_path / "initrd.img"
    initramfs.write({"init": b"#!/bin/sh\n", "modules/a.ko": b"abc"}, target, executable={"init"})
    first = target.read_bytes()
    listed = subprocess.run(["busybox", "cpio", "-tv"], input=gzip.decompress(first), capture_output=True, check=True)
    names = [line.split()[-1] for line in listed.stdout.decode().splitlines()]
    assert names == ["modules", "init", "modules/a.ko"]
    assert b"-rwxr-xr-x" in listed.stdout
    initramfs.write({"modules/a.ko": b"abc", "init": b"#!/bin/sh\n"}, target, executable={"init"})
    assert target.read_bytes() == first


def test_limits_of_the_machine_are_told():
    told = narration.limits(lab())
    assert [line.split(" ")[0] for line in told] == ["accelerator", "memlock", "all"]
    own = state.Cpus(housekeeping="0", isolated="1-3", shared=False)
    free = lab(accelerator="kvm", memlock="unlimited", hosts=[lab().hosts[0].model_copy(update={"cpus": own})])
    assert narration.limits(free) == []


def test_conditions_are_a_table_with_a_column_for_each_host():
    seen = {"hv1": [Condition("Wired", True)], "hv2": [Condition("Wired", False)]}
    assert narration.conditions(seen) == ["       hv1    hv2", "Wired  ✓      ✗"]


def test_exports_survive_the_shell_whatever_the_value():
    lines = environment.exports({"A": 'it\'s $HOME `x` "q"\nnext', "B": ""})
    done = subprocess.run(["sh", "-c", f'{lines}\nprintf %s "$A|$B"'], capture_output=True, text=True, check=True)
    assert done.stdout == 'it\'s $HOME `x` "q"\nnext|'


def test_the_environment_of_a_lab_that_is_not_up_is_an_error_with_the_next_command():
    with pytest.raises(EnvironmentFault) as refused:
        environment.of("nosuchlab")
    assert refused.value.hint == "quietcore lab up --name nosuchlab"


def test_all_that_the_machine_lacks_is_named_at_once(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(requirements, "HOSTS", {"no-such-program": "no-such-package", "sh": "dash"})
    with pytest.raises(EnvironmentFault) as refused:
        requirements.require(images=False)
    assert "root" in refused.value.given
    assert "no-such-program: in package no-such-package" in refused.value.given
    assert refused.value.hint == "apt-get install no-such-package"
    assert "preview" in refused.value.allowed


def test_progress_names_conditions_with_the_time_they_took():
    from quietcore.lab.progress import Progress

    out = io.StringIO()
    with Progress(out).condition("hv1", "Wired"):
        pass
    assert out.getvalue().startswith("  ✓ hv1      Wired (0.")
    with pytest.raises(ValueError, match="no"), Progress(out).condition("hv1", "SshAnswers"):
        raise ValueError("no")
    assert "  ✗ hv1      SshAnswers (0." in out.getvalue()
