"""The options of the kubelet's CPU and topology managers: since which release each may be chosen, and how.

Each row was read from the enhancement's milestones (kep.yaml) and compared with the documentation's list of options.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from quietcore.spec import KubeletSpec

Stage = Literal["absent", "alpha", "beta", "stable"]

NEWEST: Final = 36  # the newest release, 1.36, of which the tables know


@dataclass(frozen=True)
class Option:
    """The minor release in which an option became alpha, beta and stable; None where it has not yet."""

    source: str
    alpha: int | None
    beta: int | None = None
    stable: int | None = None

    def stage(self, release: int | None) -> Stage:
        """Its stage in a release; without one the furthest that it has reached."""
        now = NEWEST if release is None else release
        reached: tuple[tuple[Stage, int | None], ...] = (
            ("stable", self.stable),
            ("beta", self.beta),
            ("alpha", self.alpha),
        )
        return next((stage for stage, since in reached if since is not None and since <= now), "absent")

    @property
    def since(self) -> int:
        """The first release that knows it."""
        return min(since for since in (self.alpha, self.beta, self.stable) if since is not None)


FULL_CORES: Final = "full-pcpus-only"
STRICT: Final = "strict-cpu-reservation"
BY_SOCKET: Final = "align-by-socket"
ACROSS_CORES: Final = "distribute-cpus-across-cores"
ACROSS_NUMA: Final = "distribute-cpus-across-numa"
UNCORE: Final = "prefer-align-cpus-by-uncorecache"
MOST_NODES: Final = "max-allowable-numa-nodes"

CPU_OPTIONS: Final = {
    FULL_CORES: Option("KEP-2625", 22, 23, 33),
    ACROSS_NUMA: Option("KEP-2902", 23, 33),
    BY_SOCKET: Option("KEP-3327", 25),
    ACROSS_CORES: Option("KEP-4176", 31),
    STRICT: Option("KEP-4540", 32, 33, 35),
    UNCORE: Option("KEP-4800", 32, 34, 36),
}
TOPOLOGY_OPTIONS: Final = {
    "prefer-closest-numa-nodes": Option("KEP-3545", 26, 28, 32),
    MOST_NODES: Option("KEP-4622", None, 31, 35),
}
_ALL: Final = {"Alpha": "AllAlpha", "Beta": "AllBeta"}


def enabled(kubelet: KubeletSpec, gate: str, *, default: bool) -> bool:
    """Whether a feature gate is on: as written, else by AllAlpha or AllBeta, else by default."""
    both = next((_ALL[level] for level in _ALL if level in gate), "")
    return kubelet.feature_gates.get(gate, kubelet.feature_gates.get(both, default))
