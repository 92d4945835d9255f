"""The set-up: which engine serves, and what happens when two set-ups meet or one is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

TOOLCHAIN = Path(__file__).resolve().parents[2] / "toolchain"
# Debian's own interpreter: a user without rights may not reach the one that runs this test.
SYSTEM_PYTHON = "/usr/bin/python3"
NOBODY = 65534


def bootstrap(verb: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOOLCHAIN / "bootstrap.py"), verb]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def engine_folder(engine_path: str) -> Path:
    program = shutil.which("pulumi", path=engine_path)
    assert program is not None
    return Path(program).parent


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.engine
def test_a_built_engine_is_found_again_even_when_it_is_on_path(engine_path: str) -> None:
    with_engine = bootstrap("path", {**os.environ, "PATH": engine_path})
    without = bootstrap("path", dict(os.environ))

    assert with_engine.returncode == without.returncode == 0
    assert with_engine.stdout == without.stdout


@pytest.mark.engine
def test_the_users_own_pulumi_with_its_language_host_is_used_as_it_is(engine_path: str, tmp_path: Path) -> None:
    for name in ("pulumi", "pulumi-language-python"):
        (tmp_path / "bin").mkdir(exist_ok=True)
        shutil.copy2(engine_folder(engine_path) / name, tmp_path / "bin" / name)
    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{engine_path}", "HOME": str(tmp_path / "home")}

    told = bootstrap("pulumi", environment)
    path = bootstrap("path", environment)

    assert f"your own pulumi 3.259.0 serves: {tmp_path / 'bin' / 'pulumi'}" in told.stderr
    assert (path.returncode, path.stdout) == (0, "")
    assert not (tmp_path / "home" / ".pulumi").exists()


def test_a_pulumi_below_the_minimum_is_refused_with_the_way_to_update(tmp_path: Path) -> None:
    script(tmp_path / "bin" / "pulumi", "echo v3.100.0")
    script(tmp_path / "bin" / "pulumi-language-python", "exit 1")

    ran = bootstrap("pulumi", {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"})

    assert ran.returncode == 2
    assert ran.stderr.splitlines() == [
        "error: your pulumi is too old",
        f"  where: {tmp_path / 'bin' / 'pulumi'}",
        "  given: 3.100.0",
        "  allowed: 3.249.0 or newer",
        "  hint: update it (https://www.pulumi.com/docs/install/), or take it off PATH and `make tools` builds one",
    ]


@pytest.mark.engine
def test_a_pulumi_without_a_python_language_host_is_passed_over_in_words(engine_path: str, tmp_path: Path) -> None:
    program = script(tmp_path / "bin" / "pulumi", "echo v3.300.0")

    ran = bootstrap("path", {**os.environ, "PATH": f"{program.parent}:{engine_path}"})

    assert f"{program} has no pulumi-language-python beside it or on PATH: not used" in ran.stderr
    assert ran.stdout.strip() != ""


def test_a_missing_engine_is_told_with_the_command_that_builds_it(tmp_path: Path) -> None:
    ran = bootstrap("path", {**os.environ, "QUIETCORE_CACHE": str(tmp_path), "PATH": no_pulumi_path()})

    assert ran.returncode == 2
    assert ran.stdout == ""
    assert "error: the Pulumi engine is not built yet" in ran.stderr
    assert "hint: make tools" in ran.stderr


def no_pulumi_path() -> str:
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(one for one in folders if not (Path(one) / "pulumi").exists())


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to become a user without rights")
@pytest.mark.skipif(not Path(SYSTEM_PYTHON).exists(), reason=f"no {SYSTEM_PYTHON}")
def test_without_root_missing_packages_are_listed_with_what_needs_them(tmp_path: Path) -> None:
    script(tmp_path / "bin" / "dpkg-query", "exit 1")  # as if nothing were installed
    shutil.copytree(TOOLCHAIN, tmp_path / "toolchain")
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)

    ran = subprocess.run(
        [SYSTEM_PYTHON, "-B", tmp_path / "toolchain" / "bootstrap.py", "apt"],
        env={"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "HOME": "/nonexistent"},
        user=NOBODY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 1
    assert "missing for the libvirt bindings: `pulumi up`: gcc libvirt-dev pkg-config python3-dev" in ran.stderr
    assert "all else works without them" in ran.stderr
    assert "hint: sudo apt-get install python3-venv gcc" in ran.stderr


BUILDS = """\
import sys, time
sys.path.insert(0, {toolchain!r})
import cache
target = cache.root() / "tool" / "1.0"
with cache.locked("tool"):
    if target.exists():
        print("found")
    else:
        with cache.published(target) as folder:
            (folder / "half").touch()
            print("building", flush=True)
            sys.stdin.readline()
            (folder / "whole").touch()
        print("built")
"""


@pytest.fixture
def builder(tmp_path: Path) -> Callable[[], subprocess.Popen[str]]:
    """Start a process that builds a tool into a cache of its own, and goes on when it is told to."""

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", BUILDS.format(toolchain=str(TOOLCHAIN))]
        environment = {**os.environ, "QUIETCORE_CACHE": str(tmp_path)}
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    return start


def test_two_set_ups_build_a_tool_once(builder: Callable[[], subprocess.Popen[str]], tmp_path: Path) -> None:
    first, second = builder(), None
    assert first.stdout is not None
    assert first.stdout.readline() == "building\n"
    second = builder()
    assert second.stderr is not None
    assert second.stderr.readline() == "tool: waiting for another set-up to end\n"
    assert not (tmp_path / "tool" / "1.0").exists()

    assert first.communicate("\n")[0] == "built\n"
    assert second.communicate("\n")[0] == "found\n"


def test_a_killed_set_up_leaves_nothing_that_looks_whole(
    builder: Callable[[], subprocess.Popen[str]], tmp_path: Path
) -> None:
    killed = builder()
    assert killed.stdout is not None
    killed.stdout.readline()
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()

    assert builder().communicate("\n")[0] == "building\nbuilt\n"
    assert sorted(path.name for path in (tmp_path / "tool").iterdir()) == ["1.0"]
    assert sorted(path.name for path in (tmp_path / "tool" / "1.0").iterdir()) == ["half", "whole"]
