"""Rules on the options of the kubelet's policy managers: which exclude each other, and which a release refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from quietcore.rules.kubelet.examples import kubelet, options, worker
from quietcore.rules.kubelet.machines import of_kubelet, release
from quietcore.rules.kubelet.options import (
    ACROSS_CORES,
    ACROSS_NUMA,
    BY_SOCKET,
    CPU_OPTIONS,
    FULL_CORES,
    NEWEST,
    TOPOLOGY_OPTIONS,
    UNCORE,
    Option,
    enabled,
)
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import KubeletSpec, MachineSpec, Severity
from quietcore.spec.kubelet import FALSE, TRUE
from quietcore.units import Duration

CPU = "cpuManagerPolicyOptions"
TOPOLOGY = "topologyManagerPolicyOptions"
PERIOD = Duration.parse("100ms")  # the kubelet's own cpuCFSQuotaPeriod
SHORTEST, LONGEST = Duration.parse("1ms"), Duration.parse("1s")  # K8S-VAL, cpuCFSQuotaPeriod
PERIOD_GATE = "CustomCPUCFSQuotaPeriod"  # alpha since 1.12, and still


def _by_socket(kubelet: KubeletSpec) -> Iterator[Hit]:
    if kubelet.chooses(BY_SOCKET) and kubelet.topology_manager_policy == "single-numa-node":
        yield Hit(
            where=f"{CPU}.{BY_SOCKET}",
            given='"true", with topologyManagerPolicy single-numa-node',
            allowed="one of the two",
            hint=f"remove {BY_SOCKET}: CPUs of one NUMA node are of one socket already",
        )


K09: Rule[KubeletSpec] = Rule(
    code="K09",
    title="CPUs are aligned by socket and by NUMA node at once",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=KubeletSpec,
    judge=_by_socket,
    doc=Doc(
        what=f"The option {BY_SOCKET} is not chosen together with topologyManagerPolicy single-numa-node. (The kubelet "
        "also refuses it where sockets outnumber NUMA nodes; a topology here has one socket for each node, so that "
        "cannot be said.)",
        why="The kubelet does not start: the one asks for CPUs of one socket, the other for CPUs of one NUMA node.",
        fix=f"remove {BY_SOCKET}",
        sources=(source("K8S-VAL", "cpumanager/policy_options.go"), source("KEP-3327")),
        bad=Example(
            text=f'topologyManagerPolicy: single-numa-node\ncpuManagerPolicyOptions:\n  {BY_SOCKET}: "true"',
            subject=lambda: kubelet(cpu_manager_options=options(FULL_CORES, BY_SOCKET)),
        ),
        good=Example(
            text=f'topologyManagerPolicy: restricted\ncpuManagerPolicyOptions:\n  {BY_SOCKET}: "true"',
            subject=lambda: kubelet(
                cpu_manager_options=options(FULL_CORES, BY_SOCKET), topology_manager_policy="restricted"
            ),
        ),
    ),
)

APART = (
    (FULL_CORES, ACROSS_CORES),
    (ACROSS_NUMA, ACROSS_CORES),
    (UNCORE, ACROSS_CORES),
    (UNCORE, ACROSS_NUMA),
)


def _exclusive(kubelet: KubeletSpec) -> Iterator[Hit]:
    for one, other in APART:
        if kubelet.chooses(one) and kubelet.chooses(other):
            yield Hit(
                where=f"{CPU}.{other}",
                given=f"both {one} and {other}",
                allowed="one of the two",
                hint=f"remove {other}",
            )


K10: Rule[KubeletSpec] = Rule(
    code="K10",
    title="CPU manager options exclude each other",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=KubeletSpec,
    judge=_exclusive,
    doc=Doc(
        what=f"{ACROSS_CORES} is chosen without {FULL_CORES}, {ACROSS_NUMA} and {UNCORE}; and {UNCORE} without "
        f"{ACROSS_NUMA}.",
        why="The kubelet does not start: one option packs CPUs where the other spreads them.",
        fix="keep the option that real-time pods need, and remove the other",
        sources=(source("K8S-VAL", "cpumanager/policy_options.go"), source("KEP-4176"), source("KEP-4800")),
        bad=Example(
            text=f'cpuManagerPolicyOptions:\n  {ACROSS_NUMA}: "true"\n  {UNCORE}: "true"',
            subject=lambda: kubelet(cpu_manager_options=options(ACROSS_NUMA, UNCORE)),
        ),
        good=Example(
            text=f'cpuManagerPolicyOptions:\n  {FULL_CORES}: "true"\n  {UNCORE}: "true"',
            subject=lambda: kubelet(cpu_manager_options=options(FULL_CORES, UNCORE)),
        ),
    ),
)


def _refused(machine: MachineSpec, kubelet: KubeletSpec) -> Iterator[Hit]:
    number = release(machine)
    yield from _options(kubelet, number, CPU, kubelet.cpu_manager_options, CPU_OPTIONS, "CPUManagerPolicy")
    yield from _options(
        kubelet, number, TOPOLOGY, kubelet.topology_manager_options, TOPOLOGY_OPTIONS, "TopologyManagerPolicy"
    )
    if kubelet.cpu_manager_options and not kubelet.static_cpus and not kubelet.fragment:
        yield Hit(
            where=f"kubelet.{CPU}",
            given=f"{', '.join(kubelet.cpu_manager_options)}; the policy is {kubelet.cpu_manager_policy or 'none'}",
            allowed="options with the static policy only",
            hint="set cpuManagerPolicy to static, or remove the options",
        )
    period = kubelet.cpu_cfs_quota_period
    in_bounds = period is not None and period != PERIOD and SHORTEST <= period <= LONGEST
    if in_bounds and not enabled(kubelet, PERIOD_GATE, default=_all_alpha(kubelet)):
        yield Hit(
            where="kubelet.cpuCFSQuotaPeriod",
            given=f"{period}, without the gate {PERIOD_GATE}",
            allowed=str(PERIOD),
            hint=f"remove cpuCFSQuotaPeriod, or set featureGates.{PERIOD_GATE} to true",
        )


def _all_alpha(kubelet: KubeletSpec) -> bool:
    return kubelet.feature_gates.get("AllAlpha", False)


def _options(
    kubelet: KubeletSpec,
    number: int | None,
    key: str,
    chosen: Mapping[str, str],
    known: Mapping[str, Option],
    gate: str,
) -> Iterator[Hit]:
    for name, value in chosen.items():
        where = f"kubelet.{key}.{name}"
        if name not in known:
            if number is None or number <= NEWEST:
                near = get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"remove {name}"
                yield Hit(where=where, given=f"unknown option {name}", allowed=", ".join(sorted(known)), hint=hint)
        elif key == CPU and value not in TRUE | FALSE:
            yield Hit(where=where, given=repr(value), allowed='"true" or "false"', hint='write "true"')
        else:
            yield from _gated(kubelet, number, where, known[name], gate)


def _gated(kubelet: KubeletSpec, number: int | None, where: str, option: Option, gate: str) -> Iterator[Hit]:
    stage = option.stage(number)
    if stage == "absent":
        since = f"since release 1.{option.since}"
        yield Hit(where=where, given=f"kubelet 1.{number}", allowed=since, hint="remove it, or update the kubelet")
    elif not enabled(kubelet, f"{gate}Options", default=True):
        yield _gate(where, f"{gate}Options is off", f"{gate}Options")
    elif stage == "alpha" and not enabled(kubelet, f"{gate}AlphaOptions", default=False):
        yield _gate(where, f"alpha, without the gate {gate}AlphaOptions", f"{gate}AlphaOptions")
    elif stage == "beta" and not enabled(kubelet, f"{gate}BetaOptions", default=True):
        yield _gate(where, f"beta, with the gate {gate}BetaOptions off", f"{gate}BetaOptions")


def _gate(where: str, given: str, gate: str) -> Hit:
    return Hit(
        where=where,
        given=given,
        allowed=f"featureGates.{gate}: true",
        hint=f"set featureGates.{gate} to true, or remove the option",
    )


K11: Rule[MachineSpec] = Rule(
    code="K11",
    title="kubelet refuses an option",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=of_kubelet(_refused),
    doc=Doc(
        what="Each option of the CPU and topology managers is known to the kubelet's release, is written as true or "
        "false where it is one of the two, goes with the static policy, and has its feature gate where it is alpha or "
        "where the gate for beta options was switched off. A cpuCFSQuotaPeriod other than 100ms has the gate "
        f"{PERIOD_GATE}. Where the release is not known, an option counts as far as it has ever come.",
        why="The kubelet refuses the configuration and does not start; the node drops out of the cluster at its next "
        "boot.",
        fix="remove the option, or set its feature gate",
        sources=(
            source("K8S-VAL", "cpumanager/policy_options.go, topologymanager/policy_options.go"),
            source("K8S-FEATURES"),
            source("K8S-DOC", "static policy options"),
            *(source(option.source, "milestones") for option in (*CPU_OPTIONS.values(), *TOPOLOGY_OPTIONS.values())),
        ),
        bad=Example(
            text=f'cpuManagerPolicyOptions:\n  {ACROSS_CORES}: "true"',
            subject=lambda: worker(kubelet(cpu_manager_options=options(ACROSS_CORES))),
        ),
        good=Example(
            text=f'cpuManagerPolicyOptions:\n  {ACROSS_CORES}: "true"\nfeatureGates:\n'
            "  CPUManagerPolicyAlphaOptions: true",
            subject=lambda: worker(
                kubelet(cpu_manager_options=options(ACROSS_CORES), feature_gates={"CPUManagerPolicyAlphaOptions": True})
            ),
        ),
    ),
)


def _quota(kubelet: KubeletSpec) -> Iterator[Hit]:
    period = kubelet.cpu_cfs_quota_period
    if period is not None and not SHORTEST <= period <= LONGEST:
        yield Hit(
            where="cpuCFSQuotaPeriod",
            given=str(period),
            allowed=f"{SHORTEST} to {LONGEST}",
            hint="remove cpuCFSQuotaPeriod: the default is 100ms",
        )


K20: Rule[KubeletSpec] = Rule(
    code="K20",
    title="CFS quota period is out of bounds",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=KubeletSpec,
    judge=_quota,
    doc=Doc(
        what="cpuCFSQuotaPeriod is from 1ms to 1s.",
        why="The kubelet refuses the configuration and does not start.",
        fix="remove cpuCFSQuotaPeriod",
        sources=(source("K8S-VAL", "validation.go"),),
        bad=Example(text="cpuCFSQuotaPeriod: 2s", subject=lambda: kubelet(cpu_cfs_quota_period=Duration.parse("2s"))),
        good=Example(text="cpuCFSQuotaPeriod: 1s", subject=lambda: kubelet(cpu_cfs_quota_period=LONGEST)),
    ),
)
