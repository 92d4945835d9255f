"""Rules on pods and everything with a pod template, on KubeVirt's machines, and on what runs them."""

from collections.abc import Mapping
from typing import Any

from quietcore.rules.rule import Rule
from quietcore.rules.workload.container import W12, W13, W15
from quietcore.rules.workload.machine import W09, W14, W16, W19, W22
from quietcore.rules.workload.placement import W04, W17, W18
from quietcore.rules.workload.quality import W01, W02, W10, W20, W21
from quietcore.rules.workload.room import W03, W11
from quietcore.rules.workload.runtime_class import W05, W06, W07, W08
from quietcore.rules.workload.virtual_machine import D43, D44, D45

RULES: tuple[Rule[Any], ...] = (
    D43,
    D44,
    D45,
    W01,
    W02,
    W03,
    W04,
    W05,
    W06,
    W07,
    W08,
    W09,
    W10,
    W11,
    W12,
    W13,
    W14,
    W15,
    W16,
    W17,
    W18,
    W19,
    W20,
    W21,
    W22,
)

UNFED: Mapping[str, str] = {}
