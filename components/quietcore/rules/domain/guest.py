"""Rules on what a real-time guest sees of its machine, and on what runs inside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from quietcore.rules.examples import GUEST_CMDLINE, cpus, domain, guest, pins, placed
from quietcore.rules.realtime import of_domain, of_node
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import DomainSpec, GuestSpec, KernelCmdline, NodeSpec, Severity
from quietcore.units import CpuSet


@of_domain
def _counts(domain: DomainSpec) -> Iterator[Hit]:
    if domain.pmu is not False:
        given = "nothing: the guest gets one" if domain.pmu is None else '"on"'
        yield Hit(where="features.pmu.state", given=given, allowed='"off"')


D32: Rule[DomainSpec] = Rule(
    code="D32",
    title="guest has a performance monitoring unit",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_counts,
    doc=Doc(
        what="The performance monitoring unit of a real-time domain is switched off. This holds under TCG too: the "
        "guest's machine is then the same wherever it runs.",
        why="Each access of the guest to a counter leaves the guest, and an overflow is an interrupt that cannot be "
        "masked. Guests start their NMI watchdog on it by themselves.",
        fix="write <pmu state='off'/> in features",
        sources=(source("LV-RT", '"CPU configuration"'), source("RHEL-V")),
        bad=Example(text="<features>\n  <acpi/>\n</features>", subject=lambda: domain(pmu=None)),
        good=Example(text="<features>\n  <acpi/>\n  <pmu state='off'/>\n</features>", subject=domain),
    ),
)


@of_domain
def _inside(domain: DomainSpec) -> Iterator[Hit]:
    inside, real_time = domain.guest, domain.rt_vcpus & CpuSet(range(domain.vcpus))
    if inside is None:
        return
    if real_time and inside.isolated != real_time and not _keeps_some(domain, inside):
        both = f"the guest isolates {inside.isolated.counted('CPU')}; real-time: {real_time.counted('vCPU')}"
        yield Hit(
            where="guest.isolated",
            given=both + ("; these are host CPU numbers" if _host_numbers(domain, inside) else ""),
            allowed=f"{real_time}, in guest CPU numbers",
            hint=f"isolate {real_time} in the guest",
        )
    yield from _software(inside)


def _keeps_some(domain: DomainSpec, inside: GuestSpec) -> bool:
    """Whether all vCPUs are real-time for the host and the guest leaves some of them to its OS (D12 has the order)."""
    return domain.all_real_time and bool(inside.isolated) and inside.isolated < domain.rt_vcpus


def _host_numbers(domain: DomainSpec, inside: GuestSpec) -> bool:
    return bool(inside.isolated) and inside.isolated == domain.rt_pins


def _software(inside: GuestSpec) -> Iterator[Hit]:
    """Kernel and profile; a guest of which nobody said the kernel is known by its command line alone."""
    if inside.kernel == "generic":
        hint = "install a PREEMPT_RT kernel in the guest's image"
        yield Hit(where="guest.kernel", given='"generic"', allowed='"rt"', hint=hint)
    if inside.kernel is not None and inside.tuned is None:
        hint = 'give the node a profile: tuned=TunedProfile("NAME", role="guest")'
        yield Hit(where="guest.tuned", given="no tuned profile", allowed="a profile of role guest", hint=hint)
    elif inside.tuned is not None and inside.tuned.role != "guest":
        given = f'profile "{inside.tuned.name}" of role {inside.tuned.role}'
        hint = f'declare "{inside.tuned.name}" with role="guest"'
        yield Hit(where="guest.tuned", given=given, allowed="a profile of role guest", hint=hint)


def _unknown(domain: DomainSpec) -> str:
    if domain.guest is not None or not domain.realtime:
        return ""
    return f'nothing is declared of what runs inside domain "{domain.name}"'


D46: Rule[DomainSpec] = Rule(
    code="D46",
    title="guest is not real-time inside",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_inside,
    aside=_unknown,
    doc=Doc(
        what="A real-time guest has a real-time kernel and a tuned profile of role guest, and isolates exactly its "
        "real-time vCPUs, in its own CPU numbers; where all are real-time it leaves some to its OS. Where nothing is "
        "declared of the inside the rule stands aside.",
        why="Isolation is needed twice. A quiet host CPU helps nothing when the guest's own interrupts and daemons "
        "run on the vCPU; and host CPU numbers written into the guest isolate other vCPUs, or none.",
        fix="isolate the real-time vCPUs in the guest, with a real-time kernel and a guest profile",
        sources=(source("SEA", "issue 529"), source("KVC"), source("RHEL-V", "chapter 4")),
        bad=Example(
            text="<vcpupin vcpu='1' cpuset='2'/> ... <vcpusched vcpus='1-3' scheduler='fifo' priority='1'/>\n"
            "# in the guest: isolated_cores=2-4, the host's numbers",
            subject=lambda: domain(guest=guest(isolated=cpus("2-4"), cmdline=None)),
        ),
        good=Example(
            text="<vcpupin vcpu='1' cpuset='2'/> ... <vcpusched vcpus='1-3' scheduler='fifo' priority='1'/>\n"
            "# in the guest: isolated_cores=1-3, its own numbers",
            subject=domain,
        ),
    ),
    depends_on=("D13",),
)


@of_node
def _never_yields(node: NodeSpec) -> Iterator[Hit]:
    inside = node.domain.guest
    if inside is None or inside.cmdline is None or inside.cmdline.get("idle") != "poll":
        return
    shared = _without_cpu_of_its_own(node)
    if shared:
        yield Hit(
            where="guest.cmdline.idle",
            given=f"idle=poll; no host CPU of its own has: {shared.counted('vCPU')}",
            allowed="idle=poll only where every vCPU may burn a host CPU",
        )


def _without_cpu_of_its_own(node: NodeSpec) -> CpuSet:
    """The vCPUs that share their host CPU with another vCPU, the emulator, an IOThread or the host's own work."""
    domain, others = node.domain, node.host.cpus.housekeeping if node.host else CpuSet()
    others = others.union([domain.emulator_pin or CpuSet(), *(pin.cpus for pin in domain.iothread_pins)])
    used = Counter(cpu for pin in domain.vcpu_pins for cpu in pin.cpus)
    alone = {
        pin.vcpu
        for pin in domain.vcpu_pins
        if len(pin.cpus) == 1 and used[min(pin.cpus)] == 1 and pin.cpus.isdisjoint(others)
    }
    return CpuSet(vcpu for vcpu in range(domain.vcpus) if vcpu not in alone)


D47: Rule[NodeSpec] = Rule(
    code="D47",
    title="guest polls when idle on a CPU that is not its own",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=NodeSpec,
    judge=_never_yields,
    doc=Doc(
        what="A real-time guest boots with idle=poll only where each of its vCPUs has a host CPU to itself.",
        why="A vCPU that polls never yields: for the host it runs at 100 %. On a shared CPU it takes the time of the "
        "emulator, of other guests and of the host's own work. SEAPATH found such guests unstable.",
        fix="take idle=poll out of the guest's command line",
        sources=(source("K-HW"), source("SEA", "issue 529")),
        bad=Example(
            text="<vcpupin vcpu='0' cpuset='1'/> <emulatorpin cpuset='0-1'/>\n# in the guest: idle=poll",
            subject=lambda: _polling(v0="1"),
        ),
        good=Example(
            text="<vcpupin vcpu='0' cpuset='5'/> <emulatorpin cpuset='0-1'/>\n# in the guest: idle=poll",
            subject=lambda: _polling(v0="5"),
        ),
    ),
    depends_on=("D02", "D03"),
)


def _polling(v0: str) -> NodeSpec:
    cmdline = KernelCmdline.parse(f"{GUEST_CMDLINE} idle=poll")
    return placed(vcpu_pins=pins(v0=v0, v1="2", v2="3", v3="4"), guest=guest(cmdline=cmdline))
