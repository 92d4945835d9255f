"""Our policy pack beside an empty one, and beside one that has a policy object for each rule."""

from __future__ import annotations

import json
import shutil
import sys
from functools import partial
from pathlib import Path

from bench.benchmark import Benchmark, Contest
from bench.engine import Project
from bench.sample import Sample
from bench.site import resources, write_declared

PACKS = Path(__file__).resolve().parent / "packs"


class _Pack:
    """A pack of `packs/` in a folder of its own; its process leaves its CPU seconds in `cpu.json`."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder / name
        self.folder.mkdir()
        shutil.copy(PACKS / f"{name}.py", self.folder / "__main__.py")
        shutil.copy(PACKS / "meter.py", self.folder / "meter.py")
        settings = {"runtime": {"name": "python", "options": {"virtualenv": sys.prefix}}}
        (self.folder / "PulumiPolicy.yaml").write_text(json.dumps(settings))
        self.costs: list[float] = []

    def preview(self, project: Project) -> Sample:
        sample = project.preview("--policy-pack", str(self.folder))
        spent = json.loads((self.folder / "cpu.json").read_text())
        self.costs.append(spent["now"] - spent["start"])
        return sample

    def cost(self, count: int) -> str:
        """Own CPU of the policy process, after its imports."""
        return f"{min(self.costs) * 1000 / count:.2f} ms"


def _against(peer: str, folder: Path, *, hosts: int, nodes: int) -> Contest:
    (folder / "project").mkdir()
    write_declared(folder / "project", hosts=hosts, nodes=nodes)
    project = Project(folder / "project", "echo")
    count = resources(folder / "project")
    ours, theirs = _Pack(folder, "whole"), _Pack(folder, peer)

    def remarks() -> list[str]:
        return [
            f"{count} resources; own CPU of the policy process for each: ours {ours.cost(count)}, "
            f"peer {theirs.cost(count)}"
        ]

    return Contest(partial(ours.preview, project), partial(theirs.preview, project), remarks)


POLICIES = (
    Benchmark(
        "policy-pack",
        "pulumi preview of 250 nodes (1000 resources) with the whole pack",
        "the same preview with a pack that does nothing",
        partial(_against, "empty", hosts=13, nodes=19),
        bound=1.15,
        runs=3,
    ),
    Benchmark(
        "policy-shape",
        "pulumi preview of 100 nodes with the whole pack: three policies",
        "the same rules, each a policy of its own",
        partial(_against, "per_rule", hosts=5, nodes=20),
        runs=2,
    ),
)
