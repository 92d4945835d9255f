"""The built wheel in an empty environment, and a project that `quietcore init` made of a host: up on that host."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import libvirt
import pytest

from quietcore.lab.evidence import outside
from quietcore.render.domain_xml import lift

pytestmark = [pytest.mark.lab, pytest.mark.engine]


@pytest.fixture(scope="module")
def environment(wheel: Path, uv: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment that holds the wheel with its extras and nothing of this project."""
    folder = tmp_path_factory.mktemp("foreign") / "env"
    uv("venv", folder)
    uv("pip", "install", "--python", folder / "bin/python", f"{wheel}[libvirt,policy]")
    return folder / "bin"


@pytest.fixture
def shell(environment: Path, engine_env: dict[str, str], tmp_path: Path) -> Callable[..., Any]:
    """Run a command line as the user of that environment would; the output where it succeeds."""
    own = str(Path(sys.executable).parent)
    path = [str(environment), *(folder for folder in engine_env["PATH"].split(os.pathsep) if folder != own)]
    env = {**engine_env, "PATH": os.pathsep.join(path), "CI": ""}

    def run(command: str, cwd: Path = tmp_path) -> str:
        done = subprocess.run(
            command, shell=True, cwd=cwd, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    return run


def test_a_first_project_on_a_host_of_the_lab_goes_up_and_away(shell, lab, tmp_path):
    (host, *_) = lab.hosts
    assert str(tmp_path) not in shell("python -c 'import quietcore; print(quietcore.__file__)'")
    told = shell(f"quietcore init first --host '{host.uri}'")
    folder = tmp_path / "first"
    program = folder / "__main__.py"
    program.write_text(program.read_text().replace("tuned=realtime,", 'tuned=realtime,\n    shutdown_timeout="0s",'))
    shell("qemu-img create -q -f qcow2 blank.qcow2 4M", cwd=folder)

    assert "checked 1 host, 1 node: no findings" in shell("quietcore check dev", cwd=folder)
    for command in (
        "pulumi stack init dev",
        "pulumi preview --policy-pack policies",
        "pulumi up --policy-pack policies",
    ):
        assert command in told
    shell("pulumi stack init dev && pulumi config set image blank.qcow2", cwd=folder)
    previewed = shell("pulumi preview --non-interactive --policy-pack policies", cwd=folder)
    assert "libvirt:index:Domain rt-a create" in previewed
    assert "first@v0.0.1 (local: policies)" in previewed
    try:
        shell("pulumi up --non-interactive --yes --skip-preview --policy-pack policies", cwd=folder)
        connection = libvirt.open(host.uri)
        domain = connection.lookupByName("rt-a")
        assert [one for one in outside(domain, lift(domain.XMLDesc())) if not one.holds] == []
        shell("pulumi preview --non-interactive --expect-no-changes --policy-pack policies", cwd=folder)
        assert "nothing failed" in shell("quietcore doctor --stack dev", cwd=folder)
    finally:
        shell("pulumi destroy --non-interactive --yes --skip-preview", cwd=folder)
    assert connection.listAllDomains() == []
    assert connection.listAllStoragePools() == []
