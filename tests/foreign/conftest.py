"""Other people's parsers judge our golden files; a tool that is missing is named, with the package that has it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent.parent / "golden"
PACKAGES = {
    "bash": "bash",
    "cloud-init": "cloud-init",
    "rsvg-convert": "librsvg2-bin",
    "tuned": "tuned",
    "virt-xml-validate": "libvirt-clients",
    "xmllint": "libxml2-utils",
    "xsltproc": "xsltproc",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.foreign)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes ``node`` runs for each golden node; ``host`` likewise, ``cluster`` for each cluster."""
    for name, pattern in (("node", "*/nodes/*"), ("host", "*/hosts/*"), ("cluster", "*")):
        if name in metafunc.fixturenames:
            folders = sorted(path for path in GOLDEN.glob(pattern) if path.is_dir() and path.name != "__pycache__")
            metafunc.parametrize(name, folders, ids=[str(path.relative_to(GOLDEN)) for path in folders])


@pytest.fixture
def tool() -> Callable[..., str]:
    """Run a tool and return its output; skips where it is not installed, fails with what it says."""

    def run(name: str, *arguments: str | Path, needs: tuple[str, ...] = ()) -> str:
        for program in (name, *needs):
            if shutil.which(program) is None:
                pytest.skip(f"{program} is missing: apt-get install {PACKAGES.get(program, program)}")
        ran = subprocess.run([name, *map(str, arguments)], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, f"{name} says:\n{ran.stdout}{ran.stderr}"
        return ran.stdout

    return run
