"""No physical CPU is promised twice: to a guest, and by the kubelet to a pod."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.cross.examples import both, keeping
from quietcore.rules.examples import domain
from quietcore.rules.paths import place_of
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import DomainSpec, HostView, MachineSpec, NodeSpec, Severity
from quietcore.units import CpuSet


def _promised(view: HostView) -> Iterator[Hit]:
    """One hit for each domain."""
    machine = view.machine
    if machine is None:
        return
    pool = _pool(machine)
    for node in view.nodes:
        threads = [(where, who, cpus & pool) for where, who, cpus in _threads(node.domain) if cpus & pool]
        if not threads or not node.domain.realtime or _launched(node):
            continue
        taken = CpuSet().union(cpus for _, _, cpus in threads)
        yield Hit(
            where=place_of(node, threads[0][0]),
            given=f"{'; '.join(f'{who} on {cpus}' for _, who, cpus in threads)}; {_says(machine)}, so it may give "
            f"{pool} to pods",
            allowed="CPUs that the kubelet reserves",
            hint=f"let the kubelet reserve {taken} too, or pin the domain to CPUs that it reserves",
        )


def _pool(machine: MachineSpec) -> CpuSet:
    """The CPUs that pods may get for their own: the static policy knows no isolcpus, only what is reserved."""
    if machine.kubelet is None or not machine.kubelet.static_cpus:
        return CpuSet()
    reserved = machine.kubelet.reserved_cpus
    return machine.online - reserved if reserved is not None else CpuSet()


def _says(machine: MachineSpec) -> str:
    assert machine.kubelet is not None
    return f"{machine.end('kubelet')} reserves {machine.kubelet.reserved_cpus or 'none'}"


def _threads(domain: DomainSpec) -> Iterator[tuple[str, str, CpuSet]]:
    """Where each thread is pinned, who it is, and to which CPUs."""
    for pin in domain.vcpu_pins:
        yield f"cputune.vcpupin[{pin.vcpu}]", f"vCPU {pin.vcpu}", pin.cpus
    if domain.emulator_pin:
        yield "cputune.emulatorpin", "the emulator", domain.emulator_pin
    for io in domain.iothread_pins:
        yield f"cputune.iothreadpin[{io.iothread}]", f"IOThread {io.iothread}", io.cpus


def _launched(node: NodeSpec) -> bool:
    """KubeVirt's domains are in pods: their pins come from the kubelet. They are called namespace_name."""
    return "_" in node.domain.name and node.node is None


X01: Rule[HostView] = Rule(
    code="X01",
    title="CPU is promised to a guest and to pods",
    severity=Severity.ERROR,
    scope=Scope.HOST,
    subject=HostView,
    judge=_promised,
    doc=Doc(
        what="No thread of a real-time domain is pinned to a CPU that the kubelet of the same host may give to a pod "
        "for its own: with the static CPU policy, every CPU that is not reserved. KubeVirt's domains are left out, as "
        "their CPUs come from the kubelet.",
        why="The kubelet knows nothing of libvirt, and its static policy heeds no isolcpus. It gives the CPU of a FIFO "
        "vCPU to the next Guaranteed pod: the pod waits for as long as the vCPU runs, and each looks well configured.",
        fix="reserve the domains' CPUs with the kubelet, or run guests and pods on different hosts",
        sources=(source("K8S-DOC", "static policy"), source("LV-RT", '"CPU configuration"')),
        bad=Example(
            text="# kubelet.yaml\nreservedSystemCPUs: 0-1\n# domain\n<vcpupin vcpu='1' cpuset='2'/>",
            subject=lambda: both(domain(), kubelet=keeping("0-1")),
        ),
        good=Example(
            text="# kubelet.yaml\nreservedSystemCPUs: 0-4\n# domain\n<vcpupin vcpu='1' cpuset='2'/>",
            subject=lambda: both(domain()),
        ),
    ),
)
