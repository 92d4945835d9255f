"""A tuned profile as files, both ways: the profile, the variables of its parent, and a script for what may not load.

A profile that others wrote is read with the profiles and the variables that it includes, as far as they are given, and
written as one file.

Paths are those of tuned up to 2.22 and of Debian 12's 2.20 (``/etc/tuned/<name>/``); a later tuned also looks into
``/etc/tuned/profiles``, where whoever installs the files links the folder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final, Literal

from quietcore.derive.tuned import variables_file
from quietcore.errors import UnitError
from quietcore.render.tuned_ini import (
    TunedError,
    beside,
    chained,
    included,
    is_profile,
    name_of,
    sections_of,
    text_of,
    variables_of,
    words,
)
from quietcore.spec import TunedProfileSpec
from quietcore.spec.tuned import NOT_IN_RT, PARENTS
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

_VARIABLES: Final = {role: str(ROOT / f"{parent}-variables.conf") for role, parent in PARENTS.items()}
_WRITTEN: Final = "# written by quietcore: change the program, not this file"


_OURS: Final = frozenset({"main", "sysctl", "bootloader", "quietcore"})

__all__ = ["TunedError", "executable", "lift", "lift_isolated", "render"]


def render(profile: TunedProfileSpec, isolated: CpuSet) -> dict[str, str]:
    """Give the files of the profile by path. ``isolated`` is in the numbers of the kernel that the profile tunes."""
    folder = ROOT / profile.name
    if profile.foreign:
        return {str(folder / "tuned.conf"): text_of(profile)}
    return {
        str(folder / "tuned.conf"): _profile(profile),
        str(folder / "script.sh"): _SCRIPT,
        _VARIABLES[profile.role]: _variables(isolated),
    }


def executable(path: str) -> bool:
    """Whether a file of a profile must be executable, as tuned runs it."""
    return path.endswith(".sh")


def lift(given: str | Mapping[str, str], name: str = "") -> TunedProfileSpec:
    """Read a profile from its text, or from files by path. Raises TunedError that names the file and the line.

    Of several profiles, the one called ``name`` is meant, else the one that no other includes. For a text alone
    ``name`` is its file's. The role is that of the parents, a host's where they do not say.
    """
    files = {name or "tuned.conf": given} if isinstance(given, str) else given
    path = _chosen(files, "" if isinstance(given, str) else name)
    sections = sections_of(files[path], path)
    return _lift_ours(path, sections, files) if _is_ours(files[path], sections) else _lift_theirs(path, files)


def lift_isolated(files: Mapping[str, str]) -> CpuSet | None:
    """Read ``isolated_cores`` from a profile's variables; None where no file sets it. Raises TunedError."""
    found = [
        (path, match[1])
        for path, text in files.items()
        if path.endswith("-variables.conf")
        for match in re.finditer(r"^[ \t]*isolated_cores[ \t]*=[ \t]*(\S*)", text, re.MULTILINE)
    ]
    if not found:
        return None
    path, text = found[-1]
    try:
        return CpuSet.parse(text)
    except UnitError as fault:
        where = f"{path}, isolated_cores"
        raise TunedError(fault.what, where=where, given=fault.given, allowed=fault.allowed, hint=fault.hint) from None


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


def _chosen(files: Mapping[str, str], name: str) -> str:
    """The path of the profile that is meant."""
    profiles = [path for path in files if is_profile(path)]
    named = [path for path in profiles if name_of(path) == name]
    if not profiles or (name and not named):
        given = ", ".join(files) or "no file"
        raise TunedError("no tuned profile", given=given, allowed=f"<folder>/{name or '<name>'}/tuned.conf")
    if named or len(profiles) == 1:
        return (named or profiles)[0]
    parents = {parent.removeprefix("-") for path in profiles for parent in included(sections_of(files[path], path))}
    return next((path for path in profiles if name_of(path) not in parents), profiles[0])


def _is_ours(text: str, sections: Mapping[str, object]) -> bool:
    return text.startswith(_WRITTEN) and sections.keys() <= _OURS


def _lift_ours(path: str, sections: Mapping[str, Mapping[str, str]], files: Mapping[str, str]) -> TunedProfileSpec:
    include = sections.get("main", {}).get("include", "")
    return TunedProfileSpec(
        name=name_of(path),
        role="host" if _is_host(include, files) else "guest",
        include=None if include in PARENTS.values() else include or None,
        sysctl=_settings(sections),
        cmdline=words(sections.get("bootloader", {})),
    )


def _lift_theirs(path: str, files: Mapping[str, str]) -> TunedProfileSpec:
    name = name_of(path)
    chain = chained(files, name)
    include = ",".join(chain.parents)
    role: Literal["host", "guest"] = "guest" if PARENTS["guest"] in chain.parents else "host"
    variables = chain.variables
    if "include" not in variables and (inherited := beside(files, variables_file(chain.parents))):
        variables = variables_of(files[inherited], inherited) | variables
    sections = chain.sections
    own = {key: value for key, value in sections.get("sysctl", {}).items() if not _is_setting(key)}
    kept = {
        section: own if section == "sysctl" else options
        for section, options in sections.items()
        if options or section not in ("main", "sysctl")
    }
    return TunedProfileSpec(
        name=name,
        role=role,
        include=None if include == PARENTS[role] else include,
        sysctl=_settings(sections),
        cmdline=words(sections.get("bootloader", {})),
        foreign=True,
        sections={section: options for section, options in kept.items() if options or section != "sysctl"},
        variables=variables,
        merged=tuple(chain.merged),
        unread=tuple(chain.unread),
    )


def _settings(sections: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    return {key: value for key, value in sections.get("sysctl", {}).items() if _is_setting(key)}


def _is_setting(name: str) -> bool:
    """Names without a dot are tuned's own options, such as drop."""
    return "." in name or "/" in name


def _is_host(include: str, files: Mapping[str, str]) -> bool:
    """A parent of tuned's own says it; under another parent, whose variables stand beside the profile."""
    return include == PARENTS["host"] or (include != PARENTS["guest"] and _VARIABLES["host"] in files)


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
