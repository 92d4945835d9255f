"""`pulumi preview` of our components and plugin, beside the same resources written raw against a plugin that echoes."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from bench.benchmark import Benchmark, Contest
from bench.engine import Project
from bench.site import resources, write_declared, write_raw


def _preview(folder: Path, *, hosts: int, nodes: int) -> Contest:
    declared, raw = folder / "declared", folder / "raw"
    write_declared(declared, hosts=hosts, nodes=nodes)
    write_raw(raw, declared)
    ours, theirs = Project(declared, "ours"), Project(raw, "echo")
    count = resources(raw)
    return Contest(ours=ours.preview, theirs=theirs.preview, remarks=lambda: [f"{count} resources on each side"])


PEER = "the same resources written raw, against a plugin that only echoes"
PREVIEWS = (
    Benchmark(
        "preview-100",
        "pulumi preview of 100 nodes, our components and plugin",
        PEER,
        partial(_preview, hosts=5, nodes=20),
        bound=1.15,
        runs=3,
    ),
    Benchmark(
        "preview-1000",
        "pulumi preview of 1000 nodes, our components and plugin",
        PEER,
        partial(_preview, hosts=50, nodes=20),
        bound=1.15,
        runs=2,
        warm=False,
    ),
)
