"""The command as the shell starts it: exit codes, streams, and what it leaves unimported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Invoke


def command(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "quietcore.cli", *arguments], capture_output=True, text=True, cwd=cwd, check=False
    )


def imported(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_command_starts_without_pydantic_pulumi_lxml_or_libvirt() -> None:
    loaded = imported("import quietcore.cli")
    assert not {"pydantic", "pulumi", "lxml", "libvirt", "yaml"} & loaded


@pytest.mark.parametrize("verb", ["explain", "inventory", "plugins", "init", "doctor", "check", "render", "show"])
def test_loading_a_verb_imports_neither_pulumi_nor_lxml(verb: str) -> None:
    loaded = imported(f"import quietcore.cli as c\nc.quietcore.get_command(None, {verb!r})")
    assert not {"pulumi", "lxml", "libvirt", "grpc"} & loaded


def test_help_lists_every_verb_in_the_order_of_use() -> None:
    done = command("--help")
    verbs = [line.split()[0] for line in done.stdout.split("Verbs:")[1].splitlines() if line.startswith("  ")]
    assert [verb for verb in verbs if verb in ("init", "check", "render", "show", "explain")] == [
        "init",
        "check",
        "render",
        "show",
        "explain",
    ]
    assert done.returncode == 0


def test_an_unknown_verb_is_a_usage_error() -> None:
    done = command("chekc")
    assert done.returncode == 2
    assert "No such command 'chekc'" in done.stderr
    assert done.stdout == ""


def test_a_folder_that_is_not_there_is_a_usage_error(invoke: Invoke) -> None:
    done = invoke("-C", "nowhere", "plugins", "list")
    assert done.exit_code == 2
    assert "nowhere: No such file or directory" in done.stderr


def test_a_missing_project_is_told_without_a_traceback(tmp_path: Path) -> None:
    done = command("plugins", "list", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines()[0] == "error: no Pulumi project here"
    assert "hint:    `quietcore init` writes one" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failure_is_json_too_where_json_was_asked_for(invoke: Invoke) -> None:
    done = invoke("plugins", "list", "--json")
    assert json.loads(done.stdout)["schema"] == 1
    assert json.loads(done.stdout)["error"]["what"] == "no Pulumi project here"


def test_another_folder_is_used_as_if_started_there(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "plant").mkdir()
    (tmp_path / "plant" / "Pulumi.yaml").write_text("name: plant\nruntime: python\n")
    done = invoke("-C", "plant", "plugins", "list")
    assert done.exit_code == 0
    assert done.stdout == "libvirt 0.5.4  not wired in Pulumi.yaml\n"
    assert Path.cwd() == tmp_path


def test_the_version_names_library_sdk_and_engine(invoke: Invoke) -> None:
    lines = invoke("--version").stdout.splitlines()
    assert [line.split("  ")[0].strip() for line in lines] == ["quietcore", "pulumi SDK", "pulumi CLI"]
