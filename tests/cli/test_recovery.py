"""The doctor recognises what a killed engine leaves in a real state, and its recipe names the engine's own commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.plant import write_plant
from tests.conftest import Ran

pytestmark = pytest.mark.engine

URN = "urn:pulumi:dev::plant::libvirt:index/volume:Volume::left"


@pytest.fixture
def stack(tmp_path: Path, pulumi: Callable[..., Ran]) -> Path:
    """A project with an empty stack `dev` in a file backend."""
    folder = write_plant(tmp_path / "plant")
    pulumi("stack", "init", "dev", cwd=folder).ok()
    return folder


def doctor(folder: Path, env: dict[str, str]) -> dict[str, Any]:
    """The conditions of the stack's state, by name."""
    command = [sys.executable, "-m", "quietcore.cli", "doctor", "--stack", "dev", "--json"]
    ran = subprocess.run(command, cwd=folder, env={**env, "CI": ""}, capture_output=True, text=True, check=False)
    return {one["name"]: one for one in json.loads(ran.stdout)["conditions"] if one["group"] == "stack dev"}


def leave_pending(backend: Path) -> None:
    """What an engine that is killed while it makes a resource leaves: `stack import` would drop it."""
    file = backend / ".pulumi/stacks/plant/dev.json"
    state = json.loads(file.read_text())
    resource = {"urn": URN, "custom": True, "type": "libvirt:index/volume:Volume", "inputs": {}}
    state["checkpoint"]["latest"]["pending_operations"] = [{"resource": resource, "type": "creating"}]
    file.write_text(json.dumps(state))


def test_a_stack_that_ended_well_has_nothing_left(stack: Path, engine_env: dict[str, str]) -> None:
    found = doctor(stack, engine_env)
    assert {name: one["status"] for name, one in found.items()} == {
        "program": "ok",
        "state": "ok",
        "lock": "ok",
        "pending operations": "ok",
    }


def test_what_a_killed_engine_leaves_is_recognised(stack: Path, engine_env: dict[str, str], tmp_path: Path) -> None:
    leave_pending(tmp_path / "backend")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    locks = tmp_path / "backend/.pulumi/locks/organization/plant/dev"
    locks.mkdir(parents=True, exist_ok=True)
    held = {"pid": ended.pid, "username": "me", "hostname": os.uname().nodename, "timestamp": "2026-01-01T00:00:00Z"}
    (locks / "0.json").write_text(json.dumps(held))

    found = doctor(stack, engine_env)

    assert found["lock"]["status"] == "failed"
    assert found["lock"]["fix"] == ["pulumi cancel -y --stack dev"]
    assert found["pending operations"]["detail"] == "creating libvirt:index/volume:Volume left"
    assert [line.split()[1] for line in found["pending operations"]["fix"]] == ["cancel", "up", "refresh"]


def test_the_first_and_the_last_step_of_the_recipe_clean_the_state(
    stack: Path, engine_env: dict[str, str], pulumi: Callable[..., Ran], tmp_path: Path
) -> None:
    leave_pending(tmp_path / "backend")
    recipe = doctor(stack, engine_env)["pending operations"]["fix"]
    for step in (recipe[0], recipe[2]):
        pulumi(*step.split()[1:], cwd=stack).ok()
    assert doctor(stack, engine_env)["pending operations"]["status"] == "ok"
