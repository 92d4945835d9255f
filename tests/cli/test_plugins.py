from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.cli.conftest import Invoke


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: plant # ours\nruntime: python\n")
    return tmp_path


def test_install_writes_the_entry_and_an_executable_of_this_python(invoke: Invoke, project: Path) -> None:
    done = invoke("plugins", "install")
    assert done.exit_code == 0
    folder = project / ".quietcore/plugins/pulumi-libvirt"
    launcher = folder / "pulumi-resource-libvirt"
    assert os.access(launcher, os.X_OK)
    assert f"exec {sys.executable} -u -m quietcore.plugins.libvirt" in launcher.read_text()
    assert yaml.safe_load((project / "Pulumi.yaml").read_text())["plugins"] == {
        "providers": [{"name": "libvirt", "path": ".quietcore/plugins/pulumi-libvirt"}]
    }
    assert done.stdout == ""


def test_list_says_from_where_a_plugin_is_served(invoke: Invoke, project: Path) -> None:
    invoke("plugins", "install")
    assert invoke("plugins", "list").stdout == "libvirt 0.5.4  served from .quietcore/plugins/pulumi-libvirt\n"


def test_list_tells_a_python_that_is_gone(invoke: Invoke, project: Path) -> None:
    invoke("plugins", "install")
    launcher = project / ".quietcore/plugins/pulumi-libvirt/pulumi-resource-libvirt"
    launcher.write_text(launcher.read_text().replace(sys.executable, "/gone/python"))
    row = json.loads(invoke("plugins", "list", "--json").stdout)["plugins"][0]
    assert row["fault"] == ".quietcore/plugins/pulumi-libvirt starts /gone/python, which is gone"


def test_a_folder_of_the_projects_own_that_runs_the_plugin_is_left_alone(invoke: Invoke, project: Path) -> None:
    own = project / "plugins/pulumi-libvirt"
    own.mkdir(parents=True)
    (own / "pulumi-resource-libvirt").write_text('#!/bin/sh\nexec python3 -u -m quietcore.plugins.libvirt "$@"\n')
    (own / "pulumi-resource-libvirt").chmod(0o755)
    text = "name: a\nplugins:\n  providers:\n    - name: libvirt\n      path: plugins/pulumi-libvirt\n"
    (project / "Pulumi.yaml").write_text(text)
    done = invoke("plugins", "install")
    assert done.stderr == "libvirt: already served from plugins/pulumi-libvirt\n"
    assert (project / "Pulumi.yaml").read_text() == text


def test_a_checkout_that_would_show_the_folder_to_git_is_told(invoke: Invoke, project: Path) -> None:
    subprocess.run(["git", "init", "-q", str(project)], check=True)
    assert "add .quietcore/ to .gitignore" in invoke("plugins", "install").stderr
    (project / ".gitignore").write_text(".quietcore/\n")
    assert ".gitignore" not in invoke("plugins", "install").stderr
