"""Rules on virtual machines of KubeVirt: what its admission refuses, told before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.rules.tuned.claims import RUNTIME
from quietcore.rules.tuned.examples import theirs
from quietcore.rules.tuned.throttling import T06
from quietcore.rules.workload.examples import amounts, virtual_machine, worker
from quietcore.rules.workload.quality import cpus
from quietcore.spec import MachineSpec, Severity, TunedProfileSpec, VirtualMachineSpec
from quietcore.spec.pod import Amounts
from quietcore.units import CpuSet


def _unfounded(machine: VirtualMachineSpec) -> Iterator[Hit]:
    if not machine.realtime and not machine.guest_mapping:
        return
    who = "realtime" if machine.realtime else "guestMappingPassthrough"
    needs = {
        "cpu.dedicatedCpuPlacement": machine.dedicated,
        "cpu.numa.guestMappingPassthrough": machine.guest_mapping,
        "memory.hugepages": machine.hugepages is not None,
    }
    for path, there in needs.items():
        if not there and path not in machine.undecided:
            yield Hit(where=f"domain.{path}", given=f"none, with {who}", allowed=_ALLOWED[path])


_ALLOWED = {
    "cpu.dedicatedCpuPlacement": "true",
    "cpu.numa.guestMappingPassthrough": "{}",
    "memory.hugepages": "a pageSize",
}

D43: Rule[VirtualMachineSpec] = Rule(
    code="D43",
    title="real-time machine of KubeVirt lacks what realtime needs",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=VirtualMachineSpec,
    judge=_unfounded,
    doc=Doc(
        what="A KubeVirt machine with cpu.realtime has dedicatedCpuPlacement, numa.guestMappingPassthrough and "
        "hugepages.",
        why="KubeVirt's admission refuses the machine otherwise. The three give it CPUs of its own, and memory of the "
        "same NUMA cell that is never moved.",
        fix="add dedicatedCpuPlacement: true, numa: {guestMappingPassthrough: {}} and hugepages",
        sources=(source("KV"),),
        bad=Example(
            text="cpu: {cores: 4, dedicatedCpuPlacement: true, realtime: {}}\nmemory: {hugepages: {pageSize: 1Gi}}",
            subject=lambda: virtual_machine(guest_mapping=False),
        ),
        good=Example(
            text="cpu: {cores: 4, dedicatedCpuPlacement: true, realtime: {}, numa: {guestMappingPassthrough: {}}}\n"
            "memory: {hugepages: {pageSize: 1Gi}}",
            subject=virtual_machine,
        ),
    ),
)


def _not_dedicated(machine: VirtualMachineSpec) -> Iterator[Hit]:
    if machine.isolated_emulator and not machine.dedicated and "cpu.dedicatedCpuPlacement" not in machine.undecided:
        yield Hit(where="domain.cpu.isolateEmulatorThread", given="true", allowed="dedicatedCpuPlacement: true with it")
    if machine.dedicated and "resources" not in machine.undecided:
        yield from _unequal(machine)


def _unequal(machine: VirtualMachineSpec) -> Iterator[Hit]:
    asked, limits = machine.requests, machine.limits
    if not (asked.cpu or limits.cpu or machine.vcpus) and "cpu.cores" not in machine.undecided:
        yield Hit(where="domain.cpu.cores", given="none", allowed="a number of cores, or a cpu limit")
    for amount in {asked.cpu or 0, limits.cpu or 0}:
        if amount % 1000:
            yield Hit(where="domain.resources.cpu", given=cpus(amount), allowed="a whole number from 1")
    given_cpus = [amount for amount in (asked.cpu, limits.cpu) if amount]
    wanted = (machine.vcpus or 0) * 1000
    if given_cpus and wanted and wanted not in given_cpus and "cpu.cores" not in machine.undecided:
        given = f"{cpus(given_cpus[0])}, with {machine.vcpus} vCPUs"
        yield Hit(where="domain.resources.cpu", given=given, allowed="the number of vCPUs, or nothing")
    if asked.cpu and limits.cpu and asked.cpu != limits.cpu:
        given = f"requests {cpus(asked.cpu)}, limits {cpus(limits.cpu)}"
        yield Hit(where="domain.resources.cpu", given=given, allowed="requests equal to limits")
    if asked.memory and limits.memory and asked.memory != limits.memory:
        given = f"requests {asked.memory} bytes, limits {limits.memory} bytes"
        yield Hit(where="domain.resources.memory", given=given, allowed="requests equal to limits")


D44: Rule[VirtualMachineSpec] = Rule(
    code="D44",
    title="machine of KubeVirt cannot have CPUs of its own",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=VirtualMachineSpec,
    judge=_not_dedicated,
    doc=Doc(
        what="With dedicatedCpuPlacement the CPUs are a whole number and requests equal limits. isolateEmulatorThread "
        "stands only beside dedicatedCpuPlacement.",
        why="KubeVirt's admission refuses the machine: its pod would not be Guaranteed, and would get no CPUs of its "
        "own.",
        fix="write dedicatedCpuPlacement: true and whole CPUs, and leave requests out",
        sources=(source("KV"),),
        bad=Example(
            text="cpu: {dedicatedCpuPlacement: true}\nresources: {limits: {cpu: 3500m}}",
            subject=lambda: virtual_machine(limits=Amounts(cpu=3500)),
        ),
        good=Example(
            text="cpu: {dedicatedCpuPlacement: true}\nresources: {limits: {cpu: 4}}",
            subject=lambda: virtual_machine(limits=amounts(cpu=4000)),
        ),
    ),
)


def _throttling(profile: TunedProfileSpec) -> str:
    """What a profile leaves of real-time throttling, as a reader is told it; "" where it is off, or not known."""
    value = profile.sysctl.get(RUNTIME)
    if value is not None:
        return "" if value.strip() == "-1" else f"sets {RUNTIME} to {value}"
    known = not profile.parents and not profile.unread
    return f"does not set {RUNTIME}" if known else ""


def _node_throttles(machine: MachineSpec) -> Iterator[Hit]:
    names = ", ".join(f'{each.kind} "{each.name}"' for each in machine.virtual_machines if each.realtime)
    if not names or machine.tuned is None or any(T06.judge(machine.tuned)):
        return
    if said := _throttling(machine.tuned):
        given = f"{machine.end('tuned')} {said}; {names} wants a real-time machine"
        yield Hit(where=f"tuned.sysctl.{RUNTIME}", given=given, allowed="-1")


D45: Rule[MachineSpec] = Rule(
    code="D45",
    title="KubeVirt finds no real-time machine to run on",
    severity=Severity.ERROR,
    scope=Scope.HOST,
    subject=MachineSpec,
    judge=_node_throttles,
    doc=Doc(
        what="A machine for KubeVirt's real-time guests sets kernel.sched_rt_runtime_us to -1. (Of a profile that "
        "claims real time itself, T06 says so.)",
        why="KubeVirt labels a machine as fit for real time only when the limit is off. Without the label its "
        "real-time guests stay Pending.",
        fix="set kernel.sched_rt_runtime_us = -1 in the tuned profile",
        sources=(source("KV-NODE"),),
        bad=Example(
            text="include = throughput-performance\nkernel.sched_rt_runtime_us = 950000",
            subject=lambda: _host(theirs("throughput-performance", {RUNTIME: "950000"})),
        ),
        good=Example(text="include = realtime-virtual-host", subject=lambda: _host(theirs())),
    ),
)


def _host(profile: TunedProfileSpec) -> MachineSpec:
    return worker(pods=(), virtual_machines=(virtual_machine(),), plan=None, isolated=CpuSet(), tuned=profile)
