"""Rules on the CPU that a real-time guest sees: its model, its timers, its topology and its hints."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.examples import domain, pins, placed, scheds, smt_host
from quietcore.rules.realtime import of_domain, of_node
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import CpuTopology, DomainSpec, HostSpec, NodeSpec, Severity
from quietcore.units import CpuSet

WHOLE = ("host-passthrough", "maximum")
NEEDED = ("require", "force")
DEADLINE = "tsc-deadline"


def _has(domain: DomainSpec, feature: str) -> bool:
    return domain.cpu_features.get(feature) in NEEDED


@of_domain
def _other_cpu(domain: DomainSpec) -> Iterator[Hit]:
    mode = domain.cpu_mode
    if domain.hypervisor != "kvm" or mode in WHOLE or (mode is not None and _has(domain, DEADLINE)):
        return
    given = "no CPU: the guest gets QEMU's default model" if mode is None else f'mode "{mode}"'
    extra = f' with {DEADLINE} required; or "host-passthrough"' if domain.x86 else ""
    allowed = f'"host-model" or a model{extra}' if extra else '"host-passthrough"'
    yield Hit(where="cpu", given=given, allowed=allowed)


D15: Rule[DomainSpec] = Rule(
    code="D15",
    title="guest's CPU is not the host's",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_other_cpu,
    doc=Doc(
        what="A real-time domain under KVM passes the host's CPU through. Another mode is accepted where it requires "
        "the deadline timer by name. Under TCG there is no CPU to pass through, and the rule is silent.",
        why="A model that stands for several CPUs leaves features out, the TSC deadline timer among them, and which "
        "ones changes with libvirt and QEMU. Each timer is then programmed by slow exits through the local APIC.",
        fix="write <cpu mode='host-passthrough' migratable='off'>",
        sources=(source("LV-RT", '"CPU configuration"'), source("CAN-VM"), source("RHEL-V")),
        bad=Example(
            text="<cpu mode='custom'>\n  <model>Nehalem</model>\n</cpu>",
            subject=lambda: domain(cpu_mode="custom", cpu_model="Nehalem", cpu_features={}),
        ),
        good=Example(
            text="<cpu mode='host-passthrough' migratable='off'>\n"
            "  <feature policy='require' name='tsc-deadline'/>\n</cpu>",
            subject=domain,
        ),
    ),
)


@of_domain
def _no_deadline(domain: DomainSpec) -> Iterator[Hit]:
    if domain.hypervisor == "kvm" and domain.x86 and not _has(domain, DEADLINE):
        policy = domain.cpu_features.get(DEADLINE)
        yield Hit(
            where=f"cpu.feature[{DEADLINE}]",
            given="not there" if policy is None else f'policy "{policy}"',
            allowed='policy "require"',
        )


D16: Rule[DomainSpec] = Rule(
    code="D16",
    title="TSC deadline timer is not required",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_no_deadline,
    doc=Doc(
        what="A real-time domain under KVM on x86 requires the CPU feature tsc-deadline.",
        why="With it the guest arms its timer by one write of a TSC value, and KVM fires it with the host's own "
        "precise timer. Where it is missing, the guest falls back to the slow path without a word; required, the "
        "domain does not start instead.",
        fix="add <feature policy='require' name='tsc-deadline'/> to <cpu>",
        sources=(source("LV-RT", '"CPU configuration"'), source("RHEL-V"), source("CAN-VM"), source("SEA")),
        bad=Example(text="<cpu mode='host-passthrough'/>", subject=lambda: domain(cpu_features={})),
        good=Example(
            text="<cpu mode='host-passthrough'>\n  <feature policy='require' name='tsc-deadline'/>\n</cpu>",
            subject=domain,
        ),
    ),
    depends_on=("D15",),
)


@of_domain
def _moving_tsc(domain: DomainSpec) -> Iterator[Hit]:
    if domain.cpu_mode in WHOLE and domain.migratable is not False and _has(domain, "invtsc"):
        said = "nothing: on by default" if domain.migratable is None else '"on"'
        yield Hit(where="cpu.migratable", given=f"{said}; invtsc is required", allowed='"off"')
    elif domain.cpu_features.get("invtsc") in ("disable", "forbid"):
        given = f'policy "{domain.cpu_features["invtsc"]}"'
        hint = "take the feature out, and write migratable='off'"
        yield Hit(where="cpu.feature[invtsc]", given=given, allowed='"require"', hint=hint)


D17: Rule[DomainSpec] = Rule(
    code="D17",
    title="invariant TSC and migration contradict each other",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_moving_tsc,
    doc=Doc(
        what="A domain that requires invtsc has a CPU that is not migratable, and no real-time domain takes invtsc "
        "away. That invtsc is required is advice; with migratable='off' the CPU is passed through with it anyway.",
        why="An invariant TSC is the clock source that neither stops nor changes its rate. A guest with it cannot "
        "move to a host with another TSC, so QEMU hides it while the CPU counts as migratable.",
        fix="write <cpu mode='host-passthrough' migratable='off'>",
        sources=(
            source("CAN-VM", "migratable='off'"),
            source("K-HW"),
            source("LV-FMT", '"CPU model and topology", migratable'),
        ),
        bad=Example(
            text="<cpu mode='host-passthrough'>\n  <feature policy='require' name='tsc-deadline'/>\n"
            "  <feature policy='require' name='invtsc'/>\n</cpu>",
            subject=lambda: domain(migratable=None, cpu_features={DEADLINE: "require", "invtsc": "require"}),
        ),
        good=Example(
            text="<cpu mode='host-passthrough' migratable='off'>\n  <feature policy='require' name='tsc-deadline'/>\n"
            "  <feature policy='require' name='invtsc'/>\n</cpu>",
            subject=lambda: domain(cpu_features={DEADLINE: "require", "invtsc": "require"}),
        ),
    ),
)


@of_domain
def _other_count(domain: DomainSpec) -> Iterator[Hit]:
    topology = domain.cpu_topology
    if topology is not None and topology.vcpus != domain.vcpus:
        product = f"{topology.sockets} x {topology.dies} x {topology.cores} x {topology.threads}"
        yield Hit(
            where="cpu.topology",
            given=f"{product} is {topology.vcpus}; the domain has {domain.vcpus} vCPUs",
            allowed=f"a product of {domain.vcpus}",
            hint=f"write <topology sockets='1' dies='1' cores='{domain.vcpus}' threads='1'/>",
        )


D18: Rule[DomainSpec] = Rule(
    code="D18",
    title="CPU topology has another number of vCPUs",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_other_count,
    doc=Doc(
        what="Sockets, dies, cores and threads multiply to the domain's vCPU count.",
        why="The schema accepts any numbers, and so does a define; the domain is then refused when it starts. "
        "It is the usual leftover of a changed vCPU count.",
        fix="let the topology multiply to the vCPU count",
        sources=(
            source("LV-TEST", "a topology that does not multiply to the vCPU count is accepted"),
            source("LV-FMT", '"CPU model and topology", topology'),
        ),
        bad=Example(
            text="<vcpu>4</vcpu>\n<cpu>\n  <topology sockets='1' dies='1' cores='8' threads='1'/>\n</cpu>",
            subject=lambda: domain(cpu_topology=CpuTopology(cores=8)),
        ),
        good=Example(
            text="<vcpu>4</vcpu>\n<cpu>\n  <topology sockets='1' dies='1' cores='4' threads='1'/>\n</cpu>",
            subject=lambda: domain(cpu_topology=CpuTopology(cores=4)),
        ),
    ),
)


@of_node
def _false_siblings(node: NodeSpec) -> Iterator[Hit]:
    topology, host = node.domain.cpu_topology, node.host
    if topology is None or topology.threads < 2 or host is None or topology.vcpus != node.domain.vcpus:
        return
    split = [core for core in _guest_cores(node.domain, topology.threads) if not _on_one_core(node.domain, core, host)]
    if split:
        yield Hit(
            where="cpu.topology.threads",
            given=f'{topology.threads} threads a core; vCPUs {split[0]} are no siblings on host "{host.name}"',
            allowed="1, or vCPU siblings pinned to the siblings of one host core",
        )


def _guest_cores(domain: DomainSpec, threads: int) -> list[CpuSet]:
    """libvirt numbers threads within cores, so that a core's vCPUs follow one another."""
    return [CpuSet(range(first, first + threads)) for first in range(0, domain.vcpus, threads)]


def _on_one_core(domain: DomainSpec, vcpus: CpuSet, host: HostSpec) -> bool:
    """Whether the vCPUs are pinned to threads of one host core; pins that are wrong in themselves are other rules'."""
    pinned = [pin.cpus for pin in domain.vcpu_pins if pin.vcpu in vcpus]
    if any(len(one) != 1 for one in pinned) or len(pinned) != len(vcpus):
        return True
    used = CpuSet().union(pinned)
    return used <= host.topology.core_of(min(used))


D19: Rule[NodeSpec] = Rule(
    code="D19",
    title="guest sees siblings that are none",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=NodeSpec,
    judge=_false_siblings,
    doc=Doc(
        what="The guest's cores have one thread each, or its sibling vCPUs are pinned to the siblings of one host "
        "core. Judged where the host's cores are known.",
        why="The guest's scheduler places tasks by this picture: it packs what should share a cache onto vCPUs that "
        "share none, and keeps apart vCPUs that do not disturb each other.",
        fix="write threads='1', or pin sibling vCPUs to sibling CPUs",
        sources=(source("CAN-VM", "topology"), source("RHEL-V")),
        bad=Example(
            text="# CPUs n and n+8 are siblings\n<topology sockets='1' dies='1' cores='2' threads='2'/>\n"
            "<vcpupin vcpu='0' cpuset='0'/> <vcpupin vcpu='1' cpuset='1'/>\n"
            "<vcpupin vcpu='2' cpuset='2'/> <vcpupin vcpu='3' cpuset='3'/>",
            subject=lambda: _threads(v0="0", v1="1", v2="2", v3="3"),
        ),
        good=Example(
            text="# CPUs n and n+8 are siblings\n<topology sockets='1' dies='1' cores='2' threads='2'/>\n"
            "<vcpupin vcpu='0' cpuset='1'/> <vcpupin vcpu='1' cpuset='9'/>\n"
            "<vcpupin vcpu='2' cpuset='2'/> <vcpupin vcpu='3' cpuset='10'/>",
            subject=lambda: _threads(v0="1", v1="9", v2="2", v3="10"),
        ),
    ),
)


def _threads(**on: str) -> NodeSpec:
    """The good domain, as two cores of two threads, on the host with SMT."""
    return placed(
        smt_host(),
        cpu_topology=CpuTopology(cores=2, threads=2),
        vcpu_pins=pins(**on),
        vcpu_scheds=scheds("1-3"),
        emulator_pin=CpuSet([0]),
        iothreads=0,
        iothread_pins=(),
    )


@of_domain
def _false_promise(domain: DomainSpec) -> Iterator[Hit]:
    hints = [name for name in ("hint-dedicated", "poll-control") if name in domain.kvm_features]
    if not hints:
        return
    pinned = [pin.cpus for pin in domain.vcpu_pins]
    if len(set(pinned)) < domain.vcpus or any(len(one) != 1 for one in pinned):
        yield Hit(
            where="features.kvm",
            given=f"{' and '.join(hints)}; not every vCPU has a CPU of its own",
            allowed="these hints only where each vCPU is pinned to a CPU of its own",
        )


D36: Rule[DomainSpec] = Rule(
    code="D36",
    title="guest is told that its CPUs are dedicated",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_false_promise,
    doc=Doc(
        what="The KVM hints hint-dedicated and poll-control go with one host CPU for each vCPU.",
        why="The guest believes them: it spins on locks instead of yielding, and polls when idle. On a CPU that two "
        "vCPUs share, one spins for a lock whose holder waits for that very CPU.",
        fix="take the hints out, or give each vCPU a CPU of its own",
        sources=(source("LV-FMT", '"Hypervisor features", kvm'),),
        bad=Example(
            text="<kvm><hint-dedicated state='on'/></kvm>\n<vcpupin vcpu='0' cpuset='1'/>\n"
            "<vcpupin vcpu='1' cpuset='1'/>",
            subject=lambda: _hinted(v0="1", v1="1", v2="3", v3="4"),
        ),
        good=Example(
            text="<kvm><hint-dedicated state='on'/></kvm>\n<vcpupin vcpu='0' cpuset='1'/>\n"
            "<vcpupin vcpu='1' cpuset='2'/>",
            subject=lambda: _hinted(v0="1", v1="2", v2="3", v3="4"),
        ),
    ),
    depends_on=("D02", "D03"),
)


def _hinted(**on: str) -> DomainSpec:
    return domain(kvm_features=("hint-dedicated",), vcpu_pins=pins(**on), vcpu_scheds=scheds("2-3"), guest=None)
