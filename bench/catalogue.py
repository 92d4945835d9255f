"""All benchmarks, by name."""

from __future__ import annotations

from bench.benchmark import Benchmark
from bench.check import CHECKS
from bench.lint import LINTS
from bench.policy import POLICIES
from bench.preview import PREVIEWS

BENCHMARKS: tuple[Benchmark, ...] = (*CHECKS, *LINTS, *PREVIEWS, *POLICIES)
