"""`quietcore lint` of a host's files beside the bare import of what it reads them with."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from bench.benchmark import Benchmark, Contest
from bench.files import write_host
from bench.sample import Sample, run

IMPORTS = "import pydantic, lxml.etree, yaml, click"


def _lint(host: Path, folder: Path) -> Sample:
    return run([sys.executable, "-m", "quietcore.cli", "lint", str(host), "--tuned-version", "2.20"], cwd=folder)


def _imports(folder: Path) -> Sample:
    return run([sys.executable, "-c", IMPORTS], cwd=folder)


def _host(folder: Path) -> Contest:
    return Contest(ours=partial(_lint, write_host(folder), folder), theirs=partial(_imports, folder))


LINTS = (Benchmark("lint", "quietcore lint: 64 CPUs, 7 guests, 18 files", f'python -c "{IMPORTS}"', _host),)
