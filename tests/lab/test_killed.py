"""kill -9 of the engine, of its plugins or of libvirtd at any point of an `up`: the next one converges.

Each case kills one of them at one point. QUIETCORE_EVERY_KILL=1 kills each of the three at every point.
"""

from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from lab_project import LabProject

from quietcore import lab as labs
from quietcore.lab import processes
from quietcore.lab.layout import lab_dir

pytestmark = [pytest.mark.lab, pytest.mark.engine]
NODES = 'node("plc-a", "hv1", shutdown_timeout="0s")\nnode("plc-b", "hv2", shutdown_timeout="0s")\n'
MARKER = ".quietcore"


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


class Site(LabProject):
    """A site of two nodes whose `up` can be watched and killed."""

    backend: Path
    engine_env: dict[str, str]

    @property
    def lab_dir(self) -> Any:
        return lab_dir(self.lab.name)

    def on(self, host: str = "hv1") -> Path:
        return Path(self.lab.dir) / host

    def pool(self, host: str = "hv1") -> Path:
        return self.on(host) / "var-lib-libvirt" / "quietcore" / "dev"

    def volumes(self, host: str = "hv1") -> list[str]:
        """Names of the files in the pool's folder, markers too."""
        try:
            return sorted(path.name for path in self.pool(host).iterdir())
        except FileNotFoundError:
            return []

    def state(self) -> dict[str, Any]:
        try:
            return json.loads((self.backend / ".pulumi/stacks/site/dev.json").read_text())["checkpoint"]["latest"] or {}
        except (OSError, ValueError):  # being written just now
            return {}

    def made(self) -> set[str]:
        """Names of the resources in the state."""
        return {one["urn"].rsplit("::", 1)[1] for one in self.state().get("resources") or []}

    def doctor(self) -> dict[str, dict[str, Any]]:
        """The doctor's conditions, "group, name" to condition."""
        command = [sys.executable, "-m", "quietcore.cli", "doctor", "--stack", "dev", "--json"]
        ran = subprocess.run(command, cwd=self.folder, env=self.engine_env, capture_output=True, text=True, check=False)
        return {f"{one['group']}, {one['name']}": one for one in json.loads(ran.stdout)["conditions"]}

    @contextmanager
    def rising(self) -> Iterator[subprocess.Popen[bytes]]:
        """An `up` in a session of its own, of which nothing lives on."""
        command = ["pulumi", "--non-interactive", "up", "--yes", "--skip-preview"]
        log = (self.folder / "up.log").open("wb")
        engine = subprocess.Popen(
            command, cwd=self.folder, env=self.engine_env, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield engine
        finally:
            if engine.poll() is None:
                os.killpg(engine.pid, signal.SIGKILL)
            engine.wait()
            log.close()

    def said(self) -> str:
        return (self.folder / "up.log").read_text()


# --- points: what has just happened ---


def locked(site: Site) -> bool:
    return any((site.backend / ".pulumi/locks/organization/site/dev").glob("*.json"))


def plugin_started(site: Site) -> bool:
    return any(plugins(site))


def pool_defined(site: Site) -> bool:
    return (site.on() / "etc-libvirt/storage/quietcore-dev.xml").exists()


def pool_made(site: Site) -> bool:
    return site.pool().exists()


def pool_in_state(site: Site) -> bool:
    return "hv1-pool" in site.made()


def volume_begun(site: Site) -> bool:
    return any(name.endswith(f".making{MARKER}") for name in site.volumes())


def uploading(site: Site) -> bool:
    return Kernel.halted.is_set()


def seed_made(site: Site) -> bool:
    return "plc-a-seed.iso" in site.volumes()


def overlay_made(site: Site) -> bool:
    return "plc-a-root.qcow2" in site.volumes()


def domain_defined(site: Site) -> bool:
    return (site.on() / "etc-libvirt/qemu/plc-a.xml").exists()


def domain_runs(site: Site) -> bool:
    return (site.on() / "run/libvirt/qemu/plc-a.pid").exists()


def domain_in_state(site: Site) -> bool:
    return any(
        one["type"] == "libvirt:index/domain:Domain" and one.get("id") for one in site.state().get("resources") or []
    )


# --- victims ---


def session(leader: int) -> list[int]:
    """Living processes of a session."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _parent, _group, belongs = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(belongs) == leader and state not in "ZX":
            found.append(int(folder.name))
    return found


def plugins(site: Site) -> list[int]:
    return [pid for pid in session(site.engine) if b"quietcore.plugins.libvirt" in _words(pid)]


def engine(site: Site) -> list[int]:
    return [site.engine]


def libvirtd(site: Site) -> list[int]:
    found = processes.recorded(site.lab_dir.host("hv1").pids / "libvirtd")
    assert found is not None
    return [found.pid]


def _words(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


Victim = Callable[[Site], list[int]]
VICTIMS: list[Victim] = [engine, plugins, libvirtd]
POINTS: dict[Callable[[Site], bool], list[Victim]] = {
    locked: [engine],
    plugin_started: [plugins],
    pool_defined: [libvirtd],
    pool_made: [engine],
    volume_begun: [plugins],
    pool_in_state: [libvirtd],
    uploading: VICTIMS,
    seed_made: [plugins],
    overlay_made: [engine],
    domain_defined: [libvirtd],
    domain_runs: [engine],
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
def site(tmp_path, pulumi, engine_env, lab, kernel) -> Iterator[Site]:
    made = Site(tmp_path / "site", pulumi, lab)
    made.env["CI"] = ""
    made.backend, made.engine_env = tmp_path / "backend", {**engine_env, **made.env}
    made.write(f"KERNEL = {kernel!r}\n{NODES}")
    Kernel.halting = False
    Kernel.halted.clear()
    Kernel.go.clear()
    try:
        yield made
    finally:
        Kernel.go.set()
        _up_again(lab)
        made.pulumi("cancel", "--yes")
        made.pulumi("destroy", "--yes", "--skip-preview")


def _up_again(lab: Any) -> None:
    """Repair the lab, as `quietcore lab up` does."""
    labs.up(labs.Plan(name=lab.name), labs.Silent())


def outcome(site: Site) -> dict[str, Any]:
    """All that a finished `up` leaves anywhere, less what differs from run to run."""
    latest = site.state()
    assert not latest.get("pending_operations")
    return {
        "resources": sorted(site.made()),
        "volumes": {host: site.volumes(host) for host in ("hv1", "hv2")},
        "domains": {host: sorted(one.name() for one in site.host(host).listAllDomains()) for host in ("hv1", "hv2")},
        "pools": {host: [one.name() for one in site.host(host).listAllStoragePools()] for host in ("hv1", "hv2")},
        "running": {host: sorted(path.name for path in (site.on(host) / "run/libvirt/qemu").glob("*.pid"))
                    for host in ("hv1", "hv2")},
        "guests": len(_guests(site.lab.name)),
    }  # fmt: skip


def _guests(lab: str) -> list[int]:
    """QEMU processes of the lab."""
    return [
        int(folder.name)
        for folder in Path("/proc").glob("[0-9]*")
        if _words(int(folder.name)).startswith(b"/usr/bin/qemu-system") and f"/quietcore/{lab}/" in _group(folder)
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
    site.up()
    unhurt.update(outcome(site))
    assert unhurt["domains"] == {"hv1": ["plc-a"], "hv2": ["plc-b"]}
    assert unhurt["guests"] == 2
    assert {key: one["status"] for key, one in site.doctor().items() if one["status"] == "failed"} == {}


@pytest.mark.parametrize(("victim", "point"), CASES, ids=[f"{v.__name__}-{p.__name__}" for v, p in CASES])
def test_an_up_after_a_kill_adopts_what_was_made_and_leaves_nothing_else(site, unhurt, victim, point):
    Kernel.halting = point is uploading
    with site.rising() as running:
        site.engine = running.pid
        assert processes.await_condition(lambda: point(site), seconds=120, every=0.002), site.said()
        assert running.poll() is None, site.said()
        for pid in victim(site):
            os.kill(pid, signal.SIGKILL)
        Kernel.halting = False
        Kernel.go.set()
        running.wait(120)
    assert processes.await_condition(lambda: session(running.pid) == [], seconds=30), site.said()

    found = site.doctor()
    if victim is engine:
        assert found["stack dev, lock"]["fix"] == ["pulumi cancel -y --stack dev"]
        pending = [one["resource"]["urn"].rsplit("::", 1)[1] for one in site.state().get("pending_operations") or []]
        told = found["stack dev, pending operations"]
        assert [name for name in pending if name not in told["detail"]] == []
        assert told["status"] == ("failed" if pending else "ok")
    if victim is libvirtd:
        assert found["host hv1, libvirt answers"]["fix"] == [f"quietcore lab up --name {site.lab.name}"]
        _up_again(site.lab)

    site.pulumi("cancel", "--yes")
    site.up()
    site.pulumi("refresh", "--yes", "--skip-preview", "--clear-pending-creates").ok()
    if unhurt:
        assert outcome(site) == unhurt
    assert site.steps() == {}
    assert {key: one["status"] for key, one in site.doctor().items() if one["status"] == "failed"} == {}
