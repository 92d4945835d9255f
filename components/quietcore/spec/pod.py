"""A pod, and what is shared by pods of a class. Everything with a pod template is a pod here, with its kind."""

from __future__ import annotations

from typing import Final, Literal

from quietcore.spec.pod_command import Scheduling, is_latency_test, is_polling, scheduling_of
from quietcore.spec.spec import SizeField, Spec, Tuple, Whole
from quietcore.spec.topology import Pages
from quietcore.units import Size

POLICY: Final = "quietcore.dev/sched-policy"
PRIORITY: Final = "quietcore.dev/sched-priority"
POLLS: Final = "quietcore.dev/cpu-bound"
ABOVE_INTERRUPTS: Final = "quietcore.dev/above-interrupts"
"""What a pod's author may declare of its threads: fifo, rr or other; 1-99; "true" where one never sleeps; "true" where
a priority of 50 and more is meant."""

SHARED_CPUS: Final = "cpu-shared.crio.io"
CRIO: Final = (
    "cpu-load-balancing.crio.io",
    "irq-load-balancing.crio.io",
    "cpu-quota.crio.io",
    "cpu-c-states.crio.io",
    "cpu-freq-governor.crio.io",
    SHARED_CPUS,
)
"""The annotations that CRI-O's high-performance hooks read; the last is followed by ``/`` and a container's name."""

EVERYWHERE: Final = frozenset({"kubernetes.io/os", "kubernetes.io/arch"})
PERFORMANCE: Final = "performance-"
HIGH_PERFORMANCE: Final = "high-performance"


class Amounts(Spec):
    """Requests or limits. ``cpu`` in thousandths of a CPU; ``memory`` and each page size of ``hugepages`` in bytes;
    ``devices`` counts every other resource by its name."""

    cpu: Whole | None = None
    memory: Whole | None = None
    hugepages: Pages = {}
    devices: dict[str, Whole] = {}


class ContainerSpec(Spec):
    """A container. ``command`` is its command and arguments; ``exec_probes`` names the probes that run a program.

    ``undecided`` names what of it is not known yet: rules on that are silent.
    """

    name: str = ""
    kind: Literal["container", "init", "sidecar"] = "container"
    command: Tuple[str] = ()
    requests: Amounts = Amounts()
    limits: Amounts = Amounts()
    exec_probes: Tuple[str] = ()
    capabilities: Tuple[str] = ()
    privileged: bool = False
    undecided: Tuple[str] = ()

    @property
    def cpu(self) -> int | None:
        """Thousandths of a CPU that are requested; the API server takes the limit where no request is written."""
        return self.limits.cpu if self.requests.cpu is None else self.requests.cpu

    @property
    def memory(self) -> int | None:
        """Bytes that are requested, the limit where no request is written."""
        return self.limits.memory if self.requests.memory is None else self.requests.memory

    @property
    def whole(self) -> bool:
        """Whether it asks for whole CPUs, one at least; also while that is not known."""
        return "resources" in self.undecided or bool(self.cpu and self.cpu % 1000 == 0)

    @property
    def guaranteed(self) -> bool:
        """Whether it has limits of CPU and memory and requests just those; also while that is not known."""
        cpu, memory = self.limits.cpu, self.limits.memory
        return "resources" in self.undecided or bool(cpu and memory and self.cpu == cpu and self.memory == memory)

    @property
    def scheduling(self) -> Scheduling | None:
        """The policy and priority under which its command starts it, where the command plainly says."""
        return scheduling_of(self.command)

    def may(self, capability: str) -> bool:
        """Whether it is given the capability, written with or without ``CAP_``."""
        wanted = (capability, f"CAP_{capability}", "ALL")
        return self.privileged or any(added.upper() in wanted for added in self.capabilities)


class MemoryVolume(Spec):
    """An ``emptyDir`` in memory: ``medium`` is Memory, HugePages or HugePages-<size>."""

    name: str
    medium: str
    size: SizeField | None = None


class PodSpec(Spec):
    """A pod or a pod template; ``kind`` says which object holds it, ``replicas`` how many it makes (None: unsaid).

    ``handler`` is its runtime class's and ``class_selects`` whether that class chooses nodes, where the class is known.
    ``node_labels`` are the label keys of required node affinity; ``apart`` the topology keys of pod anti-affinity and
    spread constraints; ``tolerates`` the taint keys that it tolerates ("" for all). ``requests`` and ``limits`` are the
    pod's own, beside its containers'. ``undecided`` names what of the pod itself is not known yet.
    """

    name: str = ""
    namespace: str = "default"
    kind: str = "Pod"
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    runtime_class: str | None = None
    handler: str | None = None
    class_selects: bool | None = None
    node_selector: dict[str, str] = {}
    node_name: str | None = None
    node_labels: Tuple[str] = ()
    apart: Tuple[str] = ()
    tolerates: Tuple[str] = ()
    host_network: bool = False
    restart: str | None = None
    replicas: Whole | None = None
    containers: Tuple[ContainerSpec] = ()
    requests: Amounts = Amounts()
    limits: Amounts = Amounts()
    overhead: Amounts = Amounts()
    volumes: Tuple[MemoryVolume] = ()
    undecided: Tuple[str] = ()

    @property
    def selects(self) -> bool:
        """Whether it says on which nodes it runs; that they are Linux of some architecture does not count."""
        labels = {*self.node_selector, *self.node_labels} - EVERYWHERE
        return bool(labels or self.node_name or self.class_selects)

    @property
    def crio(self) -> dict[str, str]:
        """The annotations that are for CRI-O's high-performance hooks."""
        return {key: value for key, value in self.annotations.items() if key.split("/", 1)[0] in CRIO}

    @property
    def guaranteed(self) -> bool:
        """Whether it is of QoS class Guaranteed: by its own resources, else by those of every container."""
        own = self.limits
        if own.cpu and own.memory:
            return self.requests.cpu in (None, own.cpu) and self.requests.memory in (None, own.memory)
        return all(container.guaranteed for container in self.containers)

    @property
    def realtime(self) -> bool:
        """Whether real-time rules speak of it: an author who wants real time leaves at least one of these traces.

        A performance runtime class; an annotation for CRI-O's hooks; one of our own; or exclusive CPUs in a container
        that may raise its priority (SYS_NICE) or starts under FIFO or RR.
        """
        if (self.runtime_class or "").startswith(PERFORMANCE) or self.crio or self.handler == HIGH_PERFORMANCE:
            return True
        declared = any(key in self.annotations for key in (POLICY, PRIORITY, POLLS))
        if declared and self.annotations.get(POLICY) != "other":
            return True
        return self.guaranteed and any(c.whole and _marked(c) and not c.privileged for c in self.containers)

    @property
    def rt_containers(self) -> tuple[ContainerSpec, ...]:
        """The containers that the real-time work is in.

        Those that say so (SYS_NICE, a command under FIFO or RR), else those with whole CPUs, else the largest.
        """
        running = tuple(container for container in self.containers if container.kind != "init")
        marked = tuple(container for container in running if _marked(container))
        whole = tuple(container for container in running if container.whole)
        return marked or whole or tuple(sorted(running, key=lambda c: c.cpu or 0, reverse=True)[:1])

    @property
    def exclusive(self) -> int:
        """How many CPUs the kubelet's static policy gives to it alone. Init containers lend theirs on."""
        if not self.guaranteed:
            return 0
        counts = [(container.kind, exclusive_cpus(container)) for container in self.containers]
        first = max((count for kind, count in counts if kind == "init"), default=0)
        return max(first, sum(count for kind, count in counts if kind != "init"))

    def scheduling(self, container: ContainerSpec) -> Scheduling | None:
        """Policy and priority of a container's threads: of its command, else what the pod declares."""
        if container.scheduling or PRIORITY not in self.annotations:
            return container.scheduling
        policy, text = self.annotations.get(POLICY, "fifo"), self.annotations[PRIORITY]
        return Scheduling(policy, int(text) if text.isdecimal() and text.isascii() and len(text) < 9 else None, text)

    def polls(self, container: ContainerSpec) -> bool:
        """Whether its threads are known never to sleep."""
        return self.annotations.get(POLLS) == "true" or is_polling(container.command)

    def hugepages(self) -> dict[Size, int]:
        """Bytes of hugepages that it takes, by page size."""
        totals: dict[Size, int] = {}
        for container in self.containers:
            for size, amount in container.limits.hugepages.items():
                first = container.kind == "init"
                totals[size] = max(totals.get(size, 0), amount) if first else totals.get(size, 0) + amount
        return totals


class RuntimeClassSpec(Spec):
    """A RuntimeClass (node.k8s.io/v1). ``node_selector`` is added to each pod of the class."""

    name: str
    handler: str = ""
    node_selector: dict[str, str] = {}
    overhead: Amounts = Amounts()


class DisruptionBudgetSpec(Spec):
    """A PodDisruptionBudget (policy/v1): which pods, and how many may be gone or must stay, as written."""

    name: str
    namespace: str = "default"
    match_labels: dict[str, str] = {}
    min_available: str | None = None
    max_unavailable: str | None = None


def exclusive_cpus(container: ContainerSpec) -> int:
    """CPUs of its own in a Guaranteed pod: none for a fraction, and none while that is not known."""
    return (container.cpu or 0) // 1000 if container.whole else 0


def tests_latency(container: ContainerSpec) -> bool:
    """Whether it runs a program that measures latency."""
    return is_latency_test(container.command)


def _marked(container: ContainerSpec) -> bool:
    starts = container.scheduling
    return bool(starts and starts.policy in ("fifo", "rr")) or (container.may("SYS_NICE") and not container.privileged)
