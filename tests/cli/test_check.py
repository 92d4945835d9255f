"""`quietcore check` as a user sees it: text, streams, exit codes, the lock."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Invoke
from tests.cli.plant import BAD_PROGRAM, PROGRAM, write_plant

PRIORITY = """\
error[D11]: vCPU priority outranks the kernel or is out of range
  where:   __main__.py, node "plc-b", priority
  given:   priority 99 for vCPU 1
  allowed: 1 to 98
  hint:    set priority to 1; above it only where vCPUs must outrank other real-time threads
  more:    quietcore explain D11
"""


def test_a_clean_program_says_what_was_checked(invoke: Invoke, plant: Path) -> None:
    done = invoke("check", "prod")
    assert done.exit_code == 0
    assert done.stdout == "checked 2 hosts, 2 nodes: no findings\n"


def test_new_assignments_are_written_and_told_on_stderr(invoke: Invoke, plant: Path) -> None:
    done = invoke("check", "prod")
    assert done.stderr == "wrote prod.lock.yaml: assigned plc-a, plc-b (commit it)\n"
    assert "plc-a:" in (plant / "prod.lock.yaml").read_text()
    assert invoke("check", "prod").stderr == ""


def test_all_findings_are_told_at_once_with_a_sum_at_the_end(invoke: Invoke, tmp_path: Path) -> None:
    write_plant(tmp_path, BAD_PROGRAM)
    done = invoke("check", "prod")
    assert done.exit_code == 1
    assert [line for line in done.stdout.splitlines() if line.startswith("error[")] == [
        "error[D04]: real-time vCPU shares its CPU with another vCPU",
        "error[D06]: real-time vCPU is pinned outside the isolated CPUs",
        "error[D11]: vCPU priority outranks the kernel or is out of range",
    ]
    assert PRIORITY in done.stdout
    assert done.stdout.endswith("\nchecked 2 hosts, 2 nodes: 3 errors\n")


def test_json_holds_the_same_findings(invoke: Invoke, tmp_path: Path) -> None:
    write_plant(tmp_path, BAD_PROGRAM)
    done = invoke("check", "prod", "--json")
    data = json.loads(done.stdout)
    assert done.exit_code == 1
    assert (data["schema"], data["stack"], data["hosts"]) == (1, "prod", ["hv1", "hv2"])
    assert [finding["code"] for finding in data["findings"]] == ["D04", "D06", "D11"]
    assert {"code", "severity", "title", "file", "where", "given", "allowed", "hint"} == set(data["findings"][0])


@pytest.mark.parametrize("option", [["--frozen"], []])
def test_a_frozen_check_finds_missing_assignments_and_writes_none(
    invoke: Invoke, plant: Path, monkeypatch: pytest.MonkeyPatch, option: list[str]
) -> None:
    if not option:
        monkeypatch.setenv("CI", "true")
    done = invoke("check", "prod", *option)
    assert done.exit_code == 1
    assert done.stdout.count("error[L01]") == 2
    assert not (plant / "prod.lock.yaml").exists()


def test_a_node_that_is_gone_leaves_the_lock_when_asked(invoke: Invoke, plant: Path) -> None:
    invoke("check", "prod")
    write_plant(plant, PROGRAM.rpartition("RtNode(")[0])
    kept = invoke("check", "prod")
    assert "keeps CPUs for what is declared no more: plc-b (quietcore check prod --prune gives them up)" in kept.stderr
    assert "plc-b:" in (plant / "prod.lock.yaml").read_text()
    assert "wrote prod.lock.yaml: dropped plc-b (commit it)" in invoke("check", "prod", "--prune").stderr
    assert "plc-b:" not in (plant / "prod.lock.yaml").read_text()


def test_what_the_program_prints_does_not_mix_with_the_answer(invoke: Invoke, tmp_path: Path) -> None:
    write_plant(tmp_path, "print('hello')\n" + PROGRAM)
    done = invoke("check", "prod", "--json")
    assert json.loads(done.stdout)["findings"] == []
    assert "hello" in done.stderr


def test_a_program_that_fails_is_told_by_its_line_without_a_traceback(invoke: Invoke, tmp_path: Path) -> None:
    write_plant(tmp_path, PROGRAM + "\nRtNode('plc-c', hots=hv1)\n")
    done = invoke("check", "prod")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.splitlines()[:2] == [
        'error: the program of stack "prod" failed',
        "  where:   __main__.py, line 11",
    ]
    assert "TypeError" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_program_that_fails_after_a_finding_is_told_beside_it(invoke: Invoke, tmp_path: Path) -> None:
    write_plant(tmp_path, BAD_PROGRAM + "\nraise LookupError('no such plant')\n")
    done = invoke("check", "prod")
    assert done.exit_code == 1
    assert PRIORITY in done.stdout
    assert done.stderr == (
        'note: the program of stack "prod" failed\n'
        "  where:   __main__.py, line 11\n"
        "  given:   LookupError: no such plant\n"
        "  hint:    mend the findings first; what the program declares after that line is not judged\n"
    )


def test_a_failure_is_none_the_less_one_where_a_rule_only_advised(invoke: Invoke, tmp_path: Path) -> None:
    advised = PROGRAM.replace('housekeeping="0,4", isolated="1-3,5-7"', 'housekeeping="0", isolated="1-7"')
    write_plant(tmp_path, advised)
    assert "warning[C06]" in invoke("check", "prod").stdout
    write_plant(tmp_path, advised + "\nimport pulumi\npulumi.Config().require('image')\n")
    done = invoke("check", "prod")
    assert done.exit_code == 2
    assert "Missing required configuration variable" in done.stderr


def test_a_program_that_leaves_early_is_told(invoke: Invoke, tmp_path: Path) -> None:
    write_plant(tmp_path, "raise SystemExit(3)\n")
    done = invoke("check", "prod")
    assert done.exit_code == 2
    assert "the program left before its end" in done.stderr


def test_a_stack_that_the_program_has_not_is_told_with_those_it_has(invoke: Invoke, tmp_path: Path) -> None:
    write_plant(tmp_path, "from importlib import import_module\nimport pulumi\nimport_module(pulumi.get_stack())\n")
    (tmp_path / "prod.py").write_text("")
    done = invoke("check", "prdo")
    assert done.exit_code == 2
    assert "the program has no such stack" in done.stderr
    assert "allowed: prod" in done.stderr


def test_a_typo_in_a_topology_file_names_file_and_key(invoke: Invoke, plant: Path) -> None:
    file = plant / "hosts/hv.yaml"
    file.write_text(file.read_text().replace("vendor:", "vender:"))
    done = invoke("check", "prod")
    assert done.exit_code == 1
    assert "error[S01]: unknown key" in done.stdout
    assert "hosts/hv.yaml" in done.stdout
    assert 'did you mean "vendor"?' in done.stdout


def test_a_missing_stack_is_a_usage_error_that_names_those_there_are(invoke: Invoke, plant: Path) -> None:
    invoke("check", "prod")
    done = invoke("check")
    assert done.exit_code == 2
    assert "Missing argument 'STACK'. This project has: prod." in done.stderr
