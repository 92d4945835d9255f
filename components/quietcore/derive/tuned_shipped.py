"""What tuned's own profiles set, per version, as far as rules and the kernel command line need it.

Read from ``profiles/*/tuned.conf`` of tuned 2.20.0 (Debian 12) and 2.27.0 (Debian unstable). 2.28 writes the same
boot-loader lines as 2.27. Versions between them moved settings around and are not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

Sections = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """A profile of tuned's: its parents, its variables in order, and its options by section."""

    include: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    sections: Sections = field(default_factory=dict)


REAL_TIME: Final = frozenset({"realtime", "realtime-virtual-host", "realtime-virtual-guest"})
"""The profiles that switch real-time throttling off."""

VARIABLE_DEFAULTS: Final = {"isolate_managed_irq": "Y"}
"""What the variables files of the real-time profiles hold as they are shipped, beside a computed isolated set."""

_ISOLATED: Final = "${isolated_cores}"
_QUIET: Final = {
    "kernel.hung_task_timeout_secs": "600",
    "kernel.nmi_watchdog": "0",
    "vm.stat_interval": "10",
    "kernel.timer_migration": "0",
}
_WORKQUEUES: Final = {
    "/sys/bus/workqueue/devices/writeback/cpumask": "${not_isolated_cpumask}",
    "/sys/devices/virtual/workqueue/cpumask": "${not_isolated_cpumask}",
    "/sys/devices/virtual/workqueue/*/cpumask": "${not_isolated_cpumask}",
    "/sys/devices/system/machinecheck/machinecheck*/ignore_ce": "1",
}
_THREADS: Final = {
    "group.ksoftirqd": r"0:f:2:*:^\[ksoftirqd",
    "group.ktimers": r"0:f:2:*:^\[ktimers",
    "group.rcuc": r"0:f:4:*:^\[rcuc",
    "group.rcub": r"0:f:4:*:^\[rcub",
    "group.ktimersoftd": r"0:f:3:*:^\[ktimersoftd",
}
_VIRTUAL: Final = {"non_isolated_cores": "${f:cpulist_invert:${isolated_cores}}"}
_SCRIPT: Final = {"script": "script.sh"}


def _latency_performance(sysctl: Mapping[str, str], vm: Mapping[str, str], boost: Mapping[str, str]) -> Shipped:
    cpu = {
        "force_latency": "cstate.id_no_zero:1|3",
        "governor": "performance",
        "energy_perf_bias": "performance",
        "min_perf_pct": "100",
        **boost,
    }
    return Shipped(sections={"cpu": cpu, "vm": vm, "sysctl": sysctl})


def _network_latency(boot: str, sysctl: Mapping[str, str]) -> Shipped:
    network = {
        "net.core.busy_read": "50",
        "net.core.busy_poll": "50",
        "net.ipv4.tcp_fastopen": "3",
        "kernel.numa_balancing": "0",
    }
    return Shipped(
        include=("latency-performance",),
        sections={
            "vm": {"transparent_hugepages": "never"},
            "sysctl": {**network, **sysctl},
            "bootloader": {"cmdline_network_latency": boot},
        },
    )


def _realtime(boot: str, sysctl: Mapping[str, str], pstate: Mapping[str, str], more: Sections) -> Shipped:
    return Shipped(
        include=("network-latency",),
        variables={
            "include": "/etc/tuned/realtime-variables.conf",
            **pstate,
            "isolated_cores": _ISOLATED,
            "not_isolated_cpumask": "${f:cpulist2hex_invert:${isolated_cores}}",
            "isolated_cores_expanded": "${f:cpulist_unpack:${isolated_cores}}",
            "isolated_cpumask": "${f:cpulist2hex:${isolated_cores_expanded}}",
            "isolated_cores_online_expanded": "${f:cpulist_online:${isolated_cores}}",
            "isolate_managed_irq": "${isolate_managed_irq}",
            "managed_irq": r"${f:regex_search_ternary:${isolate_managed_irq}:\b[y,Y,1,t,T]\b:managed_irq,domain,:}",
        },
        sections={
            "net": {"channels": "combined ${f:check_net_queue_count:${netdev_queue_count}}"},
            "sysctl": {"kernel.sched_rt_runtime_us": "-1", **sysctl},
            "sysfs": _WORKQUEUES,
            "bootloader": {"cmdline_realtime": f"+isolcpus=${{managed_irq}}{_ISOLATED} {boot}"},
            "irqbalance": {"banned_cpus": _ISOLATED},
            "scheduler": {"isolated_cores": _ISOLATED},
            **more,
        },
    )


def _virtual(role: str, key: str, sections: Sections) -> Shipped:
    boot = f"+nohz=on nohz_full={_ISOLATED} rcu_nocbs={_ISOLATED} irqaffinity=${{non_isolated_cores}}"
    return Shipped(
        include=("realtime",),
        variables={"include": f"/etc/tuned/realtime-virtual-{role}-variables.conf", **_VIRTUAL},
        sections={"scheduler": _THREADS, "bootloader": {key: boot}, **sections},
    )


def _cpu_partitioning(affinity: str, sysctl: Mapping[str, str]) -> Shipped:
    boot = (
        f"+nohz=on${{cmd_isolcpus}} nohz_full={_ISOLATED} rcu_nocbs={_ISOLATED} "
        f"tuned.non_isolcpus=${{not_isolated_cpumask}}{affinity} intel_pstate=disable nosoftlockup"
    )
    return Shipped(
        include=("network-latency",),
        variables={
            "include": "/etc/tuned/cpu-partitioning-variables.conf",
            "isolated_cores": _ISOLATED,
            "isolated_cores_expanded": "${f:cpulist_unpack:${isolated_cores}}",
            "isolated_cpumask": "${f:cpulist2hex:${isolated_cores_expanded}}",
            "not_isolated_cores_expanded": "${f:cpulist_invert:${isolated_cores_expanded}}",
            "not_isolated_cores": "${f:cpulist_pack:${not_isolated_cores_expanded}}",
            "isolated_cores_online_expanded": "${f:cpulist_online:${isolated_cores}}",
            "not_isolated_cores_online_expanded": "${f:cpulist_online:${not_isolated_cores_expanded}}",
            "not_isolated_cpumask": "${f:cpulist2hex:${not_isolated_cores_expanded}}",
            "no_balance_cores": "${no_balance_cores}",
            "no_balance_cores_expanded": "${f:cpulist_unpack:${no_balance_cores}}",
            "cmd_isolcpus": r"${f:regex_search_ternary:${no_balance_cores}:\s*[0-9]: isolcpus=${no_balance_cores}:}",
        },
        sections={
            "sysctl": sysctl,
            "sysfs": _WORKQUEUES,
            "systemd": {"cpu_affinity": "${not_isolated_cores_expanded}"},
            "irqbalance": {"banned_cpus": _ISOLATED},
            "script": _SCRIPT,
            "scheduler": {"isolated_cores": _ISOLATED},
            "bootloader": {"cmdline_cpu_part": boot},
        },
    )


_DIRTY: Final = {"vm.dirty_ratio": "10", "vm.dirty_background_ratio": "3", "vm.swappiness": "10"}
_KSM: Final = {"sysfs": {"/sys/kernel/mm/ksm/run": "2"}, "script": _SCRIPT}
_BY_VENDOR: Final = "${f:cpuinfo_check:GenuineIntel:intel_pstate=disable:AuthenticAMD:amd_pstate=disable:}"

_2_20: Final = {
    "latency-performance": _latency_performance(_DIRTY, {}, {}),
    "network-latency": _network_latency("skew_tick=1", {}),
    "realtime": _realtime("intel_pstate=disable nosoftlockup tsc=reliable", _QUIET, {}, {"script": _SCRIPT}),
    "realtime-virtual-host": _virtual("host", "cmdline_rvh", _KSM),
    "realtime-virtual-guest": _virtual("guest", "cmdline_rvg", {"script": _SCRIPT}),
    "cpu-partitioning": _cpu_partitioning("", _QUIET),
}
_2_27: Final = {
    "latency-performance": _latency_performance(
        {"vm.swappiness": "10"}, {"dirty_bytes": "10%", "dirty_background_bytes": "3%"}, {"boost": "1"}
    ),
    "network-latency": _network_latency(
        "skew_tick=1 tsc=reliable rcupdate.rcu_normal_after_boot=1 rcutree.nohz_full_patience_delay=1000", _QUIET
    ),
    "realtime": _realtime("${disable_pstate} nosoftlockup", {}, {"disable_pstate": _BY_VENDOR}, {}),
    "realtime-virtual-host": _virtual("host", "cmdline_rvh", _KSM),
    "realtime-virtual-guest": _virtual("guest", "cmdline_rvg", {}),
    "cpu-partitioning": _cpu_partitioning(" systemd.cpu_affinity=${not_isolated_cores}", {}),
}

SHIPPED: Final[Mapping[str, Mapping[str, Shipped]]] = {"2.20": _2_20, "2.27": _2_27, "2.28": _2_27}
"""The profiles by version and name. Each version has the same names."""

DIFFERENT: Final = ("2.20", "2.28")
"""One version of each kind, for what has to hold in all."""


def shipped(version: str) -> Mapping[str, Shipped] | None:
    """The profiles of a version such as "2.20" or "2.20.0"; None where what it ships is not known."""
    return SHIPPED.get(".".join(version.split("-")[0].split(".")[:2]))
