"""The Python language host, driven by the real engine."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.engine

Engine = Callable[..., Any]
Make = Callable[..., Path]

NOTE = "import json, pathlib, sys; pathlib.Path({path!r}).write_text(sys.prefix)"


def test_stack_and_configuration_reach_the_policy_pack(pulumi: Engine, make_project: Make, make_pack: Make) -> None:
    project = make_project("import pulumi; pulumi.export('one', 1)")
    note = project / "pack-saw.json"
    pack = make_pack(
        f"""pathlib.Path({str(note)!r}).write_text(json.dumps({{
        "project": pulumi.get_project(), "stack": pulumi.get_stack(), "organization": pulumi.get_organization(),
        "preview": pulumi.runtime.is_dry_run(), "colour": pulumi.Config("tiny").get("colour"),
        "password": pulumi.Config("tiny").get("password"), "folder": os.getcwd(),
        "secret keys": json.loads(os.environ["PULUMI_CONFIG_SECRET_KEYS"])}}))"""
    )
    pulumi("stack", "init", "dev", cwd=project).ok()
    pulumi("config", "set", "colour", "blue", cwd=project).ok()
    pulumi("config", "set", "--secret", "password", "pâss", cwd=project).ok()

    pulumi("preview", "--policy-pack", str(pack), cwd=project).ok()

    assert json.loads(note.read_text()) == {
        **{"project": "tiny", "stack": "dev", "organization": "organization", "preview": True},
        **{"colour": "blue", "password": "pâss", "folder": str(pack), "secret keys": ["tiny:password"]},
    }


def test_the_pack_knows_that_an_up_is_no_preview(pulumi: Engine, make_project: Make, make_pack: Make) -> None:
    project = make_project("")
    pack = make_pack(f"pathlib.Path({str(project / 'dry-run')!r}).write_text(os.environ['PULUMI_DRY_RUN'])")
    pulumi("stack", "init", "dev", cwd=project).ok()

    pulumi("up", "--skip-preview", "--yes", "--policy-pack", str(pack), cwd=project).ok()

    assert (project / "dry-run").read_text() == "false"


def test_a_violation_reaches_the_user_and_stops_the_preview(
    pulumi: Engine, make_project: Make, make_pack: Make
) -> None:
    project = make_project("")
    pack = make_pack("report('not in this house')")
    source = pack / "__main__.py"
    source.write_text(source.read_text().replace("ADVISORY", "MANDATORY"))
    pulumi("stack", "init", "dev", cwd=project).ok()

    ran = pulumi("preview", "--policy-pack", str(pack), cwd=project)

    assert ran.returncode != 0
    assert "not in this house" in ran.output


def test_the_virtualenv_option_is_honoured_for_program_and_pack(
    pulumi: Engine, make_project: Make, make_pack: Make, make_venv: Make, tmp_path: Path
) -> None:
    program_note, pack_note = tmp_path / "program-ran-in", tmp_path / "pack-ran-in"
    project = make_project(NOTE.format(path=str(program_note)), options={"virtualenv": "mine"})
    pack = make_pack(NOTE.format(path=str(pack_note)), options={"virtualenv": "../pack-venv"})
    make_venv(project / "mine")
    make_venv(tmp_path / "pack-venv")
    pulumi("stack", "init", "dev", cwd=project).ok()

    pulumi("preview", "--policy-pack", str(pack), cwd=project).ok()

    assert Path(program_note.read_text()) == project / "mine"
    assert Path(pack_note.read_text()).resolve() == tmp_path / "pack-venv"


@pytest.mark.parametrize("options", [{"toolchain": "uv"}, {}], ids=["asked for", "told by uv.lock"])
def test_uv_environments_are_found_upwards_for_program_and_pack(
    pulumi: Engine, make_project: Make, make_pack: Make, make_venv: Make, tmp_path: Path, options: dict[str, str]
) -> None:
    project = make_project(NOTE.format(path=str(tmp_path / "one")), options=options, folder="site/stacks/program")
    pack = make_pack(NOTE.format(path=str(tmp_path / "two")), options=options, folder="site/policies")
    (tmp_path / "site" / "uv.lock").touch()
    (tmp_path / "site" / "stacks" / "pyproject.toml").touch()  # nearer, but a lock file decides
    venv = make_venv(tmp_path / "site" / ".venv")
    pulumi("stack", "init", "dev", cwd=project).ok()

    pulumi("preview", "--policy-pack", str(pack), cwd=project).ok()

    assert {(tmp_path / "one").read_text(), (tmp_path / "two").read_text()} == {str(venv)}


def test_a_missing_environment_is_told_with_the_command_that_makes_it(pulumi: Engine, make_project: Make) -> None:
    project = make_project("", options={"toolchain": "uv"})
    (project / "uv.lock").touch()
    pulumi("stack", "init", "dev", cwd=project).ok()

    ran = pulumi("preview", cwd=project)

    assert ran.returncode != 0
    assert "no Python environment" in ran.output
    assert f"hint: cd {project} && uv sync" in ran.output
    assert "Traceback" not in ran.output


def test_an_unknown_toolchain_is_refused_with_what_is_allowed(pulumi: Engine, make_project: Make) -> None:
    project = make_project("", options={"toolchain": "conda"})
    pulumi("stack", "init", "dev", cwd=project).ok()

    ran = pulumi("preview", cwd=project)

    assert ran.returncode != 0
    assert "given: conda" in ran.output
    assert "allowed: pip, poetry, uv" in ran.output


def test_a_failing_program_is_told_once_and_an_exit_code_by_its_number(pulumi: Engine, make_project: Make) -> None:
    project = make_project("raise ValueError('broken on purpose')")
    pulumi("stack", "init", "dev", cwd=project).ok()

    raised = pulumi("preview", cwd=project)
    (project / "__main__.py").write_text("import os; os._exit(7)")
    exited = pulumi("preview", cwd=project)

    assert raised.returncode != 0
    assert "broken on purpose" in raised.output
    assert "exit code" not in raised.output
    assert exited.returncode != 0
    assert "non-zero exit code: 7" in exited.output


def test_a_python_plugin_is_run_in_its_own_environment(
    pulumi: Engine, make_project: Make, make_venv: Make, tmp_path: Path
) -> None:
    plugin, note = tmp_path / "plugin", tmp_path / "plugin-ran-in"
    plugin.mkdir()
    (plugin / "PulumiPlugin.yaml").write_text(json.dumps({"name": "echo", "runtime": "python"}))
    (plugin / "__main__.py").write_text(PLUGIN.replace("NOTE", NOTE.format(path=str(note))))
    make_venv(plugin / "venv")
    project = make_project("import pulumi; pulumi.export('id', pulumi.ProviderResource('echo', 'one', {}).urn)")
    settings = json.loads((project / "Pulumi.yaml").read_text())
    settings["plugins"] = {"providers": [{"name": "echo", "path": str(plugin)}]}
    (project / "Pulumi.yaml").write_text(json.dumps(settings))
    pulumi("stack", "init", "dev", cwd=project).ok()

    pulumi("preview", cwd=project).ok()

    assert Path(note.read_text()) == plugin / "venv"


PLUGIN = """\
import sys
from pulumi.provider import Provider
from pulumi.provider.server import main
NOTE

class Echo(Provider):
    def __init__(self):
        super().__init__("0.0.1")

main(Echo(), sys.argv[1:])
"""


def test_about_names_the_interpreter_and_what_is_installed(pulumi: Engine, make_project: Make) -> None:
    project = make_project("")
    pulumi("stack", "init", "dev", cwd=project).ok()

    about = pulumi("about", "--json", cwd=project).ok().json()

    assert about["runtime"]["executable"] == str(Path(sys.prefix) / "bin" / "python")
    assert any(one["name"] == "quietcore" for one in about["dependencies"])


def test_a_second_preview_is_timed(pulumi: Engine, make_project: Make, make_pack: Make) -> None:
    project, pack = make_project(""), make_pack("pass")
    pulumi("stack", "init", "dev", cwd=project).ok()
    pulumi("preview", "--policy-pack", str(pack), cwd=project).ok()

    began = time.monotonic()
    pulumi("preview", "--policy-pack", str(pack), cwd=project).ok()

    print(f"second preview with a policy pack: {time.monotonic() - began:.2f} s")


def test_import_writes_the_python_that_the_program_needs(pulumi: Engine, make_project: Make) -> None:
    plugin = Path(__file__).parents[2] / "plugins" / "pulumi-libvirt"
    project = make_project("")
    settings = json.loads((project / "Pulumi.yaml").read_text())
    settings["plugins"] = {"providers": [{"name": "libvirt", "path": str(plugin)}]}
    (project / "Pulumi.yaml").write_text(json.dumps(settings))
    pulumi("stack", "init", "dev", cwd=project).ok()
    pulumi("config", "set", "libvirt:uri", "test:///default", cwd=project).ok()

    imported = pulumi("import", "libvirt:index/network:Network", "default", "default", "--yes", cwd=project).ok()

    assert 'default = libvirt.Network("default",' in imported.stdout
