"""A lab's life: up, down, status. ``up`` brings what is missing and touches nothing that is right."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from quietcore.errors import EnvironmentFault
from quietcore.lab import (
    facts,
    hosts,
    hugepages,
    images,
    libvirtd,
    namespaces,
    register,
    requirements,
    slices,
    sshd,
    state,
    underlay,
)
from quietcore.lab.layout import HostDir, LabDir, lab_dir
from quietcore.lab.processes import boot_id
from quietcore.lab.progress import Progress
from quietcore.lab.underlay import Addresses

HOSTS, PAGES = 2, 512
"""What a new lab gets where nothing else is asked for: hosts, and 2 MiB pages per host."""

_Members = list[tuple[HostDir, Addresses]]


@dataclass(frozen=True)
class Plan:
    """What is asked for: hosts (1-99), 2 MiB pages per host, guest images.

    None means as the lab has it, and the default for a new one.
    """

    name: str = "lab"
    hosts: int | None = None
    pages: int | None = None
    tiers: tuple[str, ...] = ()


def up(plan: Plan, progress: Progress) -> state.LabState:
    """Bring the lab up and return its state. A first ``up`` that fails or is interrupted leaves nothing behind.

    Only images may be missing after a failure: the hosts are up then, and the error says so.
    """
    requirements.require(images=bool(plan.tiers))
    lab = lab_dir(plan.name)
    with register.lab_lock(lab, progress):
        before = state.read(lab)
        slot = register.claim(lab)
        try:
            known = _hosts_up(lab, slot, plan, before, progress)
            return _images_up(lab, known, plan, progress)
        except _HostsAreUp:
            raise
        except BaseException:
            if before is None:
                progress.say("  taking down what was made")
                _down(lab)
            raise


def down(name: str, progress: Progress) -> bool:
    """Take the lab down, in whatever condition it is; False when there was nothing."""
    requirements.require_root()
    lab = lab_dir(name)
    with register.lab_lock(lab, progress):
        register.refuse_clash(lab)
        there = lab.root.exists()
        _down(lab)
    return there


def status(name: str) -> tuple[state.LabState, dict[str, list[hosts.Condition]]] | None:
    """The lab's state with the conditions of each host; None when there is no lab."""
    lab = lab_dir(name)
    known = state.read(lab)
    if known is None:
        return None
    requirements.require_root()
    wired = len(known.hosts) > 1
    members = _members(lab, known.slot, [host.name for host in known.hosts])
    return known, {host.name: hosts.conditions(host, at, wired=wired) for host, at in members}


class _HostsAreUp(EnvironmentFault):
    """Images failed after the hosts came up."""


def _hosts_up(lab: LabDir, slot: int, plan: Plan, before: state.LabState | None, progress: Progress) -> state.LabState:
    count = plan.hosts or (len(before.hosts) if before else HOSTS)
    pages = plan.pages if plan.pages is not None else before.hosts[0].hugepages if before else PAGES
    lab.root.mkdir(parents=True, exist_ok=True)
    lab.ssh.mkdir(mode=0o700, exist_ok=True)
    members = _members(lab, slot, [f"hv{number}" for number in range(1, count + 1)])
    known = _describe(lab, slot, pages, members, before)
    _drop_surplus(lab, members)
    state.write(lab, known)
    with register.machine_lock():
        got = hugepages.reserve(lab.root / "hugepages.json", pages * count)
    if got < pages * count:
        progress.say(
            f"  ! {lab.name:<8} {got} of {pages * count} hugepages: the machine's memory has no more whole ones"
        )
    known = known.model_copy(update={"hugepages": got})
    namespaces.make_pins(lab)
    for host, at in members:
        hosts.make(host, progress)
        if not underlay.managed(host):
            underlay.manage(host, at)
    underlay.wire([host for host, _ in members])
    sshd.make_client(lab, members)
    with ThreadPoolExecutor(len(members)) as pool:
        start = partial(hosts.start, progress=progress, wired=count > 1)
        list(pool.map(lambda member: start(*member), members))
    state.write(lab, known)
    return known


def _images_up(lab: LabDir, known: state.LabState, plan: Plan, progress: Progress) -> state.LabState:
    try:
        made = images.ensure(plan.tiers, progress)
    except EnvironmentFault as fault:
        hint = fault.hint or f"quietcore lab up --name {lab.name} (the hosts are up and work without images)"
        raise _HostsAreUp(fault.what, where=fault.where, given=fault.given, allowed=fault.allowed, hint=hint) from fault
    kept = known.images.model_copy(update={tier: getattr(made, tier) for tier in plan.tiers})
    found = facts.accelerated(kept.kernel())
    known = known.model_copy(update={"images": kept, "accelerator": found.name, "accelerator_reason": found.reason})
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


def _members(lab: LabDir, slot: int, names: Sequence[str]) -> _Members:
    return [(lab.host(name), Addresses(slot, int(name.removeprefix("hv")))) for name in names]


def _drop_surplus(lab: LabDir, members: _Members) -> None:
    """Remove hosts that an earlier ``up`` made and this one does not ask for."""
    wanted = {host.name for host, _ in members}
    for path in lab.root.glob("hv*"):
        if path.name not in wanted:
            hosts.remove(lab.host(path.name))


def _describe(lab: LabDir, slot: int, pages: int, members: _Members, before: state.LabState | None) -> state.LabState:
    known_images = before.images.still_there() if before else state.Images()
    found = facts.find(known_images.kernel())
    parts = slices.cut(slices.cores(), len(members))
    return state.LabState(
        name=lab.name,
        dir=str(lab.root),
        slot=slot,
        boot=boot_id(),
        accelerator=found.accelerator.name,
        accelerator_reason=found.accelerator.reason,
        memlock=found.memlock,
        fifo=found.fifo,
        rt_throttling=found.rt_throttling,
        hugepages=0,
        hosts=[_host_state(lab, host, at, part, pages) for (host, at), part in zip(members, parts, strict=True)],
        images=known_images,
    )


def _host_state(lab: LabDir, host: HostDir, at: Addresses, part: slices.Slice, pages: int) -> state.HostState:
    return state.HostState(
        name=host.name,
        uri=libvirtd.uri(host),
        ssh_uri=sshd.uri(lab, at),
        address=at.management,
        vtep=at.vtep,
        netns=host.netns,
        ovsdb=f"unix:{host.ovsdb_socket}",
        cpus=state.Cpus(housekeeping=str(part.housekeeping), isolated=str(part.isolated), shared=part.shared),
        hugepages=pages,
    )
