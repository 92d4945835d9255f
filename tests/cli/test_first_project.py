"""A project made by `quietcore init` previews under the real engine with its own policy pack, elsewhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import Ran

pytestmark = pytest.mark.engine
pytest.importorskip("libvirt")


def quietcore(*arguments: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "quietcore.cli", *arguments]
    return subprocess.run(command, cwd=cwd, env={**env, "CI": ""}, capture_output=True, text=True, check=False)


@pytest.fixture
def first(tmp_path: Path, engine_env: dict[str, str], pulumi: Callable[..., Ran]) -> Path:
    """The project, with its stack made and its assignments written."""
    made = quietcore("init", "first", "--host", "test:///default", cwd=tmp_path, env=engine_env)
    assert made.returncode == 0, made.stderr
    folder = tmp_path / "first"
    checked = quietcore("check", "dev", cwd=folder, env=engine_env)
    assert checked.stdout == "checked 1 host, 1 node: no findings\n", checked.stdout + checked.stderr
    pulumi("stack", "init", "dev", cwd=folder).ok()
    return folder


def test_the_preview_of_a_first_project_passes_its_policies(first: Path, pulumi: Callable[..., Ran]) -> None:
    seen = pulumi("preview", "--stack", "dev", "--policy-pack", "policies", cwd=first).ok()
    assert "libvirt:index:Domain rt-a create" in seen.output
    assert "first@v0.0.1 (local: policies)" in seen.output


def test_a_mistake_in_a_first_project_is_refused_by_check_and_preview_alike(
    first: Path, engine_env: dict[str, str], pulumi: Callable[..., Ran]
) -> None:
    program = first / "__main__.py"
    program.write_text(program.read_text().replace("tuned=realtime,", "tuned=realtime,\n    priority=99,"))
    checked = quietcore("check", "dev", cwd=first, env=engine_env)
    assert checked.returncode == 1
    assert "error[D11]" in checked.stdout
    seen = pulumi("preview", "--stack", "dev", "--policy-pack", "policies", cwd=first)
    assert seen.returncode != 0
    assert "quietcore explain D11" in seen.output
