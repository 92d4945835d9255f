"""The rules of today on what was applied."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.gate.conftest import Gate
from tests.program.kept import releases

pytestmark = pytest.mark.engine


@pytest.fixture
def state() -> Any:
    """A state that a release left: two hosts, two nodes."""
    return json.loads((releases()[0] / "state.json").read_text(encoding="utf-8"))


def written(folder: Path, state: Any) -> str:
    (folder / "state.json").write_text(json.dumps(state))
    return "state.json"


def moved(state: Any) -> Any:
    """Pin the real-time vCPU of each node to the CPU that its host keeps for itself."""
    for resource in state["deployment"]["resources"]:
        if resource["type"].endswith(":Domain"):
            sheet = resource["inputs"]["xml"]["xslt"]
            assert '<vcpupin vcpu="1" cpuset="1"/>' in sheet
            resource["inputs"]["xml"]["xslt"] = sheet.replace('vcpu="1" cpuset="1"', 'vcpu="1" cpuset="0"')
            resource["outputs"]["xml"] = resource["inputs"]["xml"]
    return state


def test_a_state_without_a_finding_passes_with_no_project_and_no_backend(
    quietcore: Gate, tmp_path: Path, state: Any
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    nowhere = {"PULUMI_BACKEND_URL": "file:///nowhere", "PULUMI_CONFIG_PASSPHRASE": "wrong"}
    ran = quietcore("audit", "--file", written(folder, state), cwd=folder, env=nowhere).ok()
    assert ran.stdout.splitlines()[-1] == "audit state.json: passed; 7 of 21 resources judged"


def test_a_full_disk_behind_stdout_is_the_environments_fault(
    tmp_path: Path, engine_env: dict[str, str], state: Any
) -> None:
    command = [sys.executable, "-m", "quietcore.cli", "audit", "--file", written(tmp_path, state)]
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(command, cwd=tmp_path, env=engine_env, stdout=full, stderr=subprocess.PIPE, check=False)
    assert ran.returncode == 2
    assert b"No space left" in ran.stderr
    assert b"Traceback" not in ran.stderr


def test_a_state_with_a_violation_is_refused_with_the_same_outputs(project: Any, quietcore: Gate, state: Any) -> None:
    file = written(project.folder, moved(state))
    project.write("")
    outputs = ("-o", "audit.sarif", "-o", "audit.xml", "-o", "audit.md")
    ran = quietcore("audit", "--file", file, "--json", *outputs)
    assert ran.returncode == 1
    assert "D06" in {finding["code"] for finding in ran.json()["findings"]}
    assert "D06" in (project.folder / "audit.md").read_text()


def test_a_stack_is_audited_as_it_was_applied_last(project: Any, quietcore: Gate, state: Any) -> None:
    file = written(project.folder, moved(state))
    project.pulumi("stack", "import", "--stack", "dev", "--file", file, cwd=project.folder).ok()
    ran = quietcore("audit", "dev", "--json")
    assert ran.returncode == 1
    assert "D06" in {finding["code"] for finding in ran.json()["findings"]}
    assert {reason["kind"] for reason in ran.json()["reasons"]} == {"finding"}


def test_exemptions_of_the_stacks_configuration_count(project: Any, quietcore: Gate, state: Any) -> None:
    project.pulumi(
        "stack", "import", "--stack", "dev", "--file", written(project.folder, moved(state)), cwd=project.folder
    )
    given = [
        {"code": code, "resource": node, "reason": "bench", "owner": "ops", "expires": "2099-12-31"}
        for code in ("D04", "D06")
        for node in ("plc-a", "plc-b")
    ]
    (project.folder / "Pulumi.dev.yaml").write_text(json.dumps({"config": {"quietcore:exemptions": given}}))
    ran = quietcore("audit", "dev", "--json")
    assert {(each["code"], each["resource"]) for each in ran.json()["exempt"]} == {
        (each["code"], each["resource"]) for each in given
    }


def test_a_pack_that_crashes_has_judged_nothing(project: Any, quietcore: Gate, state: Any) -> None:
    pack = project.folder / "broken"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text((project.folder / "Pulumi.yaml").read_text())
    (pack / "__main__.py").write_text('raise RuntimeError("pack broken")')
    ran = quietcore("audit", "--file", written(project.folder, state), "--policy-pack", "broken", "--json")
    assert ran.returncode == 1
    assert [reason["kind"] for reason in ran.json()["reasons"]] == ["not-judged"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"deployment": 1}', '{"deployment": {"resources": [1]}}'])
def test_what_is_no_state_is_the_environments_fault(project: Any, quietcore: Gate, text: str) -> None:
    (project.folder / "state.json").write_text(text)
    ran = quietcore("audit", "--file", "state.json")
    assert ran.returncode == 2
    assert "not an exported state" in ran.stderr


def test_either_a_stack_or_a_file_is_judged(quietcore: Gate) -> None:
    assert quietcore("audit").returncode == 2
    assert quietcore("audit", "dev", "--file", "x").returncode == 2
