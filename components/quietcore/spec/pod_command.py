"""What a container's command plainly says of its threads: ``chrt``, and the latency tests that set priorities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

LATENCY_TESTS: Final = ("cyclictest", "oslat", "jitterdebugger", "hwlatdetect", "sysjitter")
POLLING: Final = ("oslat", "sysjitter")
_CHRT: Final = {
    "-f": "fifo",
    "--fifo": "fifo",
    "-r": "rr",
    "--rr": "rr",
    "-o": "other",
    "--other": "other",
    "-b": "other",
    "--batch": "other",
    "-i": "other",
    "--idle": "other",
}
_PRIORITY: Final = {"cyclictest": ("-p", "--priority"), "oslat": ("-f", "--rtprio")}


@dataclass(frozen=True)
class Scheduling:
    """A policy (fifo, rr or other), a priority (None where it is no number), and the priority as written."""

    policy: str
    priority: int | None
    text: str


def is_latency_test(command: Sequence[str]) -> bool:
    """Whether the command runs a program that measures latency."""
    return any(_program(word) in LATENCY_TESTS for word in _words(tuple(command)))


def is_polling(command: Sequence[str]) -> bool:
    """Whether the command runs a program that is known never to sleep."""
    return any(_program(word) in POLLING for word in _words(tuple(command)))


def scheduling_of(command: Sequence[str]) -> Scheduling | None:
    """The policy and priority that the command sets: by ``chrt``, or by the option of a known latency test."""
    return _scheduling(tuple(command)) if command else None


@lru_cache(maxsize=1024)
def _scheduling(command: tuple[str, ...]) -> Scheduling | None:
    words = _words(command)
    for place, word in enumerate(words):
        program = _program(word)
        if program == "chrt":
            return _chrt(words[place + 1 :])
        if program in _PRIORITY and (text := _option(words[place + 1 :], _PRIORITY[program])):
            return Scheduling("fifo", _number(text), text)
    return None


def _chrt(words: Sequence[str]) -> Scheduling | None:
    """``chrt [options] priority command``: without an option its policy is RR."""
    policy = "rr"
    for word in words:
        if not word.startswith("-"):
            number = _number(word)
            return None if number is None else Scheduling(policy, number, word)
        policy = _CHRT.get(word, policy)
    return None


def _option(words: Sequence[str], names: tuple[str, str]) -> str | None:
    """The value of ``-p 95``, ``-p95``, ``--priority 95`` or ``--priority=95``."""
    short, long = names
    for place, word in enumerate(words):
        if word in names:
            return next(iter(words[place + 1 : place + 2]), None)
        if word.startswith(f"{long}="):
            return word.removeprefix(f"{long}=")
        if word.startswith(short) and word[len(short) :].isdecimal():
            return word[len(short) :]
    return None


def _words(command: tuple[str, ...]) -> list[str]:
    """A shell's ``-c`` text is taken apart too."""
    return [word.strip("\"';") for text in command for word in text.split()]


def _program(word: str) -> str:
    return word.rpartition("/")[2]


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 9 else None
