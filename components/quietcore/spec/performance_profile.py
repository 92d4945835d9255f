"""OpenShift's PerformanceProfile (performance.openshift.io/v2), as far as rules care."""

from __future__ import annotations

from quietcore.spec.spec import Spec


class PerformanceProfileSpec(Spec):
    """One profile: CPU sets, hugepages, kernel and workload hints for all nodes of a pool."""

    name: str = ""
