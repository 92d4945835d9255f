"""`python -m bench NAME [--json] [--runs N]`; NAME may be `all`, and `list` names the benchmarks."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import click

from bench.benchmark import Benchmark, Outcome, race
from bench.catalogue import BENCHMARKS
from bench.engine import NoEngine
from bench.sample import CommandFailed

SCHEMA = 1


@click.command()
@click.argument("names", metavar="NAME...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON: name, peer, ratio, ours, theirs.")
@click.option("--runs", type=click.IntRange(1), default=None, help="Runs of each side.  [default: as `list` says]")
def main(names: tuple[str, ...], as_json: bool, runs: int | None) -> None:
    """Run benchmark NAME, several, or `all`; ours and a named peer in turns. `list` (the default) names them."""
    if not names or names == ("list",):
        _list(as_json)
        return
    for benchmark in _chosen(names):
        try:
            outcome = _raced(benchmark, runs)
        except (NoEngine, CommandFailed) as fault:
            raise SystemExit(f"bench {benchmark.name}: {fault}") from None
        click.echo(json.dumps(outcome.as_json()) if as_json else outcome.text() + "\n")


def _raced(benchmark: Benchmark, runs: int | None) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="quietcore-bench-") as folder:
        return race(benchmark, runs or benchmark.runs, Path(folder))


def _chosen(names: tuple[str, ...]) -> list[Benchmark]:
    if names == ("all",):
        return list(BENCHMARKS)
    known = {benchmark.name: benchmark for benchmark in BENCHMARKS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}; there are: {', '.join(known)}", param_hint="NAME")
    return [known[name] for name in names]


def _list(as_json: bool) -> None:
    if as_json:
        rows = [{"name": b.name, "ours": b.ours, "peer": b.peer, "bound": b.bound, "runs": b.runs} for b in BENCHMARKS]
        click.echo(json.dumps({"schema": SCHEMA, "benchmarks": rows}, indent=2))
        return
    for benchmark in BENCHMARKS:
        bound = f"at most {benchmark.bound:g}" if benchmark.bound else "no bound"
        click.echo(
            f"{benchmark.name:<15} {benchmark.ours}\n{'':<15} beside: {benchmark.peer}; {bound}; {benchmark.runs} runs"
        )


if __name__ == "__main__":
    sys.exit(main(prog_name="python -m bench"))
