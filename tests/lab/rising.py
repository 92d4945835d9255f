"""A project of the lab whose `up` runs in the background, where it can be watched, hurt and waited for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab_project import LabProject

from quietcore import lab as labs
from quietcore.lab import processes
from quietcore.lab.layout import lab_dir

HOSTS = ("hv1", "hv2")
POOL = "site-dev"


class RisingProject(LabProject):
    """``backend`` is the engine's file backend, ``engine_env`` its environment; ``engine`` its pid while it runs."""

    backend: Path
    engine_env: dict[str, str]
    engine: int = 0

    @contextmanager
    def rising(self) -> Iterator[subprocess.Popen[bytes]]:
        """An `up` in a session of its own, of which nothing lives on."""
        command = ["pulumi", "--non-interactive", "up", "--yes", "--skip-preview"]
        with (self.folder / "up.log").open("wb") as log:
            running = subprocess.Popen(
                command, cwd=self.folder, env=self.engine_env, stdout=log, stderr=log, start_new_session=True
            )
            self.engine = running.pid
            try:
                yield running
            finally:
                if running.poll() is None:
                    os.killpg(running.pid, signal.SIGKILL)
                running.wait()

    def await_that(self, holds: Callable[[], bool], seconds: float = 120) -> None:
        """Wait for a condition; the failure shows what the `up` said, and comes at once where the `up` has ended."""
        gone: list[bool] = []

        def settled() -> bool:
            gone[:] = [processes.Process.of(self.engine) is None]
            return holds() or gone[0]

        assert processes.await_condition(settled, seconds=seconds, every=0.002), self.said()
        assert holds() or not gone[0], self.said()

    def await_end(self) -> None:
        """Wait until no process of the `up` lives."""
        assert processes.await_condition(lambda: self.session() == [], seconds=60), [words(p) for p in self.session()]

    def said(self) -> str:
        """What the last `up` in the background printed."""
        return (self.folder / "up.log").read_text()

    def session(self) -> list[int]:
        """Living processes of the last `up` in the background."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                state, _parent, _group, leader = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            except OSError:
                continue
            if int(leader) == self.engine and state not in "ZX":
                found.append(int(folder.name))
        return found

    def plugins(self) -> list[int]:
        """Processes of the libvirt plugin in the `up` in the background."""
        return [pid for pid in self.session() if b"quietcore.plugins.libvirt" in words(pid)]

    def libvirtd(self, host: str = "hv1") -> int:
        """The process of a host's libvirtd."""
        found = processes.recorded(lab_dir(self.lab.name).host(host).pids / "libvirtd")
        assert found is not None
        return found.pid

    def repair(self) -> None:
        """Bring the lab up again, as `quietcore lab up` does."""
        labs.up(labs.Plan(name=self.lab.name), labs.Silent())

    def on(self, host: str = "hv1") -> Path:
        """The folder of a host, where its libvirtd's files can be seen."""
        return Path(self.lab.dir) / host

    def pool(self, host: str = "hv1") -> Path:
        """The folder of the project's pool."""
        return self.on(host) / "var-lib-libvirt" / "quietcore" / POOL

    def volumes(self, host: str = "hv1") -> list[str]:
        """Names of the files in the pool's folder, markers too."""
        try:
            return sorted(path.name for path in self.pool(host).iterdir())
        except FileNotFoundError:
            return []

    def domains(self, host: str = "hv1") -> list[str]:
        """Names of the domains that a host knows."""
        return sorted(one.name() for one in self.host(host).listAllDomains())

    def state(self) -> dict[str, Any]:
        """The stack's state as it is on disk; empty while it is being written."""
        try:
            return json.loads((self.backend / ".pulumi/stacks/site/dev.json").read_text())["checkpoint"]["latest"] or {}
        except (OSError, ValueError):
            return {}

    def made(self) -> set[str]:
        """Names of the resources in the state."""
        return {one["urn"].rsplit("::", 1)[1] for one in self.state().get("resources") or []}

    def doctor(self) -> dict[str, dict[str, Any]]:
        """The doctor's conditions, "group, name" to condition."""
        command = [sys.executable, "-m", "quietcore.cli", "doctor", "--stack", "dev", "--json"]
        ran = subprocess.run(command, cwd=self.folder, env=self.engine_env, capture_output=True, text=True, check=False)
        return {f"{one['group']}, {one['name']}": one for one in json.loads(ran.stdout)["conditions"]}

    def ailments(self) -> dict[str, str]:
        """What the doctor finds failed."""
        return {name: one["detail"] for name, one in self.doctor().items() if one["status"] == "failed"}

    def end(self) -> None:
        """Leave nothing, whatever a test did."""
        self.repair()
        self.pulumi("cancel", "--yes")
        self.pulumi("destroy", "--yes", "--skip-preview")


def rising_project(folder: Path, pulumi: Callable[..., Any], engine_env: dict[str, str], lab: Any) -> RisingProject:
    """The project in `folder`, with its stack made. `engine_env` is the fixture's."""
    made = RisingProject(folder, pulumi, lab)
    made.env["CI"] = ""
    made.backend = Path(engine_env["PULUMI_BACKEND_URL"].removeprefix("file://"))
    made.engine_env = {**engine_env, **made.env}
    return made


def words(pid: int) -> bytes:
    """Command line of a process; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
