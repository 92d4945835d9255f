"""`quietcore check` beside the bare import of what every such program imports, and beside bare registration."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from bench.benchmark import Benchmark, Contest
from bench.sample import Sample, run
from bench.site import STACK, write_declared, write_raw

ROOT = Path(__file__).resolve().parents[1]
IMPORTS = "import pulumi, pulumi_libvirt, pydantic"
OUR_IMPORTS = """
import gc
from quietcore.garbage import uncollected
with uncollected():
    import quietcore.cli.check, quietcore.resources.program, quietcore.resources.node
gc.freeze()
"""


def _python(code: str, folder: Path) -> Sample:
    return run([sys.executable, "-c", code], cwd=folder)


def _check(project: Path, stack: str, folder: Path) -> Sample:
    command = [sys.executable, "-m", "quietcore.cli", "-C", str(project), "check", stack, "--frozen"]
    return run(command, cwd=folder)


def _remarks(project: Path, stack: str, folder: Path) -> list[str]:
    imports = min(_python(OUR_IMPORTS, folder).cpu for _ in range(3))
    whole = min(_check(project, stack, folder).cpu for _ in range(3))
    return [f"imports: {imports:.3f} s of {whole:.3f} s CPU, {imports / whole:.0%}"]


def _against_imports(project: Path, stack: str, folder: Path) -> Contest:
    return Contest(
        ours=partial(_check, project, stack, folder),
        theirs=partial(_python, IMPORTS, folder),
        remarks=partial(_remarks, project, stack, folder),
    )


def _one(folder: Path) -> Contest:
    write_declared(folder / "one", hosts=1, nodes=1)
    return _against_imports(folder / "one", STACK, folder)


def _of_ours(stack: str, folder: Path) -> Contest:
    return _against_imports(ROOT, stack, folder)


def _many(folder: Path, *, hosts: int, nodes: int) -> Contest:
    declared, raw = folder / "declared", folder / "raw"
    write_declared(declared, hosts=hosts, nodes=nodes)
    write_raw(raw, declared)
    (raw / "mocked.py").write_bytes((Path(__file__).parent / "programs" / "mocked.py").read_bytes())
    return Contest(
        ours=partial(_check, declared, STACK, folder),
        theirs=lambda: run([sys.executable, str(raw / "mocked.py")], cwd=folder),
    )


PEER = f'python -c "{IMPORTS}"'
CHECKS = (
    Benchmark("check-one", "quietcore check of one node", PEER, _one),
    Benchmark("check-lab", "quietcore check lab", PEER, partial(_of_ours, "lab")),
    Benchmark("check-edge", "quietcore check edge: 6 hosts, 24 nodes", PEER, partial(_of_ours, "edge")),
    Benchmark(
        "check-thousand",
        "quietcore check of 1000 nodes on 50 hosts",
        "the same resources registered raw under Pulumi's mocks",
        partial(_many, hosts=50, nodes=20),
        bound=1.5,
        runs=3,
        warm=False,
    ),
)
