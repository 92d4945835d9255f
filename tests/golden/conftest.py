"""Golden files: what every renderer makes of a cluster, compared as a set of files, both ways."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

INPUT = "cluster.yaml"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite the golden files and print what changed (tests/golden)"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("update_golden", default=False) and os.environ.get("CI"):
        raise pytest.UsageError("--update-golden is refused where CI is set: golden files are reviewed, not made there")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, Mapping[str, str]], None]:
    """Compare rendered files with those of a folder; with --update-golden rewrite the folder."""
    update = request.config.getoption("update_golden", default=False)

    def compare(folder: Path, rendered: Mapping[str, str]) -> None:
        known = read(folder)
        changes = difference(known, rendered)
        if update:
            write(folder, known, rendered)
            print(changes)
        else:
            assert not changes, f"{changes}\nhint: pytest tests/golden --update-golden, and review the diff"

    return compare


def read(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != INPUT)
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in sorted(files)}


def difference(known: Mapping[str, str], rendered: Mapping[str, str]) -> str:
    changed = [path for path in sorted({*known, *rendered}) if known.get(path) != rendered.get(path)]
    return "\n".join(
        line
        for path in changed
        for line in difflib.unified_diff(
            known.get(path, "").splitlines(),
            rendered.get(path, "").splitlines(),
            f"golden/{path}" if path in known else "no golden file",
            f"rendered/{path}" if path in rendered else "not rendered",
            lineterm="",
        )
    )


def write(folder: Path, known: Mapping[str, str], rendered: Mapping[str, str]) -> None:
    for path in known.keys() - rendered.keys():
        (folder / path).unlink()
    for path, text in rendered.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
