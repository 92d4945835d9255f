"""A host's life: the steps that bring it up, what it says about itself, and its end."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from quietcore.lab import libvirtd, namespaces, openvswitch, processes, sshd, underlay
from quietcore.lab.layout import HostDir
from quietcore.lab.progress import Progress
from quietcore.lab.underlay import Addresses

MARKER = Path("/run/quietcore/lab-host")
"""On a lab host this file exists: machine-wide actions (reboot, boot loader, tuned, clock) are refused there."""


@dataclass(frozen=True)
class Condition:
    """One thing that should be true of a host, and whether it is."""

    name: str
    true: bool


def conditions(host: HostDir, at: Addresses, *, wired: bool) -> list[Condition]:
    """What is true of the host now, in the order in which ``up`` makes it so."""
    return [
        Condition("NamespacesReady", namespaces.complete(host)),
        Condition("Wired", underlay.managed(host) and (not wired or underlay.plugged(host))),
        Condition("SwitchReady", openvswitch.ready(host, at, wired=wired)),
        Condition("LibvirtAnswers", libvirtd.running(host) and libvirtd.answers(host)),
        Condition("SshAnswers", sshd.running(host) and sshd.answers(at)),
    ]


def make(host: HostDir, progress: Progress) -> None:
    """Make the host's namespaces; what a crash left of it is cleared first."""
    if namespaces.complete(host):
        return
    with progress.condition(host.name, "NamespacesReady"):
        namespaces.remove(host)
        namespaces.make(host)
        _mark(host)


def start(host: HostDir, at: Addresses, *, progress: Progress, wired: bool) -> None:
    """Start the host's daemons; a step whose condition holds is left alone."""
    steps: list[tuple[str, Callable[[], bool], Callable[[], None]]] = [
        (
            "SwitchReady",
            lambda: openvswitch.ready(host, at, wired=wired),
            lambda: openvswitch.up(host, at, wired=wired),
        ),
        ("LibvirtAnswers", lambda: libvirtd.running(host) and libvirtd.answers(host), lambda: _libvirt(host, at)),
        ("SshAnswers", lambda: sshd.running(host) and sshd.answers(at), lambda: sshd.up(host, at)),
    ]
    for name, holds, bring in steps:
        if not holds():
            with progress.condition(host.name, name):
                bring()


def remove(host: HostDir) -> None:
    """End everything that lives on the host and remove its namespaces and files."""
    recorded = [processes.recorded(file) for file in sorted(host.pids.glob("*"))] if host.pids.is_dir() else []
    processes.end([process for process in recorded if process is not None])
    underlay.unplug(host)
    namespaces.remove(host)
    shutil.rmtree(host.root, ignore_errors=True)


def _libvirt(host: HostDir, at: Addresses) -> None:
    libvirtd.configure(host, at)
    libvirtd.up(host)


def _mark(host: HostDir) -> None:
    marker = host.run / MARKER.relative_to("/run")
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text(f"{host.lab}/{host.name}\n")
