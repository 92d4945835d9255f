"""Conditions as they are judged, and how the doctor tells them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Invoke

from quietcore.cli import doctor as verb
from quietcore.cli.condition import Condition, Group, Status
from quietcore.cli.doctor import is_local
from quietcore.cli.engine_conditions import release
from quietcore.cli.host_conditions import Answer, Asked, ask_host, host_conditions
from quietcore.cli.kvm import kvm_fault
from quietcore.cli.machine_conditions import Roots, machine_conditions
from quietcore.cli.stack_conditions import lock_condition, locks, pending_condition
from quietcore.errors import EnvironmentFault
from quietcore.spec import Cell, CpuPlan, HostFacts, HostSpec, HostTopology
from quietcore.units import CpuSet, Size

STACK = Group("stack dev")
URN = "urn:pulumi:dev::plant::quietcore:index:RtNode$libvirt:index/domain:Domain::plc-a"


def named(conditions: list[Condition]) -> dict[str, Condition]:
    return {condition.name: condition for condition in conditions}


def cells(pages: int) -> tuple[Cell, ...]:
    return (Cell(id=0, cpus=CpuSet(range(4)), memory=Size.parse("8GiB"), pages={Size.mib(2): pages} if pages else {}),)


def host(pages: int = 512, accelerator: str = "kvm") -> HostSpec:
    plan = CpuPlan(housekeeping=CpuSet([0]), isolated=CpuSet([1, 2, 3]))
    facts = HostFacts(accelerator=accelerator)  # type: ignore[arg-type]
    return HostSpec(name="hv1", topology=HostTopology(cells=cells(pages)), cpus=plan, facts=facts)


def asked(answer: Answer, spec: HostSpec | None = None) -> dict[str, Condition]:
    where = Asked("hv1", "qemu+ssh://root@hv1/system", spec or host())
    return named(list(host_conditions([where], ask=lambda _uri: answer)))


def test_a_pending_creation_is_named_with_the_three_steps_out() -> None:
    state = {"deployment": {"pending_operations": [{"type": "creating", "resource": {"urn": URN}}]}}
    found = pending_condition(STACK, state, "dev")
    assert found.status is Status.FAILED
    assert found.detail == "creating libvirt:index/domain:Domain plc-a"
    assert found.fix == (
        "pulumi cancel -y --stack dev",
        "pulumi up -y --stack dev",
        "pulumi refresh -y --skip-preview --clear-pending-creates --stack dev",
    )


def test_a_state_without_pending_operations_is_clean() -> None:
    assert pending_condition(STACK, {"deployment": {}}, "dev").status is Status.OK


def lock_file(backend: Path, pid: int) -> None:
    folder = backend / ".pulumi/locks/organization/plant/dev"
    folder.mkdir(parents=True)
    held = {"pid": pid, "username": "me", "hostname": os.uname().nodename, "timestamp": "2026-01-01T00:00:00Z"}
    (folder / "lock.json").write_text(json.dumps(held))


def test_a_lock_whose_process_is_gone_is_stale(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    lock_file(tmp_path, ended.pid)
    found = lock_condition(STACK, locks(f"file://{tmp_path}", "plant", "dev"), "dev")
    assert found.status is Status.FAILED
    assert "that process is gone" in found.detail
    assert found.fix == ("pulumi cancel -y --stack dev",)


def test_a_lock_whose_process_lives_is_an_update_that_runs(tmp_path: Path) -> None:
    lock_file(tmp_path, os.getpid())
    found = lock_condition(STACK, locks(f"file://{tmp_path}", "plant", "dev"), "dev")
    assert found.status is Status.SKIPPED
    assert found.detail.startswith(f"an update is running: process {os.getpid()}")


def test_a_lock_is_looked_for_in_file_backends_only() -> None:
    assert locks("https://api.example.net", "plant", "dev") is None
    assert lock_condition(STACK, None, "dev").status is Status.SKIPPED


def test_a_host_that_is_as_declared_is_ok_in_everything() -> None:
    found = asked(Answer("", "libvirt 9.0.0", True, HostTopology(cells=cells(512)), {0: {Size.mib(2): 256}}))
    assert [name for name, condition in found.items() if condition.status is not Status.OK] == ["kernel and isolation"]
    assert found["hugepages"].detail == "cell 0: 256 of 512 x 2MiB free"


def test_free_hugepages_are_told_of_those_that_the_host_has() -> None:
    """Two hosts of a lab have one pool: each sees more pages than were declared for it."""
    found = asked(Answer("", "libvirt 9.0.0", True, HostTopology(cells=cells(1024)), {0: {Size.mib(2): 1024}}))
    assert found["hugepages"].detail == "cell 0: 1024 of 1024 x 2MiB free, 512 declared"


def test_a_host_that_does_not_answer_has_one_condition_and_the_way_to_try() -> None:
    found = asked(Answer(reason="No route to host"))
    assert list(found) == ["libvirt answers"]
    assert found["libvirt answers"].fix[0].startswith("ssh root@hv1 virsh version")


def test_a_lab_that_is_down_is_brought_up_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUIETCORE_LAB_DIR", "/labs")
    uri = "qemu+unix:///system?socket=/labs/two/hv1/run/libvirt/libvirt-sock"
    found = list(host_conditions([Asked("hv1", uri, host())], ask=lambda _uri: Answer(reason="No such file")))
    assert found[0].fix == ("quietcore lab up --name two",)


def test_hugepages_that_the_host_lacks_are_counted_with_the_command() -> None:
    found = asked(Answer("", "libvirt 9.0.0", True, HostTopology(cells=cells(0))))["hugepages"]
    assert found.detail == "cell 0: 0 of 512 pages of 2MiB"
    assert found.fix == (
        "on the host: echo 512 > /sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages",
    )


def test_a_topology_that_has_changed_is_told_with_the_command_that_reads_it_anew() -> None:
    other = HostTopology(cells=(Cell(id=0, cpus=CpuSet(range(8)), memory=Size.parse("8GiB")),))
    found = asked(Answer("", "libvirt 9.0.0", True, other))["topology"]
    assert found.detail.startswith("CPUs 0-3 declared, 0-7 found")
    assert found.fix == ("quietcore inventory 'qemu+ssh://root@hv1/system' -o hosts/hv1.yaml",)


def test_kvm_is_not_asked_of_a_host_that_is_declared_without_it() -> None:
    answer = Answer("", "libvirt 9.0.0", False, HostTopology(cells=cells(512)))
    assert asked(answer)["KVM"].status is Status.FAILED
    assert asked(answer, host(accelerator="tcg"))["KVM"].status is Status.SKIPPED


def test_a_host_whose_uri_is_an_output_is_skipped() -> None:
    found = list(host_conditions([Asked("hv1", "", host())]))
    assert [(condition.status, condition.detail) for condition in found] == [
        (Status.SKIPPED, "its URI is known only after `up`")
    ]


def test_one_host_that_fails_does_not_hide_another() -> None:
    def ask(uri: str) -> Answer:
        if "hv1" in uri:
            raise EnvironmentFault("libvirt does not answer", given="refused")
        return Answer("", "libvirt 9.0.0", True, HostTopology(cells=cells(512)))

    hosts = [Asked("hv1", "qemu://hv1/system", host()), Asked("hv2", "qemu://hv2/system", host())]
    found = [condition for condition in host_conditions(hosts, ask) if condition.name == "libvirt answers"]
    assert [condition.status for condition in found] == [Status.FAILED, Status.OK]


def test_a_real_libvirt_is_asked_for_versions_and_topology() -> None:
    pytest.importorskip("libvirt")
    answer = ask_host("test:///default")
    assert answer.topology is not None
    assert len(answer.topology.cpus) == 16
    assert answer.versions.startswith("libvirt ")


def machine(tmp_path: Path, *, kvm: bool = True, pages: int = 64, isolated: str = "2-7") -> Roots:
    sys, dev = tmp_path / "sys", tmp_path / "dev"
    (sys / "kernel/mm/hugepages/hugepages-2048kB").mkdir(parents=True)
    for name in ("nr_hugepages", "free_hugepages"):
        (sys / "kernel/mm/hugepages/hugepages-2048kB" / name).write_text(f"{pages}\n")
    (sys / "devices/system/cpu").mkdir(parents=True)
    (sys / "devices/system/cpu/isolated").write_text(isolated + "\n")
    (sys / "devices/system/clocksource/clocksource0").mkdir(parents=True)
    (sys / "devices/system/clocksource/clocksource0/current_clocksource").write_text("hpet\n")
    dev.mkdir()
    if kvm:
        (dev / "kvm").symlink_to("/dev/kvm")
    return Roots(sys, dev)


needs_kvm = pytest.mark.skipif(not os.access("/dev/kvm", os.R_OK | os.W_OK), reason="this machine has no KVM")


@needs_kvm
def test_a_machine_is_judged_by_what_its_kernel_says(tmp_path: Path) -> None:
    found = named(list(machine_conditions(machine(tmp_path), "#1 SMP PREEMPT_RT Debian")))
    assert {name: found[name].status for name in ("KVM", "hugepages", "real-time kernel", "isolated CPUs")} == {
        "KVM": Status.OK,
        "hugepages": Status.OK,
        "real-time kernel": Status.OK,
        "isolated CPUs": Status.OK,
    }
    assert found["hugepages"].detail == "64 of 64 free, 2 MiB each"
    assert found["clock source"].detail == "hpet: each reading leaves the CPU"


def test_a_device_that_is_none_is_named_with_the_step_that_failed(tmp_path: Path) -> None:
    roots = machine(tmp_path, kvm=False)
    (roots.dev / "kvm").touch()
    found = named(list(machine_conditions(roots, "#1 SMP")))
    assert found["KVM"].status is Status.FAILED
    assert found["KVM"].detail.endswith("makes no virtual machine: KVM_GET_API_VERSION: Inappropriate ioctl for device")
    assert found["real-time kernel"].detail == "without KVM no latency figure counts"


def test_a_device_that_hangs_does_not_hold_the_doctor_back(tmp_path: Path) -> None:
    """A named pipe without a writer is a device whose open does not return."""
    os.mkfifo(tmp_path / "kvm")
    assert kvm_fault(tmp_path / "kvm", "import sys; open(sys.argv[1])", 0.5) == "no answer within 0.5 s"


def test_without_kvm_latency_conditions_stand_aside(tmp_path: Path) -> None:
    found = named(list(machine_conditions(machine(tmp_path, kvm=False), "#1 SMP")))
    assert found["KVM"].status is Status.FAILED
    assert found["real-time kernel"].detail == "without KVM no latency figure counts"


def test_every_failed_condition_has_a_fix(tmp_path: Path) -> None:
    found = list(machine_conditions(machine(tmp_path, pages=0, isolated=""), "#1 SMP"))
    assert all(condition.fix for condition in found if condition.status is Status.FAILED)


def test_only_this_machines_own_libvirt_is_local() -> None:
    uris = ("qemu:///system", "qemu+unix:///system", "qemu+unix:///system?socket=/x", "qemu+ssh://hv1/system")
    assert [is_local(uri) for uri in uris] == [True, True, False, False]


def test_the_release_of_an_engine_is_read_from_its_version() -> None:
    assert [release(text) for text in ("3.259.0", "3.260.1-alpha.1", "unknown")] == [(3, 259), (3, 260), None]


def test_the_doctor_tells_group_by_group_with_fixes_and_a_sum(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    group = Group("engine")
    found = [
        group.ok("Pulumi CLI", "3.259.0"),
        group.failed("libvirt plugin", "not wired", "quietcore plugins install"),
    ]
    monkeypatch.setattr(verb, "conditions", lambda _stack: iter(found))
    done = invoke("doctor")
    assert done.exit_code == 1
    assert done.stdout == (
        "engine\n"
        "  ok       Pulumi CLI            3.259.0\n"
        "  failed   libvirt plugin        not wired\n"
        "           fix: quietcore plugins install\n"
    )
    assert done.stderr == "\n2 conditions: 1 failed\n"


def test_the_doctor_of_a_stack_looks_at_its_program_and_hosts(
    invoke: Invoke, plant: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoke("check", "prod")
    monkeypatch.setattr("quietcore.cli.host_conditions.ask_host", lambda _uri: Answer(reason="No route to host"))
    found = json.loads(invoke("doctor", "--stack", "prod", "--json").stdout)["conditions"]
    answers = [(one["group"], one["status"], one["detail"]) for one in found if one["name"] == "libvirt answers"]
    assert answers == [
        (f"host {name}", "failed", f"qemu+ssh://root@{name}.example.net/system: No route to host")
        for name in ("hv1", "hv2")
    ]
    assert {"group": "stack prod", "name": "program", "status": "ok", "detail": "", "fix": []} in found
    assert [one["detail"] for one in found if one["group"] == "this machine"] == [
        "no host of the stack is this machine"
    ]
