"""Projects that the gate judges with the real engine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Ran
from tests.policy.conftest import Previewed

Gate = Callable[..., Ran]


@pytest.fixture
def project(tmp_path: Path, pulumi: Callable[..., object]) -> Previewed:
    """A project with a stack `dev`, whose hosts are out of reach."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Previewed(folder, pulumi)


@pytest.fixture
def quietcore(project: Previewed, engine_env: dict[str, str]) -> Gate:
    """Run `quietcore ARGS` in the project."""

    def run(*arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Ran:
        command = (sys.executable, "-m", "quietcore.cli", *arguments)
        ran: Any = subprocess.run(
            command,
            cwd=cwd or project.folder,
            env={**engine_env, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return Ran(command, ran.returncode, ran.stdout, ran.stderr)

    return run
