"""A tiny program and a tiny policy pack, and Python environments to run them in."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest


def runtime(name: str, options: Mapping[str, str], **more: str) -> str:
    """A Pulumi.yaml, PulumiPolicy.yaml or PulumiPlugin.yaml; JSON is YAML."""
    return json.dumps({**({"name": name} if name else {}), **more, "runtime": {"name": "python", "options": options}})


@pytest.fixture
def make_project(tmp_path: Path) -> Callable[..., Path]:
    """Write a program's folder; by default it runs in the environment of this test."""

    def make(program: str, *, options: Mapping[str, str] | None = None, folder: str = "program") -> Path:
        directory = tmp_path / folder
        directory.mkdir(parents=True, exist_ok=True)
        chosen = {"virtualenv": sys.prefix} if options is None else options
        (directory / "Pulumi.yaml").write_text(runtime("tiny", chosen))
        (directory / "__main__.py").write_text(program)
        return directory

    return make


@pytest.fixture
def make_pack(tmp_path: Path) -> Callable[..., Path]:
    """Write a policy pack's folder; `seen` runs once for each resource."""

    def make(seen: str, *, options: Mapping[str, str] | None = None, folder: str = "pack") -> Path:
        pytest.importorskip("pulumi_policy", reason="the extra `policy` is not installed")
        directory = tmp_path / folder
        directory.mkdir(parents=True, exist_ok=True)
        chosen = {"virtualenv": sys.prefix} if options is None else options
        (directory / "PulumiPolicy.yaml").write_text(runtime("", chosen, version="0.0.1"))
        (directory / "__main__.py").write_text(PACK.replace("SEEN", seen))
        return directory

    return make


PACK = """\
import json, os, pathlib, sys
import pulumi
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

def look(args, report):
    SEEN

PolicyPack("pack", [ResourceValidationPolicy("look", "looks", look, EnforcementLevel.ADVISORY)])
"""


@pytest.fixture
def make_venv() -> Callable[[Path], Path]:
    """Make a virtual environment that sees this one's packages through a .pth file: no download, no pip."""

    def make(directory: Path) -> Path:
        base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
        subprocess.run([base, "-m", "venv", "--without-pip", directory], check=True)
        (site,) = directory.glob("lib/python3*/site-packages")
        (site / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"])
        return directory

    return make


def await_condition(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Return as soon as the condition holds; fail where it does not within the bound."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


@pytest.fixture
def awaited() -> Callable[..., None]:
    """Await a condition within a bound."""
    return await_condition


@pytest.fixture
def processes(tmp_path: Path) -> Callable[[], dict[int, str]]:
    """The living processes, by pid, that were started with a path of this test in arguments or environment."""

    def living() -> dict[int, str]:
        found: dict[int, str] = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                about = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                zombie = (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            except OSError:
                continue
            if str(tmp_path).encode() in about and not zombie:
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return found

    return living
