"""The container runtime below a kubelet: CRI-O or containerd, as far as real-time rules care."""

from __future__ import annotations

from typing import Literal

from quietcore.spec.spec import CpuSetField, Spec, Tuple, Whole


class ContainerRuntimeSpec(Spec):
    """What a runtime is configured with. ``None`` and empty mean: the files do not say.

    ``infra_cpus`` are the CPUs of pause containers (CRI-O's infra_ctr_cpuset), ``shared_cpus`` those that containers
    may share beside their own (shared_cpuset). ``handlers`` are the runtime handlers by name, with the annotations that
    each allows; ``workloads`` CRI-O's workload types, of which "management" is OpenShift's workload partitioning.
    ``config_version`` is containerd's. ``unread`` holds the paths of what the files say besides.
    """

    kind: Literal["crio", "containerd"]
    config_version: Whole | None = None
    cgroup_manager: str | None = None
    infra_cpus: CpuSetField | None = None
    shared_cpus: CpuSetField | None = None
    handlers: dict[str, Tuple[str]] = {}
    workloads: Tuple[str] = ()
    unread: Tuple[str] = ()

    @property
    def name(self) -> str:
        """How its users write it."""
        return "CRI-O" if self.kind == "crio" else "containerd"

    @property
    def cgroups(self) -> str | None:
        """Who makes its cgroups: what is written, else its default; None where that depends on its release.

        CRI-O asks systemd. containerd before 2.0, whose files are of version 1 or 2, writes to cgroupfs.
        """
        if self.cgroup_manager is not None:
            return self.cgroup_manager
        if self.kind == "crio":
            return "systemd"
        return "cgroupfs" if (self.config_version or 1) < 3 else None
