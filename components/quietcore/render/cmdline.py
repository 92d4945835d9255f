"""A kernel command line as text, both ways: /proc/cmdline, /etc/default/grub and a boot loader entry.

GRUB's settings are shell assignments, of which its scripts read GRUB_CMDLINE_LINUX and then GRUB_CMDLINE_LINUX_DEFAULT
(util/grub.d/10_linux.in). A boot loader entry has ``options`` lines (UAPI.1 Boot Loader Specification).
"""

from __future__ import annotations

import re
from typing import Final, Literal

from quietcore.errors import QuietcoreError
from quietcore.spec import KernelCmdline

MOST: Final = 64 << 10
"""How many characters are read at most: thirty times what any kernel takes as a command line."""

GRUB: Final = ("GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT")

_ASSIGNS = re.compile(r"[ \t]*(?:export[ \t]+)?(GRUB_[A-Z0-9_]+)(\+?)=", re.ASCII)
_ENTRY = re.compile(r"(title|version|linux|initrd|efi|uki|id|machine-id|sort-key|grub_[a-z]+)[ \t]", re.ASCII)
_OPTIONS = re.compile(r"options[ \t]+")
_NAME = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*)", re.ASCII)
_CONTROL = re.compile(r"[^\S \t\n\r]|[\x00-\x08\x0e-\x1f\x7f]")
_REAL_TIME = re.compile(r"(^|[-.+])(rt\d*|realtime|preempt-rt)([-.+]|$)")
_ORDINARY = re.compile(r"-(generic|default|lowlatency|virtual|pve|amd64|arm64)$|\.(el|fc|amzn)\d")
_KERNEL = re.compile(r"vmlinu[xz]-(\d{1,5}\.\d{1,5})(\S*)", re.ASCII)


class CmdlineError(QuietcoreError):
    """A text that holds no kernel command line that can be read."""


def render(cmdline: KernelCmdline) -> str:
    """The line as the kernel takes it."""
    return f"{cmdline}\n"


def render_grub(cmdline: KernelCmdline) -> str:
    """The assignment for /etc/default/grub or a file in /etc/default/grub.d."""
    quoted = re.sub(r'(["\\$`])', r"\\\1", str(cmdline))
    return f'GRUB_CMDLINE_LINUX="{quoted}"\n'


def lift(text: str, name: str = "") -> KernelCmdline:
    """Read a command line from the text of the file ``name``: plain, GRUB's settings, or a boot loader entry.

    Raises CmdlineError with the offset in characters: a control character, an open quote, a text that is too long, or
    a shell construct whose value only a shell knows.
    """
    _checked(text, name)
    match form_of(text, name):
        case "grub":
            joined = _of_grub(text, name)
        case "entry":
            joined = " ".join(line[found.end() :] for line in text.splitlines() if (found := _OPTIONS.match(line)))
        case _:
            joined = text
    cmdline = KernelCmdline.parse(joined)
    if cmdline.parameters and cmdline.parameters[-1].count('"') % 2:
        raise _fault(text, text.rfind('"'), name, "a quote is not closed", "close the quote, or remove it")
    return cmdline


def form_of(text: str, name: str = "") -> Literal["grub", "entry", "plain"]:
    """Which of the three forms a text has."""
    lines = text.splitlines()
    if any(_ASSIGNS.match(line) for line in lines):
        return "grub"
    named = name.endswith(".conf") or any(_ENTRY.match(line) for line in lines)
    return "entry" if named and any(_OPTIONS.match(line) for line in lines) else "plain"


def kernel_of(cmdline: KernelCmdline) -> tuple[Literal["rt", "generic"] | None, str | None]:
    """The flavour and version of the kernel that the boot loader names in BOOT_IMAGE; None where it names none.

    The flavour is that of the distributions' own kernels; of another name, nobody can say it.
    """
    found = _KERNEL.search(cmdline.get("BOOT_IMAGE") or "")
    if not found:
        return None, None
    if _REAL_TIME.search(found[2]):
        return "rt", found[1]
    return ("generic" if _ORDINARY.search(found[2]) else None), found[1]


def _checked(text: str, name: str) -> None:
    if len(text) > MOST:
        given = f"{len(text)} characters"
        raise CmdlineError(
            "command line is too long to be one", where=name, given=given, allowed=f"at most {MOST} characters"
        )
    control = _CONTROL.search(text)
    if control:
        raise _fault(text, control.start(), name, "a character that no command line has", "remove it")


def _of_grub(text: str, name: str) -> str:
    """The two settings joined as GRUB's scripts join them, each with the value that its last assignment leaves."""
    values = dict.fromkeys(GRUB, "")
    start = 0
    while start < len(text):
        found = _ASSIGNS.match(text, start)
        if found:
            value, start = _assigned(text, found, values, name)
            if value is not None:
                values[found[1]] = (values.get(found[1], "") if found[2] else "") + value
        start = _after(text, "\n", start)
    return " ".join(values[setting] for setting in GRUB)


def _assigned(text: str, found: re.Match[str], values: dict[str, str], name: str) -> tuple[str | None, int]:
    """The value and where it ends; None for another setting of GRUB's whose value only a shell knows."""
    try:
        return _word(text, found.end(), values, name)
    except CmdlineError:
        if found[1] in GRUB:
            raise
        return None, found.end()


def _after(text: str, mark: str, start: int) -> int:
    end = text.find(mark, start)
    return len(text) if end < 0 else end + 1


def _word(text: str, start: int, values: dict[str, str], name: str) -> tuple[str, int]:
    """A shell word from ``start``: its value, and where it ends. Variables that nobody set stay as they are written."""
    value, at, quote, opened = "", start, "", start
    while at < len(text) and len(value) <= MOST:
        character = text[at]
        if not quote and character in " \t\n\r;&|<>()":
            break
        if character in "'\"" and quote in ("", character):
            quote, opened, at = ("" if quote else character), at, at + 1
        elif quote == "'":
            value += character
            at += 1
        else:
            part, at = _expanded(text, at, quote, values, name)
            value += part
    if len(value) > MOST:
        raise _fault(text, start, name, "variables that grow without end", f"keep a setting below {MOST} characters")
    if quote:
        raise _fault(text, opened, name, "a quote is not closed", f"close the quote with {quote}")
    return value, at


def _expanded(text: str, at: int, quote: str, values: dict[str, str], name: str) -> tuple[str, int]:
    """What a shell makes of the next character, outside single quotes, and where the following one stands."""
    character, following = text[at], text[at + 1 : at + 2]
    if character == "\\" and following:
        kept = character if quote and following not in '"\\$`\n' else ""
        return kept + following.strip("\n"), at + 2
    if character == "`" or (character == "$" and following == "("):
        raise _fault(text, at, name, "a command that only a shell can run", "write out what the command prints")
    if character == "$" and (found := _NAME.match(text, at + 1)):
        return values.get(found[1] or found[2], text[at : found.end()]), found.end()
    return character, at + 1


def _fault(text: str, offset: int, name: str, what: str, hint: str) -> CmdlineError:
    line = text.count("\n", 0, offset) + 1
    given = text[offset : offset + 40].partition("\n")[0]
    place = ", ".join(part for part in (name, f"line {line}, offset {offset}") if part)
    return CmdlineError(what, where=place, given=repr(given), hint=hint)
