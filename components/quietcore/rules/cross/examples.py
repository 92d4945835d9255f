"""A host that runs guests and pods side by side, from which each bad example differs by one thing."""

from __future__ import annotations

from quietcore.rules.examples import cpus, host, view
from quietcore.rules.kubelet.examples import kubelet
from quietcore.spec import DomainSpec, HostView, KubeletSpec, MachineSpec, PodSpec


def both(*domains: DomainSpec, pods: tuple[PodSpec, ...] = (), **changes: object) -> HostView:
    """Guests on the simple host, whose kubelet keeps CPUs 0-4 back and gives 5-7 to pods."""
    on = host()
    files = {"kubelet": "kubelet.yaml"}
    machine = MachineSpec(
        name=on.name,
        role="worker",
        online=on.topology.cpus,
        isolated=on.cpus.isolated,
        topology=on.topology,
        kubelet=keeping("0-4"),
        pods=pods,
        files=files,
    )
    return view(*domains, on=on).model_copy(update={"machine": machine.model_copy(update=changes)})


def keeping(reserved: str) -> KubeletSpec:
    """The good kubelet with other reserved CPUs."""
    return kubelet(reserved_cpus=cpus(reserved))
