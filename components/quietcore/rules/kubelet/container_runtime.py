"""Rules on a kubelet and the container runtime below it: one owner of cgroups, and whose containers run where."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.examples import cpus
from quietcore.rules.kubelet.examples import containerd, crio, kubelet, worker
from quietcore.rules.kubelet.machines import isolated, of_kubelet, of_realtime, release
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import ContainerRuntimeSpec, KubeletSpec, MachineSpec, Severity

V1_REFUSED = 35  # the release whose kubelet no longer starts on cgroup v1 by itself


def _cgroups(machine: MachineSpec, kubelet: KubeletSpec) -> Iterator[Hit]:
    driver, runtime, number = kubelet.cgroup_driver, machine.runtime, release(machine)
    makes = runtime.cgroups if runtime else None
    if driver is not None and runtime is not None and makes is not None and makes != driver:
        yield Hit(
            where="kubelet.cgroupDriver",
            given=f"{machine.end('kubelet')} says {driver}; {runtime.name} in {machine.end('runtime')} uses {makes}",
            allowed="the same driver, systemd",
            hint=_driver_hint(driver, runtime),
        )
    hierarchy = machine.cmdline.get("systemd.unified_cgroup_hierarchy") if machine.cmdline else None
    refuses = kubelet.fail_cgroup_v1 is True or (kubelet.fail_cgroup_v1 is None and (number or 0) >= V1_REFUSED)
    if hierarchy in ("0", "no", "false", "off") and refuses:
        yield Hit(
            where="kubelet.failCgroupV1",
            given=f"{machine.end('cmdline')} boots with systemd.unified_cgroup_hierarchy={hierarchy}: cgroup v1",
            allowed="cgroup v2",
            hint="remove systemd.unified_cgroup_hierarchy from the command line",
        )


def _driver_hint(driver: str, runtime: ContainerRuntimeSpec) -> str:
    if driver != "systemd":
        return "set cgroupDriver to systemd"
    key = "cgroup_manager = systemd" if runtime.kind == "crio" else "SystemdCgroup = true in runc's options"
    return f"set {key} for {runtime.name}"


K21: Rule[MachineSpec] = Rule(
    code="K21",
    title="kubelet and runtime keep cgroups in different ways",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=of_kubelet(_cgroups),
    doc=Doc(
        what="cgroupDriver of the kubelet is what the runtime uses: CRI-O's cgroup_manager, containerd's SystemdCgroup "
        "(which is off by default in files of version 1 and 2). And a kubelet that refuses cgroup v1, as it does "
        "by itself since 1.35, does not boot on it.",
        why="With two owners of the cgroup tree the kubelet fails to make pods, or the cpusets that it writes are "
        "overwritten and exclusive CPUs are none.",
        fix="use the driver systemd on both sides, with cgroup v2",
        sources=(source("K8S-CGROUP"), source("CONTAINERD", "SystemdCgroup"), source("K8S-DOC")),
        bad=Example(
            text="cgroupDriver: systemd\n# containerd's config.toml\nversion = 2\n"
            '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]\nSystemdCgroup = false',
            subject=lambda: worker(kubelet(cgroup_driver="systemd"), runtime=containerd(cgroup_manager="cgroupfs")),
        ),
        good=Example(
            text="cgroupDriver: systemd\n# containerd's config.toml\nversion = 2\n"
            '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]\nSystemdCgroup = true',
            subject=lambda: worker(kubelet(cgroup_driver="systemd"), runtime=containerd(cgroup_manager="systemd")),
        ),
    ),
)


def _pauses(machine: MachineSpec, _kubelet: KubeletSpec) -> Iterator[Hit]:
    runtime = machine.runtime
    if runtime is None or runtime.kind != "crio" or not isolated(machine):
        return
    home, infra, quiet = machine.housekeeping, runtime.infra_cpus, isolated(machine)
    if infra is None:
        wrong = bool(home) and machine.profile is None  # the operator of a profile writes it into a file of its own
    else:
        wrong = not infra <= home if home else not infra.isdisjoint(quiet)
    if wrong:
        others = f"housekeeping CPUs are {home}" if home else f"isolated CPUs are {quiet}"
        yield Hit(
            where="runtime.infra_ctr_cpuset",
            given=f"{machine.end('runtime')} says {infra or 'nothing, so any CPU'}; {others}",
            allowed=f"within {home}" if home else f"without {quiet}",
            hint=f'set infra_ctr_cpuset = "{home}"' if home else "name CPUs that are not isolated",
        )
    yield from _shared(machine, runtime)


def _shared(machine: MachineSpec, runtime: ContainerRuntimeSpec) -> Iterator[Hit]:
    profile, plan = machine.profile, machine.plan
    planned = plan.shared if plan and plan.shared else profile.shared if profile else None
    mixed = bool(profile and profile.hints.mixed_cpus)
    said = runtime.shared_cpus
    if (planned and said is not None and said != planned) or (mixed and planned and said is None):
        yield Hit(
            where="runtime.shared_cpuset",
            given=f"{machine.end('runtime')} says {said or 'nothing'}; the shared CPUs are {planned}",
            allowed=str(planned),
            hint=f'set shared_cpuset = "{planned}"',
        )
    elif said and not said.isdisjoint(isolated(machine)):
        yield Hit(
            where="runtime.shared_cpuset",
            given=f"{said}; isolated {(said & isolated(machine)).counted('CPU')} would be shared",
            allowed="no isolated CPU",
            hint="name CPUs that are not isolated",
        )


K22: Rule[MachineSpec] = Rule(
    code="K22",
    title="CRI-O's own containers may run on isolated CPUs",
    severity=Severity.ERROR,
    scope=Scope.VALUE,
    subject=MachineSpec,
    judge=of_realtime(_pauses),
    doc=Doc(
        what="CRI-O's infra_ctr_cpuset is there, but beside a PerformanceProfile, whose operator writes it, and within "
        "the housekeeping CPUs. Its shared_cpuset is the plan's or profile's "
        "shared set, is there where the profile mixes CPUs, and holds no isolated CPU. (containerd has no such "
        "setting.)",
        why="A pause container stands beside every pod. Without a cpuset of its own it may wake on an isolated CPU, "
        "and each start of a pod disturbs the real-time threads there.",
        fix="set infra_ctr_cpuset to the housekeeping CPUs",
        sources=(source("CRIO", "infra_ctr_cpuset, shared_cpuset"), source("NTO-A", "configs/99-runtimes.conf")),
        bad=Example(
            text='# housekeeping CPUs: 0-1\n[crio.runtime]\ninfra_ctr_cpuset = "0-2"',
            subject=lambda: worker(runtime=crio(infra_cpus=cpus("0-2"))),
        ),
        good=Example(
            text='# housekeeping CPUs: 0-1\n[crio.runtime]\ninfra_ctr_cpuset = "0-1"',
            subject=lambda: worker(runtime=crio()),
        ),
    ),
)
