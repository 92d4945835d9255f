"""A copy of the repository's own projects, where the commands of the documentation may write."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from tests.docs.pages import ROOT

COPIED = ("examples", "stacks", "policies", "plugins", "docs", "Pulumi.yaml", "Pulumi.lab.yaml")
Run = Callable[..., tuple[str, int]]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-console", action="store_true", help="write what commands print into the pages")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The projects with this environment, whatever toolchain they name."""
    folder = tmp_path / "quietcore"
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "Pulumi.dev.yaml")
            shutil.copytree(source, folder / name, ignore=ignored)
        elif source.exists():
            shutil.copy(source, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    for file in (*folder.rglob("Pulumi.yaml"), *folder.rglob("PulumiPolicy.yaml")):
        file.write_text(file.read_text().replace("toolchain: uv", f"virtualenv: {sys.prefix}"))
    return folder


@pytest.fixture
def shell(tmp_path: Path) -> Run:
    """Run a command line; gives what a terminal shows, and the exit code."""

    def run(command: str, *, cwd: Path, env: Mapping[str, str] | None = None) -> tuple[str, int]:
        own = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
            "QUIETCORE_LAB_DIR": str(tmp_path / "no-lab"),
            "NO_COLOR": "1",
            "PYTHONUNBUFFERED": "1",
            "COLUMNS": "80",
        }
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("QUIETCORE_", "PULUMI_"))
        }
        inherited.pop("CI", None)
        ran = subprocess.run(
            ["bash", "-c", command],
            cwd=cwd,
            env={**inherited, **own, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return ran.stdout, ran.returncode

    return run
