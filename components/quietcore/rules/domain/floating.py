"""Rules on real-time domains that pin no vCPU at all: what libvirt then does with their threads."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.examples import cpus, domain
from quietcore.rules.realtime import of_domain
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import DomainSpec, Severity

PINS = "cputune.vcpupin"
_EACH = "one host CPU for each vCPU"


def _unpinned(domain: DomainSpec) -> bool:
    """Whether nothing is pinned; with placement auto numad decides, which is D42's."""
    return not domain.vcpu_pins and domain.placement == "static"


@of_domain
def _floats(domain: DomainSpec) -> Iterator[Hit]:
    if _unpinned(domain) and domain.vcpu_cpuset and domain.rt_vcpus:
        given = f"no pins; {domain.rt_vcpus.counted('real-time vCPU')} may run on {domain.vcpu_cpuset.counted('CPU')}"
        yield Hit(where=PINS, given=given, allowed=_EACH, hint="replace the cpuset of <vcpu> by one vcpupin a vCPU")


D14: Rule[DomainSpec] = Rule(
    code="D14",
    title="real-time vCPU floats over a set of CPUs",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_floats,
    doc=Doc(
        what="A domain whose vCPUs run under a real-time policy pins them one by one; the cpuset of <vcpu> is no pin. "
        "A single vCPU that was forgotten is D02's, a pin to several CPUs D03's.",
        why="A FIFO thread that floats takes any CPU of the set and keeps it, and two of them may take the same one. "
        "Whatever else lives there, the host's own threads among it, no longer runs: the host hangs.",
        fix="pin each vCPU to a host CPU of its own",
        sources=(
            source("NOVA", "real-time policy needs the dedicated CPU policy"),
            source("KV", "realtime needs dedicatedCpuPlacement"),
            source("LV-RT", '"CPU configuration": no affinity on <vcpu>'),
        ),
        bad=Example(
            text="<vcpu placement='static' cpuset='2-7'>4</vcpu>\n"
            "<cputune>\n  <vcpusched vcpus='1-3' scheduler='fifo' priority='1'/>\n</cputune>",
            subject=lambda: domain(vcpu_pins=(), vcpu_cpuset=cpus("2-7")),
        ),
        good=Example(
            text="<vcpu placement='static'>4</vcpu>\n<cputune>\n  <vcpupin vcpu='0' cpuset='1'/>\n"
            "  <vcpupin vcpu='1' cpuset='2'/>\n  <vcpupin vcpu='2' cpuset='3'/>\n  <vcpupin vcpu='3' cpuset='4'/>\n"
            "  <vcpusched vcpus='1-3' scheduler='fifo' priority='1'/>\n</cputune>",
            subject=domain,
        ),
    ),
)


@of_domain
def _left_to_libvirt(domain: DomainSpec) -> Iterator[Hit]:
    if _unpinned(domain) and not domain.vcpu_cpuset:
        yield Hit(where=PINS, given="no pins and no cpuset", allowed=_EACH)


D50: Rule[DomainSpec] = Rule(
    code="D50",
    title="vCPUs are left to libvirt's default affinity",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_left_to_libvirt,
    doc=Doc(
        what="A real-time domain says where its vCPUs run.",
        why="Without pins libvirt lets them run on every CPU but the isolated ones, which it takes out without a "
        "word. The guest lands on housekeeping, exactly where the host's interrupts and daemons are.",
        fix="pin each vCPU to a host CPU of its own",
        sources=(source("LV-AFF"), source("LV-RT", '"CPU configuration"')),
        bad=Example(
            text="<vcpu placement='static'>4</vcpu>\n"
            "<cputune>\n  <vcpusched vcpus='1-3' scheduler='fifo' priority='1'/>\n</cputune>",
            subject=lambda: domain(vcpu_pins=()),
        ),
        good=Example(
            text="<vcpu placement='static'>4</vcpu>\n<cputune>\n  <vcpupin vcpu='0' cpuset='1'/>\n"
            "  <vcpupin vcpu='1' cpuset='2'/>\n  <vcpupin vcpu='2' cpuset='3'/>\n  <vcpupin vcpu='3' cpuset='4'/>\n"
            "</cputune>",
            subject=domain,
        ),
    ),
)
