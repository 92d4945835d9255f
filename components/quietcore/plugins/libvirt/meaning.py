"""What a changed fact of a domain means: which input it belongs to, when it takes effect, and how to say it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from quietcore.plugins.handler import Effect
from quietcore.plugins.libvirt.facets import Facets

Say = Callable[[str, str, str], str]
"""(what stands in the key's brackets, old value, new value) to a sentence; an empty value means "none"."""

SCHEDULING: Final = ("cputune.vcpusched", "cputune.iothreadsched", "cputune.emulatorsched")
"""Facts that libvirt applies only at start; on hosts that can be reached otherwise they are set on the threads."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """One kind of fact."""

    pattern: re.Pattern[str]
    path: str
    effect: Effect
    say: Say
    observable: bool = False
    """Whether the live XML states it in the same words as the persistent one, so that the two compare."""


def _value(what: str) -> Say:
    def say(_name: str, old: str, new: str) -> str:
        if not old:
            return f"{what} {new}"
        return f"no {what}" if not new else f"{what} {new} instead of {old}"

    return say


def _pin(what: str) -> Say:
    def say(name: str, old: str, new: str) -> str:
        who = f"{what} {name}" if name else what
        if not new:
            return f"{who} no longer pinned (was {cpus(old)})"
        return f"{who} pinned to {cpus(new)}" + (f" instead of {old}" if old else "")

    return say


def _runs(what: str) -> Say:
    def say(name: str, old: str, new: str) -> str:
        who = f"{what} {name}" if name else what
        if not new:
            return f"{who} scheduled normally instead of {old}"
        return f"{who} scheduled {new}" + (f" instead of {old}" if old else "")

    return say


def _part(what: str) -> Say:
    def say(name: str, old: str, new: str) -> str:
        who = f"{what} {name}".strip()
        return f"{who} added" if not old else f"{who} removed" if not new else f"{who} changed"

    return say


def _moved(what: str) -> Say:
    def say(name: str, old: str, new: str) -> str:
        return f"{what} {name} has {bare(new) or 'nothing'} instead of {bare(old) or 'nothing'}"

    return say


def cpus(text: str) -> str:
    """Name a CPU list: "CPU 3" or "CPUs 2-3"."""
    return f"CPU {text}" if text.isdigit() else f"CPUs {text}"


def bare(source: str) -> str:
    """Shorten a source to what a person looks for: `file=/a.img` to `/a.img`."""
    return source.split("=", 1)[-1] if source.count("=") == 1 else source


_L, _B, _R = Effect.LIVE, Effect.NEXT_BOOT, Effect.REPLACE


def _row(pattern: str, path: str, effect: Effect, say: Say, *, observable: bool = False, named: bool = True) -> Meaning:
    return Meaning(re.compile(pattern + (r"(?:\[(.*)\])?\Z" if named else r"\Z")), path, effect, say, observable)


# First match wins. Where libvirt has no call to change a running domain, it is "at next boot".
MEANINGS: Final = (
    _row("name", "name", _R, _value("name"), observable=True),
    _row(r"os\.arch", "arch", _R, _value("architecture")),
    _row("type", "type", _B, _value("hypervisor type")),
    _row("memory", "memory", _B, _value("memory"), observable=True),
    _row("currentMemory", "memory", _B, _value("memory at start")),
    _row("vcpu", "vcpu", _B, _value("vCPUs"), observable=True),
    _row(r"vcpu\.current", "vcpu", _B, _value("vCPUs online"), observable=True),
    _row(r"cputune\.vcpupin", "xml.xslt", _L, _pin("vCPU"), observable=True),
    _row(r"cputune\.emulatorpin", "xml.xslt", _L, _pin("emulator"), observable=True),
    _row(r"cputune\.iothreadpin", "xml.xslt", _L, _pin("IOThread"), observable=True),
    _row(r"cputune\.vcpusched", "xml.xslt", _L, _runs("vCPU"), observable=True),
    _row(r"cputune\.iothreadsched", "xml.xslt", _L, _runs("IOThread"), observable=True),
    _row(r"cputune\.emulatorsched", "xml.xslt", _L, _runs("emulator"), observable=True),
    _row(r"cputune\.(?:shares|(?:global_|emulator_|iothread_)?(?:period|quota))", "xml.xslt", _L,
         _value("CPU bandwidth"), observable=True),
    _row(r"memtune\.(?:hard_limit|soft_limit|swap_hard_limit)", "xml.xslt", _L, _value("memory limit"),
         observable=True),
    _row(r"numatune\.memory", "xml.xslt", _B, _value("NUMA memory policy"), observable=True),
    _row(r"numatune\.memnode", "xml.xslt", _B, _part("NUMA memory of cell"), observable=True),
    _row(r"memoryBacking\.hugepages", "xml.xslt", _B, _value("hugepages"), observable=True),
    _row("iothreads", "xml.xslt", _B, _value("IOThreads"), observable=True),
    _row(r"os\.machine", "machine", _B, _value("machine type")),
    _row(r"os\.kernel", "kernel", _B, _value("kernel"), observable=True),
    _row(r"os\.initrd", "initrd", _B, _value("initrd"), observable=True),
    _row(r"os\.cmdline", "cmdlines", _B, _value("kernel command line"), observable=True),
    _row(r"os\.boot", "bootDevices", _B, _value("boot order")),
    _row(r"os\.(?:loader|nvram|firmware)", "firmware", _B, _part("firmware")),
    _row(r"cpu\.mode", "cpu.mode", _B, _value("CPU mode")),
    _row(r"cpu\.feature", "xml.xslt", _B, _part("CPU feature")),
    _row(r"cpu\.model", "xml.xslt", _B, _value("CPU model")),
    _row(r"description", "description", _L, _part("description"), observable=True),
    _row(r"title", "xml.xslt", _L, _part("title"), observable=True),
    _row(r"metadata", "metadata", _L, _part("metadata"), observable=True),
    _row(r"devices\.emulator", "emulator", _B, _value("emulator program")),
    _row(r"devices\.interface(?:\[(\d+)\])\.source", "networkInterfaces", _L, _moved("network interface"), named=False,
         observable=True),
    _row(r"devices\.interface(?:\[(\d+)\])\.link", "networkInterfaces", _L, _part("link of network interface"),
         named=False, observable=True),
    _row(r"devices\.interface(?:\[(\d+)\])\.mac", "networkInterfaces", _B, _moved("MAC of network interface"),
         named=False, observable=True),
    _row(r"devices\.interface", "networkInterfaces", _B, _part("network interface"), observable=False),
    _row(r"devices\.disk(?:\[(\w+)\])\.source", "disks", _B, _moved("disk"), named=False, observable=True),
    _row(r"devices\.disk", "disks", _B, _part("disk")),
    _row(r"devices\.filesystem", "filesystems", _B, _part("shared folder")),
    _row(r"devices\.graphics", "graphics", _B, _part("graphics console")),
    _row(r"devices\.console", "consoles", _B, _part("console")),
    _row(r"devices\.(?:tpm)", "tpm", _B, _part("TPM")),
    _row(r"devices\.(?:video)", "video", _B, _part("video card")),
)  # fmt: skip


@lru_cache(maxsize=4096)
def meaning_of(key: str) -> tuple[Meaning, str]:
    """Find what a fact means, and what stands in its brackets."""
    for meaning in MEANINGS:
        found = meaning.pattern.match(key)
        if found:
            return meaning, (found.group(1) or "") if found.groups() else ""
    what = key.removeprefix("devices.").replace(".", " ")
    return Meaning(re.compile(re.escape(key)), "xml.xslt", Effect.NEXT_BOOT, _part(what.split("[")[0])), _bracket(key)


def sentence(key: str, old: str, new: str) -> str:
    """Say in our words that the fact goes from `old` to `new`; "" stands for "not there"."""
    meaning, name = meaning_of(key)
    return meaning.say(name, old, new)


def changed(old: Facets, new: Facets) -> list[str]:
    """Give the keys that differ, in the order of the table above, numbers in their own order."""
    return sorted((key for key in {**new, **old} if old.get(key, "") != new.get(key, "")), key=_rank)


def observable(facets: Mapping[str, str]) -> Facets:
    """Keep the facts that live and persistent XML state alike."""
    return {key: value for key, value in facets.items() if meaning_of(key)[0].observable}


def _rank(key: str) -> tuple[int, list[tuple[int, str]]]:
    place = next((place for place, meaning in enumerate(MEANINGS) if meaning.pattern.match(key)), len(MEANINGS))
    return place, [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", key)]


def _bracket(key: str) -> str:
    return key.partition("[")[2].rstrip("]")
