"""The built wheel, alone in an environment of its own, serves a project in a folder that knows nothing of this one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.plant import write_plant


def run(*command: str | Path, cwd: Path) -> str:
    clean = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH", "CI")}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def installed(wheel: Path, uv: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment that holds the base wheel only: no extras, no compiler needed."""
    environment = tmp_path_factory.mktemp("base") / "env"
    uv("venv", environment)
    uv("pip", "install", "--python", environment / "bin/python", wheel)
    return environment / "bin"


def test_the_base_wheel_checks_a_project_and_draws_it(installed: Path, tmp_path: Path) -> None:
    write_plant(tmp_path)
    assert run(installed / "quietcore", "check", "prod", cwd=tmp_path) == "checked 2 hosts, 2 nodes: no findings\n"
    assert "a plc-a  vCPU 0 on 0" in run(installed / "quietcore", "show", "prod", cwd=tmp_path)


def test_the_plugin_of_a_foreign_project_starts_the_environment_of_the_wheel(installed: Path, tmp_path: Path) -> None:
    write_plant(tmp_path)
    run(installed / "quietcore", "plugins", "install", cwd=tmp_path)
    launcher = tmp_path / ".quietcore/plugins/pulumi-libvirt/pulumi-resource-libvirt"
    assert f"exec {installed}/python -u -m quietcore.plugins.libvirt" in launcher.read_text()


def test_without_libvirt_the_way_to_get_it_is_told(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [installed / "quietcore", "inventory", "test:///default"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: libvirt-python is not installed\n  hint:    pip install 'quietcore[libvirt]'")
