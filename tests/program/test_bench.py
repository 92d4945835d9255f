"""The benchmarks run. What they measure is nothing for a test to assert: it depends on the machine."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def bench(*arguments: str) -> str:
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_every_benchmark_names_its_peer():
    told = json.loads(bench("list", "--json"))
    names = {each["name"] for each in told["benchmarks"]}
    assert told["schema"] == 1
    assert all(each["peer"] and each["ours"] for each in told["benchmarks"])
    assert {"check-one", "check-thousand", "preview-100", "policy-pack"} <= names


def test_a_benchmark_runs_ours_beside_its_peer_and_gives_the_ratio():
    told = json.loads(bench("check-one", "--json", "--runs", "1"))
    assert told["name"] == "check-one"
    assert set(told["ours"]) == set(told["theirs"]) == {"minimum", "median", "maximum"}
    assert told["ratio"] > 0
    assert any(remark.startswith("imports: ") for remark in told["remarks"])


def test_an_unknown_benchmark_is_refused_with_the_names_that_there_are():
    command = [sys.executable, "-m", "bench", "chek-one"]
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "check-one" in refused.stderr


def test_the_raw_program_registers_what_the_components_register(tmp_path):
    sys.path.insert(0, str(ROOT))
    try:
        from bench.site import resources, write_declared, write_raw
    finally:
        sys.path.remove(str(ROOT))
    write_declared(tmp_path / "declared", hosts=2, nodes=2)
    write_raw(tmp_path / "raw", tmp_path / "declared")
    assert resources(tmp_path / "raw") == resources(tmp_path / "declared")
