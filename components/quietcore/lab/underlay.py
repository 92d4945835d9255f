"""The wire: links between the hosts, and one link from each host to the machine for SSH.

Two hosts share a veth pair; more hang on a bridge in a namespace of its own. Addresses come from 198.18.0.0/15,
which RFC 2544 sets aside for benchmarks, so they meet no real network. Each lab owns one slot of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from quietcore.lab import namespaces
from quietcore.lab.commands import run, succeeds
from quietcore.lab.layout import HostDir

PORT = "under0"
MANAGEMENT = "mgmt0"


@dataclass(frozen=True)
class Addresses:
    """All addresses of one host; ``slot`` is the lab's (0-255), ``number`` the host's (1-99)."""

    slot: int
    number: int

    @property
    def machine(self) -> str:
        """The machine's end of the management link."""
        return f"198.18.{self.slot}.254"

    @property
    def management(self) -> str:
        """The host's end of the management link; sshd listens here."""
        return f"198.18.{self.slot}.{self.number}"

    @property
    def vtep(self) -> str:
        """The tunnel endpoint, on the internal port of br-phy."""
        return f"198.19.{self.slot}.{self.number}"

    @property
    def guests(self) -> str:
        """First three bytes of the /24 of the default libvirt network."""
        return f"192.168.{100 + self.number}"

    @property
    def link(self) -> str:
        """Name of the management link on the machine."""
        return f"qc{self.slot}m{self.number}"


def free_slot(taken: set[int]) -> int:
    """The lowest slot that no lab holds and to which no route of the machine leads."""
    routes = {route.get("dst", "") for route in json.loads(run(["ip", "-j", "route"]) or "[]")}
    used = {int(route.split(".")[2]) for route in routes if route.startswith("198.18.") and route.count(".") == 3}
    return next(slot for slot in range(256) if slot not in taken | used)


def manage(host: HostDir, at: Addresses) -> None:
    """Link the host with the machine, for SSH."""
    if not _there(host.netns, MANAGEMENT):
        succeeds(["ip", "link", "del", at.link])
        run(["ip", "link", "add", at.link, "type", "veth", "peer", "name", MANAGEMENT, "netns", host.netns])
    run(["ip", "addr", "replace", at.machine, "peer", f"{at.management}/32", "dev", at.link])
    run(["ip", "link", "set", at.link, "up"])
    run(["ip", "-n", host.netns, "addr", "replace", at.management, "peer", f"{at.machine}/32", "dev", MANAGEMENT])
    run(["ip", "-n", host.netns, "link", "set", MANAGEMENT, "up"])


def managed(host: HostDir) -> bool:
    """Whether the management link is there."""
    return _there(host.netns, MANAGEMENT)


def unplug(host: HostDir) -> None:
    """Remove the host's links at once; the kernel would do so some time after their namespace is gone."""
    for link in (MANAGEMENT, PORT):
        succeeds(["ip", "-n", host.netns, "link", "del", link])


def plugged(host: HostDir) -> bool:
    """Whether the host has its port on the wire."""
    return _there(host.netns, PORT)


def wired(hosts: Sequence[HostDir]) -> bool:
    """Whether every host has its port on the wire."""
    return len(hosts) < 2 or all(plugged(host) for host in hosts)


def wire(hosts: Sequence[HostDir]) -> None:
    """Lay the wire between the hosts; one host needs none."""
    if wired(hosts):
        return
    for host in hosts:
        succeeds(["ip", "-n", host.netns, "link", "del", PORT])
    if len(hosts) == 2:
        near, far = (host.netns for host in hosts)
        run(["ip", "-n", near, "link", "add", PORT, "type", "veth", "peer", "name", PORT, "netns", far])
    else:
        _wire_by_bridge(hosts)
    for host in hosts:
        run(["ip", "-n", host.netns, "link", "set", PORT, "up"])


def remove(lab: str) -> None:
    """Remove the bridge's namespace; links go with the namespaces of the hosts."""
    namespaces.remove_netns(bridge_netns(lab))


def bridge_netns(lab: str) -> str:
    """Name of the namespace that holds the bridge of three hosts and more."""
    return f"qc-{lab}-wire"


def _wire_by_bridge(hosts: Sequence[HostDir]) -> None:
    netns = bridge_netns(hosts[0].lab)
    namespaces.remove_netns(netns)
    run(["ip", "netns", "add", netns])
    run(["ip", "-n", netns, "link", "add", "wire", "type", "bridge"])
    run(["ip", "-n", netns, "link", "set", "wire", "up"])
    for host in hosts:
        run(["ip", "-n", netns, "link", "add", host.name, "type", "veth", "peer", "name", PORT, "netns", host.netns])
        run(["ip", "-n", netns, "link", "set", host.name, "master", "wire", "up"])


def _there(netns: str, link: str) -> bool:
    return succeeds(["ip", "-n", netns, "link", "show", link])
