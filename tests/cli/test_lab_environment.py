"""`quietcore lab env` in a project of one's own: the built engine is on PATH where there is no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from quietcore.lab.environment import _engine


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: plant\nruntime: python\n")
    engine = tmp_path / "cache/pulumi/3.259.0-0123456789ab/bin/pulumi"
    engine.parent.mkdir(parents=True)
    engine.write_text("#!/bin/sh\n")
    engine.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUIETCORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/nonexistent")
    return tmp_path


def test_a_project_without_a_toolchain_of_its_own_gets_the_built_engine(project: Path) -> None:
    assert str(project / "cache/pulumi/3.259.0-0123456789ab/bin") in _engine()["PATH"].split(":")


def test_the_users_own_engine_stays_the_first(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = project / "own"
    own.mkdir()
    (own / "pulumi").write_text("#!/bin/sh\n")
    (own / "pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", str(own))
    assert not [folder for folder in _engine()["PATH"].split(":") if "3.259.0" in folder]
