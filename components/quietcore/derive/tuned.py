"""What a tuned profile comes to: its parents of one version and itself merged, and the command line that it writes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from quietcore.derive.tuned_expand import NotKnown, World, expand
from quietcore.derive.tuned_shipped import VARIABLE_DEFAULTS, Shipped, shipped
from quietcore.spec.cmdline import KernelCmdline
from quietcore.spec.machine import MachineFacts
from quietcore.spec.topology import HostTopology
from quietcore.spec.tuned import TunedProfileSpec
from quietcore.units import CpuSet

CONTROLS = frozenset({"type", "enabled", "replace", "drop", "devices", "priority", "prepend"})
"""Options of any section that say how it is merged and used, and set nothing."""

_TRUE = frozenset({"True", "true", "1"})


@dataclass(frozen=True, kw_only=True)
class Merged:
    """Sections and variables after inheritance, unexpanded. ``chain`` names all profiles in it, parents first.

    ``missing`` are parents that neither the files nor the version's own profiles have: what they set is not known.
    """

    sections: Mapping[str, Mapping[str, str]]
    variables: Mapping[str, str]
    chain: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Written:
    """A command line with what could not be worked out: option of ``[bootloader]`` and the reason.

    ``missing`` are parents of the profile that are not known, and may write more.
    """

    cmdline: KernelCmdline
    missing: tuple[str, ...] = ()
    unknown: Mapping[str, str] = field(default_factory=dict)


def ancestors(profile: TunedProfileSpec, version: str = "2.20") -> tuple[str, ...]:
    """Every profile that this one stands on, by name, parents first; the same for all known versions."""
    return _chain(profile.parents, shipped(version) or {}) + profile.merged


def merged(profile: TunedProfileSpec, version: str) -> Merged | None:
    """The profile with what it inherits. None where what that version's own profiles set is not known."""
    own = shipped(version)
    if own is None:
        return None
    chain = _chain(profile.parents, own)
    sections: dict[str, dict[str, str]] = {}
    variables: dict[str, str] = {}
    for parent in (own[name] for name in chain if name in own):
        variables |= parent.variables
        inherit(sections, parent.sections)
    variables.pop("include", None)
    inherit(sections, own_sections(profile))
    return Merged(
        sections=sections,
        variables=variables | profile.variables,
        chain=(*chain, *profile.merged, profile.name),
        missing=tuple(name for name in chain if name not in own),
    )


def cmdline_of(
    profile: TunedProfileSpec,
    isolated: CpuSet,
    online: CpuSet,
    version: str,
    facts: MachineFacts | None = None,
    topology: HostTopology | None = None,
) -> Written | None:
    """What tuned of ``version`` adds to the kernel command line; None where that version is not known.

    ``isolated`` counts where the profile's variables set no ``isolated_cores``. CPU numbers are the machine's own.
    A parameter that appears twice is given twice: the kernel takes the last.
    """
    whole = merged(profile, version)
    if whole is None:
        return None
    options = whole.sections.get("bootloader", {})
    if not _yes(options.get("enabled", "true")):
        return Written(cmdline=KernelCmdline(), missing=whole.missing)
    world = world_of(online, facts or MachineFacts(), topology)
    values = evaluate(whole.variables, world, {"isolated_cores": str(isolated) or None, **VARIABLE_DEFAULTS})
    words: list[str] = []
    unknown: dict[str, str] = {}
    for name, text in options.items():
        if name.startswith("cmdline") and text:
            words = _applied(words, _words(name, text, values, world, unknown))
    return Written(cmdline=KernelCmdline(parameters=tuple(words)), missing=whole.missing, unknown=unknown)


def world_of(online: CpuSet, facts: MachineFacts, topology: HostTopology | None = None) -> World:
    """What is declared of a machine, as the functions of a profile ask for it."""
    sockets: dict[int, CpuSet] = {}
    for cell in topology.cells if topology else ():
        sockets[cell.socket] = sockets.get(cell.socket, CpuSet()) | cell.cpus
    return World(online=online, sockets=tuple(sockets.values()), vendor=facts.vendor, arch=facts.arch)


def evaluate(variables: Mapping[str, str], world: World, given: Mapping[str, str | None]) -> dict[str, str | None]:
    """Variables in their order, each expanded with those before it; None for one that is not known.

    ``given`` are values from outside the profile, which it may override.
    """
    values: dict[str, str | None] = {name: value for name, value in given.items() if value is not None}
    closed = "include" not in variables
    for name, text in variables.items():
        if name == "include" or text == f"${{{name}}}":
            continue
        try:
            values[name] = expand(text, values, world)
        except NotKnown:
            values[name] = None
        else:
            if not closed and "${" in (values[name] or ""):
                values[name] = None
    return values


def own_sections(profile: TunedProfileSpec) -> dict[str, dict[str, str]]:
    """What the profile itself says, settings of the kernel among it. One of ours drops the parents' boot lines."""
    sections = {name: dict(options) for name, options in profile.sections.items()}
    if profile.sysctl:
        sections.setdefault("sysctl", {}).update(profile.sysctl)
    if not profile.foreign:
        own = {f"cmdline_{profile.name}": f"+{' '.join(profile.cmdline)}"} if profile.cmdline else {"enabled": "false"}
        sections["bootloader"] = {"replace": "true", **own}
    return sections


def variables_file(parents: Iterable[str]) -> str:
    """The file of variables that the last of tuned's own parents reads; "" where none of them reads one."""
    own = shipped("2.20") or {}
    chain = _chain((parent.removeprefix("-") for parent in parents), own)
    files = [own[name].variables.get("include", "") for name in chain if name in own]
    return next((path for path in reversed(files) if path), "")


def inherit(into: dict[str, dict[str, str]], sections: Mapping[str, Mapping[str, str]]) -> None:
    """Merge as tuned does (``tuned/profiles/merger.py``): option by option, unless a section replaces or drops."""
    for name, options in sections.items():
        if name not in into or _yes(options.get("replace", "")):
            into[name] = dict(options)
            continue
        for dropped in re.split(r"\s*[,;]\s*", options.get("drop", "")):
            into[name].pop(dropped, None)
        # A section that does not say so is enabled again, whatever its parent's says.
        into[name] = {key: value for key, value in into[name].items() if key not in CONTROLS} | dict(options)


def _chain(parents: Iterable[str], own: Mapping[str, Shipped]) -> tuple[str, ...]:
    seen: dict[str, None] = {}
    for name in parents:
        for each in (*_chain(own[name].include, own), name) if name in own else (name,):
            seen.setdefault(each)
    return tuple(seen)


def _yes(value: str) -> bool:
    return value.strip() in _TRUE


def _words(
    name: str, text: str, values: Mapping[str, str | None], world: World, unknown: dict[str, str]
) -> tuple[str, list[str]]:
    """The sign of an option and its words; a word that is not known is left out, and told."""
    if text[0] in "+-":
        sign, text = text[0], text[1:]
    else:
        sign, text = "+", re.sub(r"\A\\+(?=[\\+-])", "", text)
    try:
        known = expand(text, values, world)
    except NotKnown:
        known = ""
    if known and "${" not in known:
        return sign, list(KernelCmdline.parse(known).parameters)
    return sign, list(_known_words(name, text, values, world, unknown))


def _known_words(
    name: str, text: str, values: Mapping[str, str | None], world: World, unknown: dict[str, str]
) -> Iterable[str]:
    for word in KernelCmdline.parse(text).parameters:
        try:
            known = expand(word, values, world)
        except NotKnown as fault:
            unknown[f"{name}: {word}"] = str(fault)
            continue
        if "${" in known:
            unknown[f"{name}: {word}"] = "names a variable that nothing defines"
        else:
            yield from KernelCmdline.parse(known).parameters


def _applied(words: list[str], option: tuple[str, list[str]]) -> list[str]:
    sign, own = option
    return [word for word in words if word not in own] if sign == "-" else words + own
