"""A lab's life: up, down, status. ``up`` brings what is missing and touches nothing that is right."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from quietcore.lab import facts, hosts, hugepages, libvirtd, namespaces, register, slices, sshd, state, underlay
from quietcore.lab.layout import HostDir, LabDir, lab_dir
from quietcore.lab.processes import boot_id
from quietcore.lab.progress import Progress
from quietcore.lab.underlay import Addresses


@dataclass(frozen=True)
class Plan:
    """What is asked for: hosts (1-99) and 2 MiB pages per host."""

    name: str = "lab"
    hosts: int = 2
    pages: int = 512


def up(plan: Plan, progress: Progress) -> state.LabState:
    """Bring the lab up and return its state. A first ``up`` that fails or is interrupted leaves nothing behind."""
    lab = lab_dir(plan.name)
    with register.lab_lock(lab):
        fresh = state.read(lab) is None
        try:
            return _up(lab, plan, progress)
        except BaseException:
            if fresh:
                progress.say("  taking down what was made")
                _down(lab)
            raise


def down(name: str) -> bool:
    """Take the lab down, in whatever condition it is; False when there was nothing."""
    lab = lab_dir(name)
    with register.lab_lock(lab):
        there = lab.root.exists()
        _down(lab)
    return there


def status(name: str) -> tuple[state.LabState, dict[str, list[hosts.Condition]]] | None:
    """The lab's state with the conditions of each host; None when there is no lab."""
    lab = lab_dir(name)
    known = state.read(lab)
    if known is None:
        return None
    wired = len(known.hosts) > 1
    members = _members(lab, known.slot, [host.name for host in known.hosts])
    return known, {host.name: hosts.conditions(host, at, wired=wired) for host, at in members}


def _up(lab: LabDir, plan: Plan, progress: Progress) -> state.LabState:
    slot = register.claim(lab)
    lab.root.mkdir(parents=True, exist_ok=True)
    lab.root.chmod(0o700)
    members = _members(lab, slot, [f"hv{number}" for number in range(1, plan.hosts + 1)])
    known = _describe(lab, slot, plan, members)
    _drop_surplus(lab, known, slot)
    state.write(lab, known)
    with register.machine_lock():
        pages = hugepages.reserve(lab.root / "hugepages.json", plan.pages * plan.hosts)
    known = known.model_copy(update={"hugepages": pages})
    namespaces.make_pins(lab)
    for host, at in members:
        hosts.make(host, progress)
        if not underlay.managed(host):
            underlay.manage(host, at)
    underlay.wire([host for host, _ in members])
    sshd.make_client(lab, members)
    with ThreadPoolExecutor(len(members)) as pool:
        wired = len(members) > 1
        list(pool.map(lambda member: hosts.start(*member, progress, wired=wired), members))
    state.write(lab, known)
    return known


def _down(lab: LabDir) -> None:
    names = {file.stem for file in lab.namespaces.glob("hv*")} | {path.name for path in lab.root.glob("hv*")}
    for name in sorted(names):
        hosts.remove(lab.host(name))
    underlay.remove(lab.name)
    namespaces.remove_pins(lab)
    with register.machine_lock():
        hugepages.release(lab.root / "hugepages.json")
    shutil.rmtree(lab.root, ignore_errors=True)
    with contextlib.suppress(OSError):
        lab.root.parent.rmdir()
    register.drop(lab)


def _members(lab: LabDir, slot: int, names: Sequence[str]) -> list[tuple[HostDir, Addresses]]:
    return [(lab.host(name), Addresses(slot, int(name.removeprefix("hv")))) for name in names]


def _drop_surplus(lab: LabDir, wanted: state.LabState, slot: int) -> None:
    """Remove hosts that an earlier ``up`` made and this one does not ask for."""
    names = {host.name for host in wanted.hosts}
    for path in lab.root.glob("hv*"):
        if path.name not in names:
            hosts.remove(lab.host(path.name))
    del slot


def _describe(lab: LabDir, slot: int, plan: Plan, members: list[tuple[HostDir, Addresses]]) -> state.LabState:
    found = facts.find()
    cuts = slices.cut(slices.online(), plan.hosts)
    return state.LabState(
        name=lab.name,
        dir=str(lab.root),
        slot=slot,
        boot=boot_id(),
        accelerator=found.accelerator,
        memlock=found.memlock,
        fifo=found.fifo,
        rt_throttling=found.rt_throttling,
        hugepages=0,
        hosts=[
            state.HostState(
                name=host.name,
                uri=libvirtd.uri(host),
                ssh_uri=sshd.uri(lab, at),
                address=at.management,
                vtep=at.vtep,
                netns=host.netns,
                ovsdb=f"unix:{host.ovsdb_socket}",
                cpus=state.Cpus(housekeeping=str(part.housekeeping), isolated=str(part.isolated), shared=part.shared),
                hugepages=plan.pages,
            )
            for (host, at), part in zip(members, cuts, strict=True)
        ],
    )
