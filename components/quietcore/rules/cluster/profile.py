"""Rules on a PerformanceProfile alone: pages and hints that the operator refuses, or that come to nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from quietcore.rules.cluster.examples import profile
from quietcore.rules.examples import cpus
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import PerformanceProfileSpec, Severity
from quietcore.spec.performance_profile import ProfilePages, WorkloadHints

KERNEL_DEFAULT = "2M"  # what x86 and arm64 with 4 KiB pages take without default_hugepagesz


def _pages_by_cell(profile: PerformanceProfileSpec) -> Iterator[Hit]:
    for index, argument in enumerate(profile.kernel_args):
        name, _, value = argument.partition("=")
        if name == "hugepages" and ":" in value:
            yield Hit(
                where=f"spec.additionalKernelArgs[{index}]", given=argument, allowed="spec.hugepages.pages[].node"
            )


C26: Rule[PerformanceProfileSpec] = Rule(
    code="C26",
    title="pages of a NUMA cell stand in additionalKernelArgs",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=PerformanceProfileSpec,
    judge=_pages_by_cell,
    doc=Doc(
        what="Pages for one NUMA cell are declared in spec.hugepages.pages with their node, not as a kernel argument "
        "such as hugepages=0:4,1:4.",
        why="Older kernels read no cell there and reserve other pages than meant. From the profile's own list the "
        "operator makes a systemd unit per cell, which works with every kernel and is counted when pods are placed.",
        fix="move the pages into spec.hugepages.pages, one entry per node",
        sources=(source("NTO-K", "machineconfig, hugepages-allocation units"), source("K-PARAM", "hugepages=")),
        bad=Example(
            text='additionalKernelArgs: ["hugepagesz=1G", "hugepages=0:4,1:4"]',
            subject=lambda: profile(kernel_args=("hugepagesz=1G", "hugepages=0:4,1:4")),
        ),
        good=Example(
            text="hugepages:\n  defaultHugepagesSize: 1G\n  pages:\n  - {size: 1G, count: 4, node: 0}\n"
            "  - {size: 1G, count: 4, node: 1}",
            subject=lambda: profile(pages=tuple(ProfilePages(size="1G", count=4, node=node) for node in (0, 1))),
        ),
    ),
)


def _default_and_repeats(profile: PerformanceProfileSpec) -> Iterator[Hit]:
    sizes = {pages.size for pages in profile.pages}
    if sizes - {KERNEL_DEFAULT} and profile.default_page_size is None:
        yield Hit(
            where="spec.hugepages.defaultHugepagesSize",
            given=f"pages of {', '.join(sorted(sizes))}, and no default size",
            allowed="one of the sizes",
            hint=f"add defaultHugepagesSize: {max(sizes, key=len) if len(sizes) == 1 else sorted(sizes)[0]}",
        )
    for (size, node), times in Counter((pages.size, pages.node) for pages in profile.pages).items():
        if times > 1:
            place = "without a node" if node is None else f"of node {node}"
            yield Hit(
                where="spec.hugepages.pages",
                given=f"{times} entries of {size} {place}",
                allowed="one entry per size and node",
                hint="keep one of them, with the count that is meant",
            )


C31: Rule[PerformanceProfileSpec] = Rule(
    code="C31",
    title="hugepages have no default size, or a size is there twice",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=PerformanceProfileSpec,
    judge=_default_and_repeats,
    doc=Doc(
        what="A profile with pages of another size than 2M names the default size, and each size and node occurs once. "
        "(2M alone needs no default: it is the kernel's own.)",
        why="Without a default size, a program that asks for hugepages without naming a size gets 2M pages, of which "
        "none are there. An entry that is there twice is refused by the operator's webhook, because nobody can tell "
        "which count is meant.",
        fix="add defaultHugepagesSize, and keep one entry per size and node",
        sources=(source("NTO-V", "validateHugePages, validatePageDuplication"), source("NTO-D")),
        bad=Example(
            text="hugepages:\n  pages:\n  - {size: 1G, count: 8}",
            subject=lambda: profile(default_page_size=None),
        ),
        good=Example(
            text="hugepages:\n  defaultHugepagesSize: 1G\n  pages:\n  - {size: 1G, count: 8}", subject=profile
        ),
    ),
)


def _no_realtime_hint(profile: PerformanceProfileSpec) -> Iterator[Hit]:
    if profile.realtime_kernel and not profile.realtime:
        yield Hit(
            where="spec.workloadHints.realTime",
            given="realTime: false with realTimeKernel.enabled: true",
            allowed="true, or left out",
        )


C46: Rule[PerformanceProfileSpec] = Rule(
    code="C46",
    title="real-time kernel without the real-time hint",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=PerformanceProfileSpec,
    judge=_no_realtime_hint,
    doc=Doc(
        what="Where a profile switches the real-time kernel on, its realTime hint is not switched off.",
        why="The hint is what makes nodes tickless, takes the throttle off real-time threads and quiets watchdogs. A "
        "real-time kernel without them costs throughput and gives no bound; the webhook refuses the pair.",
        fix="remove realTime: false, or switch realTimeKernel off",
        sources=(source("NTO-V", "validateWorkloadHints"),),
        bad=Example(
            text="realTimeKernel:\n  enabled: true\nworkloadHints:\n  realTime: false",
            subject=lambda: profile(hints=WorkloadHints(real_time=False)),
        ),
        good=Example(
            text="realTimeKernel:\n  enabled: true\nworkloadHints:\n  realTime: true",
            subject=lambda: profile(hints=WorkloadHints(real_time=True)),
        ),
    ),
)


def _power_both_ways(profile: PerformanceProfileSpec) -> Iterator[Hit]:
    if profile.hints.high_power and profile.hints.per_pod_power:
        yield Hit(
            where="spec.workloadHints",
            given="highPowerConsumption: true and perPodPowerManagement: true",
            allowed="one of them",
        )


C47: Rule[PerformanceProfileSpec] = Rule(
    code="C47",
    title="high power and power by pod are both asked for",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=PerformanceProfileSpec,
    judge=_power_both_ways,
    doc=Doc(
        what="highPowerConsumption and perPodPowerManagement are not both on.",
        why="One forbids every CPU's idle states, the other lets each pod choose its own: they contradict each other, "
        "and the webhook refuses the profile.",
        fix="keep highPowerConsumption for latency alone, or perPodPowerManagement to save power",
        sources=(source("NTO-V", "validateWorkloadHints"),),
        bad=Example(
            text="workloadHints:\n  highPowerConsumption: true\n  perPodPowerManagement: true",
            subject=lambda: profile(hints=WorkloadHints(high_power=True, per_pod_power=True)),
        ),
        good=Example(
            text="workloadHints:\n  highPowerConsumption: true\n  realTime: true",
            subject=lambda: profile(hints=WorkloadHints(high_power=True, real_time=True)),
        ),
    ),
)


def _nothing_shared(profile: PerformanceProfileSpec) -> Iterator[Hit]:
    if profile.hints.mixed_cpus and not profile.shared:
        yield Hit(
            where="spec.cpu.shared",
            given="no CPU, with workloadHints.mixedCpus: true",
            allowed="at least one CPU",
        )


H17: Rule[PerformanceProfileSpec] = Rule(
    code="H17",
    title="mixed CPUs without a shared set",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=PerformanceProfileSpec,
    judge=_nothing_shared,
    doc=Doc(
        what="A profile whose mixedCpus hint is on names the CPUs that are shared.",
        why="Pods with mixed CPUs get their exclusive ones and the shared ones. Without a shared set there is nothing "
        "to add, and the webhook refuses the profile.",
        fix="name spec.cpu.shared, disjoint from reserved and isolated, or switch mixedCpus off",
        sources=(source("NTO-V", "validateWorkloadHints"),),
        bad=Example(
            text='cpu: {reserved: "0-1", isolated: "2-7"}\nworkloadHints: {mixedCpus: true}',
            subject=lambda: profile(hints=WorkloadHints(mixed_cpus=True)),
        ),
        good=Example(
            text='cpu: {reserved: "0", isolated: "2-7", shared: "1"}\nworkloadHints: {mixedCpus: true}',
            subject=lambda: profile(reserved=cpus("0"), shared=cpus("1"), hints=WorkloadHints(mixed_cpus=True)),
        ),
    ),
)


def _kernel_page(profile: PerformanceProfileSpec) -> Iterator[Hit]:
    if profile.kernel_page_size not in (None, "4k", "64k"):
        yield Hit(where="spec.kernelPageSize", given=profile.kernel_page_size, allowed="4k, or 64k on arm64")


H19: Rule[PerformanceProfileSpec] = Rule(
    code="H19",
    title="kernel page size that no kernel of the operator has",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=PerformanceProfileSpec,
    judge=_kernel_page,
    doc=Doc(
        what="kernelPageSize is 4k, or 64k for arm64 nodes.",
        why="The size selects a kernel package, and there are packages for these two only.",
        fix="write 4k, or leave it out",
        sources=(source("NTO-V", "validateKernelPageSize"),),
        bad=Example(text="kernelPageSize: 16k", subject=lambda: profile(kernel_page_size="16k")),
        good=Example(text="kernelPageSize: 4k", subject=lambda: profile(kernel_page_size="4k")),
    ),
)
