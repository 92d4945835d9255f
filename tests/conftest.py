"""Fixtures for tests that run the real engine, away from the user's own Pulumi."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent

# A shell that starts a run in its background has it ignore SIGINT, and every child would inherit that: tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True)
class Ran:
    """What a command line did."""

    command: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        """The JSON document on standard output."""
        return json.loads(self.stdout)

    def ok(self) -> Ran:
        """This, once it is sure that the command succeeded; the failure shows all that was printed."""
        assert self.returncode == 0, f"{self.command}: exit code {self.returncode}\n{self.stdout}\n{self.stderr}"
        return self

    @property
    def output(self) -> str:
        """Both streams, for sentences that may stand in either."""
        return self.stdout + self.stderr


@pytest.fixture(scope="session")
def engine_path() -> str:
    """PATH with the engine and the project's environment in front; skips where no engine is there."""
    bootstrap = [sys.executable, str(ROOT / "toolchain" / "bootstrap.py"), "path"]
    ran = subprocess.run(bootstrap, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        pytest.skip(f"no Pulumi engine: {ran.stderr.strip()}")
    folders = [str(Path(sys.executable).parent), ran.stdout.strip(), os.environ.get("PATH", os.defpath)]
    return os.pathsep.join(folder for folder in folders if folder)


@pytest.fixture(scope="session")
def uv(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., None]:
    """Run uv from its cache, and from the package index where that does not do; skips without uv."""
    program = shutil.which("uv")
    if program is None:
        pytest.skip("uv is not installed")
    clean = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH", "CI")}
    nowhere = tmp_path_factory.mktemp("uv")

    def run(*arguments: str | Path) -> None:
        words = [program, "--quiet", *map(str, arguments)]
        for command in ([*words, "--offline"], words):
            done = subprocess.run(command, cwd=nowhere, env=clean, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return
        raise AssertionError(f"{words}\n{done.stdout}\n{done.stderr}")

    return run


@pytest.fixture(scope="session")
def wheel(uv: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it is released, built once."""
    folder = tmp_path_factory.mktemp("wheel")
    uv("build", "--wheel", "--out-dir", folder, ROOT)
    return next(folder.glob("*.whl"))


@pytest.fixture
def engine_env(engine_path: str, tmp_path: Path) -> dict[str, str]:
    """A hermetic environment for the engine: home, backend and plugins under tmp_path, nothing downloaded."""
    # CI freezes the assignment lock: a test that wants that says so itself.
    apart = ("VIRTUAL_ENV", "CI")
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("PULUMI_") and name not in apart
    }
    backend = tmp_path / "backend"
    backend.mkdir(exist_ok=True)
    return {
        **inherited,
        "PATH": engine_path,
        "PULUMI_HOME": str(tmp_path / "pulumi-home"),
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_ERROR_OUTPUT_STRING": "true",
        "NO_COLOR": "1",
    }


@pytest.fixture
def pulumi(engine_env: dict[str, str]) -> Callable[..., Ran]:
    """Run the engine: `pulumi("preview", "--json", cwd=folder)`; `env` adds to the environment."""

    def run(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None, timeout: float = 300) -> Ran:
        command = ("pulumi", "--non-interactive", "--color=never", *arguments)
        ran = subprocess.run(
            command,
            cwd=cwd,
            env={**engine_env, **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return Ran(command, ran.returncode, ran.stdout, ran.stderr)

    return run
