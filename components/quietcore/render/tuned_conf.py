"""A tuned profile as files, both ways: the profile, the variables of its parent, and a script for what may not load.

Paths are those of tuned up to 2.22 and of Debian 12's 2.20 (``/etc/tuned/<name>/``); a later tuned also looks into
``/etc/tuned/profiles``, where whoever installs the files links the folder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from configparser import ConfigParser, Error
from pathlib import PurePosixPath
from typing import Final

from quietcore.errors import QuietcoreError
from quietcore.spec import TunedProfileSpec
from quietcore.spec.tuned import PARENTS
from quietcore.units import CpuSet

ROOT: Final = PurePosixPath("/etc/tuned")

PARENT_SYSCTL: Final = {
    "kernel.hung_task_timeout_secs": ("600", "realtime"),
    "kernel.nmi_watchdog": ("0", "realtime"),
    "kernel.sched_rt_runtime_us": ("-1", "realtime"),
    "kernel.timer_migration": ("0", "realtime"),
    "vm.stat_interval": ("10", "realtime"),
    "kernel.numa_balancing": ("0", "network-latency"),
    "net.core.busy_poll": ("50", "network-latency"),
    "net.core.busy_read": ("50", "network-latency"),
    "net.ipv4.tcp_fastopen": ("3", "network-latency"),
    "vm.dirty_background_ratio": ("3", "latency-performance"),
    "vm.dirty_ratio": ("10", "latency-performance"),
    "vm.swappiness": ("10", "latency-performance"),
}
"""What both realtime-virtual profiles inherit, and from which profile (tuned 2.20, ``profiles/*/tuned.conf``)."""

NOT_IN_RT: Final = ("kernel.numa_balancing", "net.core.busy_poll", "net.core.busy_read")
"""What the parents set and a real-time kernel does not have (PREEMPT_RT leaves out NUMA balancing and busy polling)."""

_VARIABLES: Final = {role: str(ROOT / f"{parent}-variables.conf") for role, parent in PARENTS.items()}
_WRITTEN: Final = "# written by quietcore: change the program, not this file"


class TunedError(QuietcoreError):
    """Files that hold no profile that can be read."""


def render(profile: TunedProfileSpec, isolated: CpuSet) -> dict[str, str]:
    """Give the files of the profile by path. ``isolated`` is in the numbers of the kernel that the profile tunes."""
    folder = ROOT / profile.name
    return {
        str(folder / "tuned.conf"): _profile(profile),
        str(folder / "script.sh"): _SCRIPT,
        _VARIABLES[profile.role]: _variables(isolated),
    }


def executable(path: str) -> bool:
    """Whether a file of a profile must be executable, as tuned runs it."""
    return path.endswith(".sh")


def lift(files: Mapping[str, str]) -> TunedProfileSpec:
    """Read a profile from its files by path; the role is that of its parent. Raises TunedError."""
    path, text = next(((path, text) for path, text in files.items() if path.endswith("/tuned.conf")), ("", ""))
    parsed = _parsed(path, text)
    include = parsed.get("main", "include", fallback="")
    section = parsed["sysctl"] if parsed.has_section("sysctl") else {}
    return TunedProfileSpec(
        name=PurePosixPath(path).parent.name,
        role="host" if _is_host(include, files) else "guest",
        include=None if include in PARENTS.values() else include or None,
        # Names without a dot are tuned's own options, such as drop.
        sysctl={name: value for name, value in section.items() if "." in name},
        cmdline=_bootloader(parsed),
    )


def lift_isolated(files: Mapping[str, str]) -> CpuSet | None:
    """Read ``isolated_cores`` from a profile's variables; None where no file sets it. Raises UnitError."""
    found = [
        match[1]
        for path, text in files.items()
        if path.endswith("-variables.conf")
        for match in re.finditer(r"^\s*isolated_cores\s*=\s*(\S*)", text, re.MULTILINE)
    ]
    return CpuSet.parse(found[-1]) if found else None


def _profile(profile: TunedProfileSpec) -> str:
    role = "KVM host of real-time guests" if profile.role == "host" else "real-time guest"
    parts = [
        f"{_WRITTEN}\n[main]\nsummary={role}, by quietcore\ninclude={profile.parent}\n",
        _sysctl(profile),
        _boot(profile),
        "# What the parents' [scheduler] asks for, also where that plugin cannot be loaded (Debian's 2.20 imports a\n"
        '# module "perf" that no package has, and the profile reports itself active all the same).\n'
        "[quietcore]\ntype=script\nscript=${i:PROFILE_DIR}/script.sh\n",
    ]
    return "\n".join(part for part in parts if part)


def _sysctl(profile: TunedProfileSpec) -> str:
    known = {} if profile.include else PARENT_SYSCTL
    lines = [line for name, value in sorted(profile.sysctl.items()) for line in _setting(name, value, known)]
    dropped = ",".join(name for name in NOT_IN_RT if name not in profile.sysctl)
    drop = ["# the parents set these, which a real-time kernel does not have", f"drop={dropped}"] if dropped else []
    return "\n".join(["[sysctl]", *drop, *lines, ""])


def _setting(name: str, value: str, known: Mapping[str, tuple[str, str]]) -> list[str]:
    """A line, and above it whose value it replaces, where that is known."""
    inherited, owner = known.get(name, ("", ""))
    comment = [f"# replaces {inherited} of {owner}"] if owner and inherited != value else []
    return [*comment, f"{name}={value}"]


def _boot(profile: TunedProfileSpec) -> str:
    if profile.cmdline:
        own = f"cmdline_{re.sub(r'[^A-Za-z0-9]', '_', profile.name)}=+{' '.join(profile.cmdline)}"
        return f"# Replaces the parents' boot-loader lines.\n[bootloader]\nreplace=true\n{own}\n"
    return (
        "# The kernel command line has one writer, and this is not it: drops what the parents add (isolcpus,\n"
        "# nohz_full, rcu_nocbs, irqaffinity, intel_pstate=disable, nosoftlockup, tsc=reliable, skew_tick).\n"
        "[bootloader]\nreplace=true\nenabled=false\n"
    )


def _variables(isolated: CpuSet) -> str:
    return f"{_WRITTEN}\nisolated_cores={isolated}\nisolate_managed_irq=Y\n"


def _parsed(path: str, text: str) -> ConfigParser:
    """Read as tuned does (tuned/profiles/loader.py): names keep their case, ``#`` starts a comment anywhere."""
    parsed = ConfigParser(delimiters=("=",), inline_comment_prefixes=("#",), strict=False, interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    if not text:
        raise TunedError("no tuned profile", given="no file named tuned.conf", allowed="<folder>/<name>/tuned.conf")
    try:
        parsed.read_string(text, path)
    except Error as fault:
        raise TunedError("tuned profile does not parse", where=path, given=" ".join(str(fault).split())) from None
    return parsed


def _is_host(include: str, files: Mapping[str, str]) -> bool:
    """A parent of tuned's own says it; under another parent, whose variables stand beside the profile."""
    return include == PARENTS["host"] or (include != PARENTS["guest"] and _VARIABLES["host"] in files)


def _bootloader(parsed: ConfigParser) -> tuple[str, ...]:
    """What the profile adds to the kernel command line, from all options whose name starts with ``cmdline``."""
    if not parsed.has_section("bootloader") or not parsed.getboolean("bootloader", "enabled", fallback=True):
        return ()
    values = [value for name, value in parsed["bootloader"].items() if name.startswith("cmdline")]
    return tuple(word for value in values for word in value.lstrip("+").split())


_SCRIPT: Final = f"""#!/bin/bash
{_WRITTEN}
# Real-time priorities of per-CPU kernel threads, as the [scheduler] groups of the realtime-virtual profiles have them.

. /usr/lib/tuned/functions

GROUPS_BY_PRIORITY="2:^(ksoftirqd|ktimers)/ 4:^(rcuc|rcub)/"

each_thread() {{
    for group in $GROUPS_BY_PRIORITY; do
        for pid in $(pgrep "${{group#*:}}"); do
            "$1" "${{group%%:*}}" "$pid" || return 1
        done
    done
}}

raise() {{
    chrt --fifo --pid "$1" "$2"
}}

is_raised() {{
    chrt --pid "$2" | grep -q "priority: $1\\$"
}}

start() {{
    each_thread raise
}}

stop() {{
    return 0
}}

verify() {{
    each_thread is_raised
}}

process "$@"
"""
