"""Open vSwitch of one host: ovsdb-server and ovs-vswitchd, br-phy with the VTEP, br-int for guests.

Both bridges use the userspace datapath: all hosts share one kernel, and its datapath would need a module.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from quietcore.errors import EnvironmentFault
from quietcore.lab import namespaces, processes
from quietcore.lab.commands import CommandFailed, run, succeeds
from quietcore.lab.layout import HostDir
from quietcore.lab.underlay import PORT, Addresses

SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
_DATABASE = Path("/etc/openvswitch/conf.db")


def up(host: HostDir, at: Addresses, *, wired: bool) -> None:
    """Start what does not run, then bring the bridges to their declared state."""
    _start_database(host)
    _start_switch(host)
    _bridges(host, at, wired=wired)


def ready(host: HostDir, at: Addresses, *, wired: bool) -> bool:
    """Whether both daemons live, the VTEP address is there and the wire is plugged in."""
    if not all(processes.recorded(host.pids / name) for name in ("ovsdb-server", "ovs-vswitchd")):
        return False
    try:
        address = run(["ip", "-n", host.netns, "-o", "-4", "addr", "show", "dev", "br-phy"])
        ports = vsctl(host, "--no-wait", "list-ports", "br-phy").split()
    except CommandFailed:
        return False
    return f" {at.vtep}/" in address and (PORT in ports or not wired)


def vsctl(host: HostDir, *words: str) -> str:
    """One ovs-vsctl transaction on the host; waits until the switch realised it (10 s)."""
    return run(namespaces.command(host, ["ovs-vsctl", "--timeout=10", *words]))


def _start_database(host: HostDir) -> None:
    record = host.pids / "ovsdb-server"
    if processes.recorded(record):
        return
    database = host.overlays["/etc/openvswitch"] / _DATABASE.name
    if not database.exists():
        run(["ovsdb-tool", "create", database, SCHEMA])
    host.ovsdb_socket.unlink(missing_ok=True)
    (database.parent / f".{database.name}.~lock~").unlink(missing_ok=True)
    argv = ["ovsdb-server", str(_DATABASE), "--remote=punix:/run/openvswitch/db.sock", "--log-file", "--no-chdir"]
    processes.start(
        record,
        namespaces.command(host, [*argv, "--unixctl=/run/openvswitch/ovsdb-server.ctl", "-vconsole:off"]),
        log=host.log / "ovsdb-server.out",
    )
    _await(host, "ovsdb-server", ["ovs-vsctl", "--timeout=5", "--no-wait", "init"])


def _start_switch(host: HostDir) -> None:
    record = host.pids / "ovs-vswitchd"
    if processes.recorded(record):
        return
    argv = ["ovs-vswitchd", "unix:/run/openvswitch/db.sock", "--disable-system", "--log-file", "--no-chdir"]
    processes.start(
        record,
        namespaces.command(host, [*argv, "--unixctl=/run/openvswitch/ovs-vswitchd.ctl", "-vconsole:off"]),
        log=host.log / "ovs-vswitchd.out",
    )
    _await(host, "ovs-vswitchd", ["ovs-appctl", "-t", "/run/openvswitch/ovs-vswitchd.ctl", "version"])


def _await(host: HostDir, daemon: str, question: list[str]) -> None:
    ask = namespaces.command(host, question)
    if not processes.await_condition(lambda: succeeds(ask), seconds=20):
        raise EnvironmentFault(f"{daemon} of {host.name} does not answer", where=str(host.log / f"{daemon}.log"))


def _bridges(host: HostDir, at: Addresses, *, wired: bool) -> None:
    words = ["set", "Open_vSwitch", ".", f"external_ids:system-id={host.lab}-{host.name}"]
    words += [f"external_ids:hostname={host.name}"]
    for bridge in ("br-phy", "br-int"):
        words += ["--", "--may-exist", "add-br", bridge, "--", "set", "Bridge", bridge, "datapath_type=netdev"]
    if wired:
        words += ["--", "--may-exist", "add-port", "br-phy", PORT]
    vsctl(host, *words)
    # A switch that starts on an old database makes its ports some time after ovs-vsctl found nothing to change.
    for bridge in ("br-phy", "br-int"):
        if not processes.await_condition(
            partial(succeeds, ["ip", "-n", host.netns, "link", "show", bridge]), seconds=20
        ):
            raise EnvironmentFault(f"{bridge} of {host.name} did not come up", where=str(host.log / "ovs-vswitchd.log"))
    run(["ip", "-n", host.netns, "addr", "replace", f"{at.vtep}/24", "dev", "br-phy"])
    for bridge in ("br-phy", "br-int"):
        run(["ip", "-n", host.netns, "link", "set", bridge, "up"])
