"""The main job, as a newcomer runs it: one command, two hosts, two real-time guests, every claim looked at."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from quietcore import lab as labs

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[2]
SHARED = ("Pulumi.yaml", "pyproject.toml", "uv.lock", ".venv", "policies", "plugins", "toolchain")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The project with a state and a lock of its own, so that nobody's own demo is touched."""
    folder = tmp_path / "quietcore"
    folder.mkdir()
    for name in SHARED:
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "stacks", folder / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.mark.timeout(1500)
def test_one_command_makes_two_real_time_guests_and_proves_what_was_declared(checkout, engine_env, tier2):
    name = f"d{os.getpid()}"
    environment = {key: value for key, value in engine_env.items() if not key.startswith(("PULUMI_", "CI"))}
    command = [sys.executable, "-m", "quietcore.cli", "lab", "demo", "--name", name]
    try:
        ran = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=1400)
    finally:
        labs.down(name, labs.Silent())
    said = ran.stdout + ran.stderr
    assert ran.returncode == 0, said
    assert "✗" not in ran.stdout
    for proof in (
        "kernel is PREEMPT_RT",
        "isolated CPUs",
        "tuned profile",
        "kernel.sched_rt_runtime_us",
        "vcpu 1 policy",
    ):
        assert ran.stdout.count(f" {proof} ") == 2, said  # once a guest
    assert ran.stdout.count("cyclictest on guest CPU 1") == 2
    assert "22 unchanged" in ran.stdout
