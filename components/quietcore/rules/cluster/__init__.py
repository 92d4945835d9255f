"""Rules on hosts, firmware, networks and clusters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quietcore.rules.cluster.devices import H06, H07, H08, H11
from quietcore.rules.cluster.machine import H02, H05, H16
from quietcore.rules.cluster.pool import H09, H10, H18
from quietcore.rules.cluster.profile import C26, C31, C46, C47, H17, H19
from quietcore.rules.cluster.roles import H12, H13
from quietcore.rules.rule import Rule

RULES: tuple[Rule[Any], ...] = (
    C26,
    C31,
    C46,
    C47,
    H02,
    H05,
    H06,
    H07,
    H08,
    H09,
    H10,
    H11,
    H12,
    H13,
    H16,
    H17,
    H18,
    H19,
)

UNFED: Mapping[str, str] = {
    "H01": "firmware settings are not declared anywhere; the machine alone knows them",
    "H03": "whether firmware steals time shows in a run of hwlatdetect only",
    "H04": "cache partitions are set up on the machine, and no file that is read holds them",
    "H14": "overlay networks and the daemons that switch them are not declared",
    "H15": "members of a hosted control plane are not declared",
}
"""Rules that nothing declared or read can feed, by code, and why."""
