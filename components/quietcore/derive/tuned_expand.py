"""tuned's ``${...}``: variables and the built-in functions that can be worked out without the machine.

As ``tuned/profiles/variables.py`` and ``tuned/profiles/functions`` do it (2.20, 2.27). What has to run or read
something on the machine (``exec``, ``virt_check``) is never run: it is ``NotKnown``, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from quietcore.errors import UnitError
from quietcore.units import CpuSet

LONGEST: Final = 65536
"""Characters that a value may grow to: variables that double each other would fill the memory."""

DEEPEST: Final = 32
"""Expressions within expressions."""

_VENDORS: Final = {"intel": "GenuineIntel", "amd": "AuthenticAMD", "arm": "ARM"}
_TELLING: Final = re.compile(r"GenuineIntel|AuthenticAMD|ARM|x86_64|aarch64|ppc64le|s390x")
_REPEAT: Final = re.compile(r"(?<!\\)[*+?{]")
_GROUP_REPEAT: Final = re.compile(r"\)[*+?{]|\\[1-9]|\(\?")


class NotKnown(Exception):
    """A value that only the machine can give; the text says why."""


@dataclass(frozen=True, kw_only=True)
class World:
    """What is declared of the machine that a profile is for: online CPUs, sockets, the CPU's vendor, architecture."""

    online: CpuSet = field(default_factory=CpuSet)
    sockets: tuple[CpuSet, ...] = ()
    vendor: str | None = None
    arch: str = ""


def expand(text: str, variables: Mapping[str, str | None], world: World) -> str:
    """The text with all variables and functions replaced; ``variables`` has None for one that is not known.

    A variable that nobody defines stays as written, as in tuned. Raises NotKnown.
    """
    if "${" not in text:
        return text
    if len(text) > LONGEST:
        raise NotKnown(f"is longer than {LONGEST} characters")
    return _upto(text, 0, variables, world, 0)[0]


def _upto(text: str, at: int, variables: Mapping[str, str | None], world: World, depth: int) -> tuple[str, int]:
    """Expand from ``at`` to the end, or, within an expression, past its closing brace."""
    if depth > DEEPEST:
        raise NotKnown(f"is nested deeper than {DEEPEST}")
    parts: list[str] = []
    size = 0
    while at < len(text):
        if text.startswith("\\${", at):
            piece, at = _escaped(text, at)
        elif text.startswith("${", at):
            body, at = _upto(text, at + 2, variables, world, depth + 1)
            piece = _value(body, variables, world)
        elif depth and text[at] == "}":
            return "".join(parts), at + 1
        else:
            piece, at = text[at], at + 1
        parts.append(piece)
        size += len(piece)
        if size > LONGEST:
            raise NotKnown(f"grows beyond {LONGEST} characters")
    if depth:
        raise NotKnown("a brace is not closed")
    return "".join(parts), at


def _escaped(text: str, at: int) -> tuple[str, int]:
    end = text.find("}", at)
    return (text[at + 1 : end + 1], end + 1) if end >= 0 else (text[at + 1 :], len(text))


def _value(body: str, variables: Mapping[str, str | None], world: World) -> str:
    if body.startswith("f:"):
        name, *arguments = (part.replace("\\:", ":") for part in re.split(r"(?<!\\):", body[2:]))
        return _call(name, arguments, world)
    if body.startswith("i:") or body not in variables:
        return f"${{{body}}}"
    value = variables[body]
    if value is None:
        raise NotKnown(f"variable {body} is not known")
    return value


def _call(name: str, arguments: list[str], world: World) -> str:
    function = _FUNCTIONS.get(name)
    if function is None:
        raise NotKnown(f"function {name} needs the machine")
    try:
        return function(arguments, world)
    except (UnitError, IndexError):
        raise NotKnown(f"function {name} does not take {':'.join(arguments)[:80]!r}") from None


def cpus(text: str) -> CpuSet:
    """A CPU list as tuned reads it: lists, ``0x`` masks with a ``,,`` after them, ``^`` and ``!`` to take away.

    Raises UnitError.
    """
    kept, gone = CpuSet(), CpuSet()
    lists, mask = [], ""
    for item in (item.strip() for item in text.strip("'\" \t").split(",")):
        if mask and item:
            mask += item
        elif mask:
            kept, mask = kept | CpuSet.from_mask(mask), ""
        elif item[:2].lower() == "0x":
            mask = item
        elif item[:1] in ("^", "!"):
            gone |= CpuSet.parse(item[1:])
        elif item:
            lists.append(item)
    if mask:
        kept |= CpuSet.from_mask(mask)
    return (kept | CpuSet.parse(",".join(lists))) - gone


def _expanded(chosen: CpuSet) -> str:
    return ",".join(str(cpu) for cpu in chosen)


def _online(world: World) -> CpuSet:
    if not world.online:
        raise NotKnown("the online CPUs are not known")
    return world.online


def _hex(chosen: CpuSet) -> str:
    """As tuned writes masks: each group of 32 bits with all its eight digits."""
    first, *rest = chosen.mask().split(",")
    return ",".join([first.zfill(8), *rest])


def _ternary(arguments: list[str], _world: World) -> str:
    text, pattern, then, otherwise = arguments[0], arguments[1], arguments[2], arguments[3]
    return then if _found(pattern, text) else otherwise


def _found(pattern: str, text: str) -> bool:
    """Search, but only with patterns that cannot run for ever on a text of this length."""
    if len(text) > 512 or len(pattern) > 256 or len(_REPEAT.findall(pattern)) > 2 or _GROUP_REPEAT.search(pattern):
        raise NotKnown(f"regular expression {pattern[:40]!r} is not tried")
    try:
        return re.search(pattern, text, re.MULTILINE) is not None
    except (re.error, OverflowError):
        raise NotKnown(f"{pattern[:40]!r} is no regular expression") from None


def _by_cpu(arguments: list[str], world: World) -> str:
    """``cpuinfo_check`` and ``lscpu_check``: the text after the first pattern that matches, else the odd one out."""
    patterns = arguments[: len(arguments) // 2 * 2 : 2]
    if not all(_TELLING.search(pattern) for pattern in patterns):
        raise NotKnown("asks the CPU for more than its vendor")
    if world.vendor is None:
        raise NotKnown("the CPU's vendor is not known")
    vendor = _VENDORS.get(world.vendor, "")
    told = f"vendor_id\t: {vendor}\nVendor ID:  {vendor}\nArchitecture:  {world.arch}\n"
    for pattern, text in zip(patterns, arguments[1::2], strict=False):
        if _found(pattern, told):
            return text
    return arguments[-1] if len(arguments) % 2 else ""


def _all_but_first(arguments: list[str], world: World) -> str:
    """``calc_isolated_cores``: all CPUs but the first so many of each socket."""
    if not world.sockets:
        raise NotKnown("the machine's sockets are not known")
    kept = int(arguments[0]) if arguments and arguments[0].isascii() and arguments[0].isdecimal() else 1
    return _expanded(CpuSet(cpu for socket in world.sockets for cpu in list(socket)[min(kept, len(socket)) :]))


def _queues(arguments: list[str], _world: World) -> str:
    if not arguments[0].isdecimal():
        raise NotKnown("the count of network queues is that of the machine")
    return arguments[0]


def _assert(_arguments: list[str], _world: World) -> str:
    """Assertions set nothing; what they would refuse is a rule's business."""
    return ""


_FUNCTIONS: Final[Mapping[str, Callable[[list[str], World], str]]] = {
    "assertion": _assert,
    "assertion_non_equal": _assert,
    "calc_isolated_cores": _all_but_first,
    "check_net_queue_count": _queues,
    "cpuinfo_check": _by_cpu,
    "cpulist2devs": lambda given, _: ",".join(f"cpu{cpu}" for cpu in cpus(",".join(given))),
    "cpulist2hex": lambda given, _: _hex(cpus(",,".join(given))),
    "cpulist2hex_invert": lambda given, world: _hex(_online(world) - cpus(",,".join(given))),
    "cpulist_invert": lambda given, world: _expanded(_online(world) - cpus(",,".join(given))),
    "cpulist_online": lambda given, world: _expanded(_online(world) & cpus(",,".join(given))),
    "cpulist_pack": lambda given, _: str(cpus(",,".join(given))),
    "cpulist_present": lambda given, world: _expanded(_online(world) & cpus(",,".join(given))),
    "cpulist_unpack": lambda given, _: _expanded(cpus(",,".join(given))),
    "hex2cpulist": lambda given, _: _expanded(CpuSet.from_mask(given[0])),
    "lscpu_check": _by_cpu,
    "regex_search_ternary": _ternary,
    "strip": lambda given, _: "".join(given).strip(),
}
