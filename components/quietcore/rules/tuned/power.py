"""Rules on power: how soon a CPU that idles works at full speed, and what may interrupt it from below the kernel."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.rules.tuned.claims import of_profile
from quietcore.rules.tuned.examples import theirs
from quietcore.rules.tuned.noise import number
from quietcore.spec import Severity, TunedProfileSpec

SLOWEST = 10
"""Microseconds of wake-up latency that are still a shallow idle state's: C1 and C1E need 2 to 10 us."""

_SHALLOW = ("C0", "C1", "C1E", "POLL")


def _deep(value: str) -> bool:
    """Whether a latency request lets CPUs idle deeply: a count of microseconds, or states by number or name."""
    first = value.strip().split("|")[0].strip()
    kind, colon, state = first.partition(":")
    if colon and kind.startswith("cstate.id"):
        deepest = number(state)
        return deepest is not None and deepest > 1
    if colon and kind.startswith("cstate.name"):
        return state.strip().upper() not in _SHALLOW
    latency = number(first)
    return latency is not None and latency > SLOWEST


def _sleepy(profile: TunedProfileSpec) -> Iterator[Hit]:
    cpu = profile.sections.get("cpu", {})
    if cpu.get("enabled", "true").strip() not in ("1", "true", "True"):
        return
    lowest = number(cpu.get("min_perf_pct", "100"))
    bad = {
        "force_latency": _deep(cpu.get("force_latency", "")),
        "governor": cpu.get("governor", "performance").split("|")[0].strip() != "performance",
        "energy_perf_bias": cpu.get("energy_perf_bias", "performance").split("|")[0].strip()
        not in ("performance", "0"),
        "min_perf_pct": lowest is not None and lowest < 100,
    }
    wanted = {
        "force_latency": f"cstate.id:1, or at most {SLOWEST} (microseconds)",
        "governor": "performance",
        "energy_perf_bias": "performance",
        "min_perf_pct": "100",
    }
    for option in (name for name, is_bad in bad.items() if is_bad):
        hint = f"remove {option} from [cpu], which the parents set"
        yield Hit(where=f"cpu.{option}", given=cpu[option], allowed=wanted[option], hint=hint)


T12: Rule[TunedProfileSpec] = Rule(
    code="T12",
    title="profile lets CPUs idle deeply or run slowly",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=TunedProfileSpec,
    judge=of_profile(_sleepy),
    doc=Doc(
        what="A real-time profile asks for shallow idle states only (force_latency), the governor performance, the "
        "bias performance, and all of the CPU's speed (min_perf_pct=100). With [cpu] enabled=false, where each pod "
        "manages its own CPUs, nothing is asked.",
        why="Waking from a deep idle state takes a hundred microseconds and more, and a CPU that was clocked down "
        "takes as long again to be fast.",
        fix="remove the options from [cpu]",
        sources=(source("TUNED", "[cpu] of latency-performance"), source("NTO-A")),
        bad=Example(
            text="[main]\ninclude=realtime-virtual-host\n[cpu]\ngovernor=powersave",
            subject=lambda: theirs(cpu={"governor": "powersave"}),
        ),
        good=Example(
            text="[main]\ninclude=realtime-virtual-host\n[cpu]\ngovernor=performance",
            subject=lambda: theirs(cpu={"governor": "performance"}),
        ),
    ),
)


def _updating(profile: TunedProfileSpec) -> Iterator[Hit]:
    for unit, asked in profile.sections.get("service", {}).items():
        words = {word.strip() for word in asked.split(",")}
        if unit.removeprefix("service.").startswith("fwupd") and words & {"start", "enable"}:
            yield Hit(
                where=f"service.{unit}",
                given=asked,
                allowed="stop,disable",
                hint=f"write {unit}=stop,disable",
            )


T17: Rule[TunedProfileSpec] = Rule(
    code="T17",
    title="firmware updates are looked for under a real-time load",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=TunedProfileSpec,
    judge=of_profile(_updating),
    doc=Doc(
        what="A real-time profile does not start fwupd or its timer. A profile that says nothing of them is not "
        "judged: most machines do not have them.",
        why="fwupd asks the firmware of devices and of the board. The answer may come by a system management "
        "interrupt, which stops all CPUs, and which the kernel cannot see.",
        fix="stop and disable the timer",
        sources=(source("NTO-A", "fwupd-refresh"), source("K-HW")),
        bad=Example(
            text="[main]\ninclude=realtime-virtual-host\n[service]\nservice.fwupd-refresh.timer=start,enable",
            subject=lambda: theirs(service={"service.fwupd-refresh.timer": "start,enable"}),
        ),
        good=Example(
            text="[main]\ninclude=realtime-virtual-host\n[service]\nservice.fwupd-refresh.timer=stop,disable",
            subject=lambda: theirs(service={"service.fwupd-refresh.timer": "stop,disable"}),
        ),
    ),
)
