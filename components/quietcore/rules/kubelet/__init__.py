"""Rules on kubelet configurations and container runtimes."""

from collections.abc import Mapping
from typing import Any

from quietcore.rules.kubelet.container_runtime import K21, K22
from quietcore.rules.kubelet.cpu_manager import K01, K06, K07, K08, K25
from quietcore.rules.kubelet.memory_manager import K16, K17, K18
from quietcore.rules.kubelet.policy_options import K09, K10, K11, K20
from quietcore.rules.kubelet.reservation import K02, K03, K04, K24, K27
from quietcore.rules.kubelet.topology_manager import K12, K13, K14, K15
from quietcore.rules.kubelet.upkeep import K19, K23, K26
from quietcore.rules.rule import Rule

RULES: tuple[Rule[Any], ...] = (
    K01,
    K02,
    K03,
    K04,
    K06,
    K07,
    K08,
    K09,
    K10,
    K11,
    K12,
    K13,
    K14,
    K15,
    K16,
    K17,
    K18,
    K19,
    K20,
    K21,
    K22,
    K23,
    K24,
    K25,
    K26,
    K27,
)

UNFED: Mapping[str, str] = {
    "K05": "Changing the CPU or memory policy needs a drained node and new state files: that is a matter of the old "
    "and the new configuration, and no rule sees two of them.",
}
