"""What OpenShift's node tuning operator makes of a PerformanceProfile: a plan, a command line and a kubelet set.

Parameters and their order: assets/performanceprofile/tuned/openshift-node-performance and its profiles by vendor;
hugepages and hints: pkg/performanceprofile/controller/performanceprofile/components/tuned. What the operator decides
on the machine itself (the Intel P-state driver that tuned recommends there) is left out, as nobody could know it here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from quietcore.spec.cmdline import KernelCmdline
from quietcore.spec.cpu import CpuPlan
from quietcore.spec.kubelet import DEFAULT_EVICTION, MEMORY, KubeletSpec, MemoryReservation
from quietcore.spec.machine import MachineFacts, MachineSpec
from quietcore.spec.performance_profile import PerformanceProfileSpec
from quietcore.spec.pod import RuntimeClassSpec
from quietcore.spec.runtime import ContainerRuntimeSpec
from quietcore.units import CpuSet, Duration, Quantity

Vendor = Literal["intel", "amd", "arm"]

_NONE = CpuSet()
_SMALL, _LARGE = "2M", "1G"
_HANDLER = "high-performance"
_ANNOTATIONS = tuple(
    f"{name}.crio.io"
    for name in (
        "cpu-load-balancing",
        "cpu-quota",
        "irq-load-balancing",
        "cpu-c-states",
        "cpu-freq-governor",
        "cpu-shared",
    )
)
_SNIPPET = "kubeletconfig.experimental"
_OPENSHIFT_RESERVES = "500Mi"  # for kube and for system alike, unless the snippet says otherwise
_EVICTION = {
    MEMORY: DEFAULT_EVICTION,
    "nodefs.available": "10%",
    "imagefs.available": "15%",
    "nodefs.inodesFree": "5%",
}


def plan_of(profile: PerformanceProfileSpec) -> CpuPlan:
    """The profile's sets in a plan's words; a set that the profile does not name is empty."""
    return CpuPlan(
        housekeeping=profile.reserved or _NONE,
        isolated=profile.isolated or _NONE,
        shared=profile.shared or _NONE,
        offlined=profile.offlined or _NONE,
        vswitch=profile.vswitch or _NONE,
        dialect="nto",
    )


def online_of(profile: PerformanceProfileSpec) -> CpuSet:
    """The CPUs that the profile leaves online, all of them named in some set of it."""
    plan = plan_of(profile)
    return plan.housekeeping | plan.isolated | plan.shared | plan.vswitch


def kubelet_reserved(profile: PerformanceProfileSpec) -> CpuSet:
    """The kubelet's reservedSystemCPUs: what pods never get exclusively."""
    plan = plan_of(profile)
    shared = plan.shared if profile.hints.mixed_cpus else _NONE
    return plan.housekeeping | shared | plan.vswitch


def kubelet_of(profile: PerformanceProfileSpec) -> KubeletSpec:
    """The kubelet's configuration on nodes of the profile, as far as the operator sets it.

    A fragment: the node's own configuration lies beneath it, and an annotation may hold more that is not read here.
    """
    policy = profile.topology_policy or "best-effort"
    single, strict = policy == "single-numa-node", policy in ("single-numa-node", "restricted")
    memory = Quantity.parse(_OPENSHIFT_RESERVES)
    threshold = memory + memory + Quantity.parse(DEFAULT_EVICTION)
    told = _SNIPPET not in profile.annotations
    return KubeletSpec(
        cpu_manager_policy="static",
        cpu_manager_options={"full-pcpus-only": "true"} if single else {},
        cpu_manager_reconcile_period=Duration.parse("5s"),
        reserved_cpus=kubelet_reserved(profile),
        kube_reserved={"memory": memory} if told else {},
        system_reserved={"memory": memory} if told else {},
        eviction_hard=dict(_EVICTION) if told else None,
        memory_manager_policy="Static" if strict else None,
        reserved_memory=(MemoryReservation(node=0, limits={"memory": threshold}),) if strict and told else (),
        topology_manager_policy=policy,
        fragment=True,
    )


def runtime_of(profile: PerformanceProfileSpec) -> ContainerRuntimeSpec:
    """CRI-O's part: pause containers on the reserved CPUs, and a handler that reads the latency annotations."""
    return ContainerRuntimeSpec(
        kind="crio",
        infra_cpus=profile.reserved,
        shared_cpus=profile.shared if profile.hints.mixed_cpus else None,
        handlers={_HANDLER: _ANNOTATIONS},
    )


def cmdline_of(profile: PerformanceProfileSpec, vendor: Vendor | None = None) -> KernelCmdline:
    """The parameters that nodes of the profile boot with, besides those that the image brings.

    ``vendor`` is the CPU's; None leaves out what only one vendor gets.
    """
    parameters = (
        *_partition(profile),
        *_realtime(profile, vendor),
        *_power(profile, vendor),
        *_hugepages(profile),
        *profile.kernel_args,
        *_platform(profile, vendor),
    )
    return KernelCmdline(parameters=parameters)


def _partition(profile: PerformanceProfileSpec) -> Iterator[str]:
    plan = plan_of(profile)
    if not plan.isolated:
        return
    others = online_of(profile) - plan.isolated
    yield from ("nohz=on", f"rcu_nocbs={plan.isolated}")
    yield from (f"tuned.non_isolcpus={others.mask()}", f"systemd.cpu_affinity={','.join(map(str, others))}")
    flags = "domain,managed_irq" if profile.balance_isolated is False else "managed_irq"
    yield f"isolcpus={flags},{plan.isolated}"
    if plan.vswitch:
        yield f"irqaffinity={plan.housekeeping}"


def _realtime(profile: PerformanceProfileSpec, vendor: Vendor | None) -> Iterator[str]:
    if not profile.realtime:
        return
    if profile.isolated:
        yield f"nohz_full={profile.isolated}"
    yield from ("nosoftlockup", "skew_tick=1", "rcutree.kthread_prio=11")
    if vendor != "arm":
        yield from ("tsc=reliable", "nmi_watchdog=0", "mce=off")


def _power(profile: PerformanceProfileSpec, vendor: Vendor | None) -> Iterator[str]:
    if not profile.hints.high_power or vendor == "arm":
        return
    yield "processor.max_cstate=1"
    if vendor != "amd":
        yield "intel_idle.max_cstate=0"
    if profile.realtime:
        yield "idle=poll"


def _hugepages(profile: PerformanceProfileSpec) -> Iterator[str]:
    """Pages of one cell are reserved by a unit at boot; 2M ones then need their pool set up beside a default of 1G."""
    if profile.default_page_size:
        yield f"default_hugepagesz={profile.default_page_size}"
    spread: dict[str, int] = {}
    for pages in profile.pages:
        if pages.node is None:  # the webhook refuses a second entry
            spread.setdefault(pages.size, pages.count)
    for size, count in spread.items():
        yield from (f"hugepagesz={size}", f"hugepages={count}")
    by_cell = {pages.size for pages in profile.pages if pages.node is not None}
    if _SMALL in by_cell - spread.keys() and profile.default_page_size == _LARGE:
        yield from (f"hugepagesz={_SMALL}", "hugepages=0")


def _platform(profile: PerformanceProfileSpec, vendor: Vendor | None) -> Iterator[str]:
    per_pod, tuned = profile.hints.per_pod_power, profile.hardware_tuning is not None
    if vendor == "intel":
        yield from ("intel_iommu=on", "iommu=pt")
        if per_pod or tuned:
            yield f"intel_pstate={'active' if per_pod else 'passive'}"
    if vendor == "amd":
        yield "iommu=pt"
        yield f"amd_pstate={'active' if per_pod else 'passive' if tuned else 'guided'}"


def machine_of(profile: PerformanceProfileSpec, known: MachineSpec | None = None) -> MachineSpec:
    """A node of the profile. What ``known`` says itself stays: the operator's answer fills in the layers it has not.

    Of a profile without reserved or isolated CPUs, which the operator refuses, nothing follows but its plan.
    """
    base = known or MachineSpec(role="worker")
    facts = _facts(profile, base.facts)
    present = base.online or (base.topology.cpus if base.topology else online_of(profile))
    made = {name: value for name, value in _layers(profile, facts).items() if not getattr(base, name)}
    file = base.files.get("profile", "")
    files = {name: f"{file} (its {name})" for name in made if file}
    said = {
        "profile": profile,
        "online": present - (profile.offlined or _NONE),
        "isolated": base.isolated or profile.isolated or _NONE,
        "facts": facts,
        "files": {**files, **base.files},
    }
    return base.model_copy(update={**said, **made})


def _layers(profile: PerformanceProfileSpec, facts: MachineFacts) -> dict[str, object]:
    """The layers that follow, by their name in a machine."""
    if not profile.reserved or not profile.isolated:
        return {"plan": plan_of(profile)}
    return {
        "plan": plan_of(profile),
        "cmdline": cmdline_of(profile, facts.vendor),
        "kubelet": kubelet_of(profile),
        "runtime": runtime_of(profile),
        "runtime_classes": (runtime_class_of(profile),),
    }


def _facts(profile: PerformanceProfileSpec, facts: MachineFacts) -> MachineFacts:
    said: dict[str, object] = {}
    if facts.kernel is None and profile.realtime_kernel is not None:
        said["kernel"] = "rt" if profile.realtime_kernel else "generic"
    if profile.kernel_page_size == "64k":
        said |= {"page_size": 64, "arch": "aarch64"}
    if facts.vendor is None and "aarch64" in (facts.arch, said.get("arch")):
        said["vendor"] = "arm"
    return facts.model_copy(update=said)


def runtime_class_of(profile: PerformanceProfileSpec) -> RuntimeClassSpec:
    """The class that pods name to get CRI-O's high-performance handler."""
    return RuntimeClassSpec(name=f"performance-{profile.name}", handler=_HANDLER)
