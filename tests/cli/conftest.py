"""A command line that runs in this process, and a clean environment for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.cli.plant import write_plant

from quietcore.cli import quietcore

Invoke = Callable[..., Result]


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Run `quietcore ARGS` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("CI", raising=False)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(quietcore, list(arguments), prog_name="quietcore")

    return run


@pytest.fixture
def plant(tmp_path: Path) -> Path:
    """The project of two hosts and two nodes, in the folder where commands run."""
    return write_plant(tmp_path)
