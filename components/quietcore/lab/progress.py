"""Named conditions, told as they come true, with the time each took. They go to stderr: data goes to stdout."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_TICK = 10.0
"""Seconds between two lines about work that is not done yet."""


class Progress:
    """Tells conditions as lines; threads may share one."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream if stream is not None else sys.stderr

    def say(self, text: str) -> None:
        """Write one line."""
        self.stream.write(text + "\n")
        self.stream.flush()

    @contextmanager
    def condition(self, subject: str, name: str) -> Iterator[None]:
        """Around the work that makes a condition true: told with its elapsed seconds, or as failed."""
        begun, over = time.monotonic(), threading.Event()

        def tell(sign: str) -> None:
            self.say(f"  {sign} {subject:<8} {name} ({time.monotonic() - begun:.1f} s)")

        def tick() -> None:
            while not over.wait(_TICK):
                tell("…")

        threading.Thread(target=tick, daemon=True).start()
        try:
            yield
        except BaseException:
            over.set()
            tell("✗")
            raise
        over.set()
        tell("✓")


class Silent(Progress):
    """Tells nothing."""

    def say(self, text: str) -> None:
        """Keep it to itself."""
