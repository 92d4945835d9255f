"""kill -9 of the engine, of its plugins or of libvirtd at any point of an `up`: the next one converges.

Each case kills one of them at one point. QUIETCORE_EVERY_KILL=1 kills each of the three at every point.
"""

from __future__ import annotations

import http.server
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rising import HOSTS, POOL, RisingProject, rising_project, words

pytestmark = [pytest.mark.lab, pytest.mark.engine]
NODES = 'node("plc-a", "hv1", shutdown_timeout="0s")\nnode("plc-b", "hv2", shutdown_timeout="0s")\n'
MARKER = ".quietcore"
HOLDER = re.compile(r"\.[0-9a-f]{6}\.quietcore\Z")


class Kernel(http.server.BaseHTTPRequestHandler):
    """Serves the guests' kernel; when `halting`, stops after the first MiB, says so with `halted`, waits for `go`."""

    file = Path()
    halting = False
    halted, go = threading.Event(), threading.Event()

    def do_GET(self) -> None:
        data = self.file.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        try:
            self.wfile.write(data[: 1 << 20])
            if self.halting:
                self.wfile.flush()
                self.halted.set()
                self.go.wait(120)
            self.wfile.write(data[1 << 20 :])
        except OSError:
            return  # whoever asked was killed

    def log_message(self, *_args: object) -> None:
        """Silent."""


# --- points: what has just happened ---


def locked(site: RisingProject) -> bool:
    return any((site.backend / ".pulumi/locks/organization/site/dev").glob("*.json"))


def plugin_started(site: RisingProject) -> bool:
    return bool(site.plugins())


def pool_defined(site: RisingProject) -> bool:
    return (site.on() / f"etc-libvirt/storage/{POOL}.xml").exists()


def pool_started(site: RisingProject) -> bool:
    return (site.on() / f"run/libvirt/storage/{POOL}.xml").exists()


def pool_in_state(site: RisingProject) -> bool:
    return "hv1-pool" in site.made()


def volume_begun(site: RisingProject) -> bool:
    return any(name.endswith(f".making{MARKER}") for name in site.volumes())


def uploading(site: RisingProject) -> bool:
    volume = site.pool() / "vmlinuz"
    return Kernel.halted.is_set() and volume.exists() and volume.stat().st_blocks > 0


def seed_made(site: RisingProject) -> bool:
    return "plc-a-seed.iso" in site.volumes()


def overlay_made(site: RisingProject) -> bool:
    return "plc-a-root.qcow2" in site.volumes()


def domain_defined(site: RisingProject) -> bool:
    return (site.on() / "etc-libvirt/qemu/plc-a.xml").exists()


def guests_folder(site: RisingProject, host: str = "hv1") -> Path:
    """Where libvirt keeps the pid files of running guests."""
    return site.on(host) / "run" / "libvirt" / "qemu"


def domain_runs(site: RisingProject) -> bool:
    return (guests_folder(site) / "plc-a.pid").exists()


def domain_in_state(site: RisingProject) -> bool:
    return any(
        one["type"] == "libvirt:index/domain:Domain" and one.get("id") for one in site.state().get("resources") or []
    )


# --- victims ---


def engine(site: RisingProject) -> list[int]:
    return [site.engine]


def plugins(site: RisingProject) -> list[int]:
    return site.plugins()


def libvirtd(site: RisingProject) -> list[int]:
    return [site.libvirtd()]


Victim = Callable[[RisingProject], list[int]]
VICTIMS: list[Victim] = [engine, plugins, libvirtd]
POINTS: dict[Callable[[RisingProject], bool], list[Victim]] = {
    locked: [engine],
    plugin_started: [plugins],
    pool_defined: [libvirtd],
    pool_started: [engine],
    volume_begun: [plugins],
    pool_in_state: [libvirtd],
    uploading: VICTIMS,
    seed_made: [plugins],
    overlay_made: [engine],
    domain_defined: [libvirtd],
    domain_runs: [engine, libvirtd],
    domain_in_state: [plugins],
}
EVERY = os.environ.get("QUIETCORE_EVERY_KILL", "") not in ("", "0")
CASES = [(victim, point) for point, usual in POINTS.items() for victim in (VICTIMS if EVERY else usual)]


@pytest.fixture(scope="module")
def kernel(lab) -> Iterator[str]:
    """The URL of the guests' kernel."""
    Kernel.file = Path(lab.images.tier1.kernel)
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Kernel)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}/vmlinuz"
    Kernel.go.set()
    running.shutdown()


@pytest.fixture
def site(tmp_path, pulumi, engine_env, lab, kernel) -> Iterator[RisingProject]:
    made = rising_project(tmp_path / "site", pulumi, engine_env, lab)
    made.write(f"KERNEL = {kernel!r}\n{NODES}")
    Kernel.halting = False
    Kernel.halted.clear()
    Kernel.go.clear()
    yield made
    Kernel.go.set()
    made.end()


def outcome(site: RisingProject) -> dict[str, Any]:
    """All that a finished `up` leaves anywhere, less what differs from run to run."""
    assert not site.state().get("pending_operations")
    return {
        "resources": sorted(site.made()),
        "volumes": {host: sorted(HOLDER.sub(MARKER, name) for name in site.volumes(host)) for host in HOSTS},
        "domains": {host: site.domains(host) for host in HOSTS},
        "pools": {host: [one.name() for one in site.host(host).listAllStoragePools()] for host in HOSTS},
        "running": {host: sorted(one.name for one in guests_folder(site, host).glob("plc*.pid")) for host in HOSTS},
        "guests": len(_guests(site.lab.name)),
    }


def _guests(lab: str) -> list[int]:
    """QEMU processes of the lab."""
    return [
        int(folder.name)
        for folder in Path("/proc").glob("[0-9]*")
        if words(int(folder.name)).startswith(b"/usr/bin/qemu-system") and f"/quietcore/{lab}/" in _group(folder)
    ]


def _group(folder: Path) -> str:
    try:
        return (folder / "cgroup").read_text()
    except OSError:
        return ""


@pytest.fixture(scope="module")
def unhurt() -> dict[str, Any]:
    """The outcome of an `up` that nobody killed; the first test of the module fills it."""
    return {}


def test_an_up_that_nobody_kills_is_what_the_others_are_held_to(site, unhurt):
    site.pulumi("up", "--yes", "--skip-preview").ok()
    unhurt.update(outcome(site))
    assert unhurt["domains"] == {"hv1": ["plc-a"], "hv2": ["plc-b"]}
    assert [len(names) for names in unhurt["volumes"].values()] == [10, 10]
    assert unhurt["guests"] == 2
    assert site.ailments() == {}


@pytest.mark.parametrize(("victim", "point"), CASES, ids=[f"{v.__name__}-{p.__name__}" for v, p in CASES])
def test_an_up_after_a_kill_adopts_what_was_made_and_leaves_nothing_else(site, unhurt, victim, point):
    Kernel.halting = point is uploading
    with site.rising() as running:
        site.await_that(lambda: point(site))
        assert running.poll() is None, site.said()
        for pid in victim(site):
            os.kill(pid, signal.SIGKILL)
        Kernel.halting = False
        Kernel.go.set()
        running.wait(120)
    site.await_end()

    found = site.doctor()
    if victim is engine:
        assert found["stack dev, lock"]["fix"] == ["pulumi cancel -y --stack dev"]
        pending = [one["resource"]["urn"].rsplit("::", 1)[1] for one in site.state().get("pending_operations") or []]
        told = found["stack dev, pending operations"]
        assert [name for name in pending if name not in told["detail"]] == []
        assert told["status"] == ("failed" if pending else "ok")
    if victim is libvirtd:
        assert found["host hv1, libvirt answers"]["fix"] == [f"quietcore lab up --name {site.lab.name}"]
        site.repair()

    site.pulumi("cancel", "--yes")
    site.pulumi("up", "--yes", "--skip-preview").ok()
    site.pulumi("refresh", "--yes", "--skip-preview", "--clear-pending-creates").ok()
    if unhurt:
        assert outcome(site) == unhurt
    assert site.steps() == {}
    assert site.ailments() == {}
