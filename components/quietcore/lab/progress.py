"""Named conditions, told as they come true, with the time each took. They go to stderr: data goes to stdout."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


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
        begun = time.monotonic()
        try:
            yield
        except BaseException:
            self.say(f"  ✗ {subject:<8} {name} ({time.monotonic() - begun:.1f} s)")
            raise
        self.say(f"  ✓ {subject:<8} {name} ({time.monotonic() - begun:.1f} s)")


class Silent(Progress):
    """Tells nothing."""

    def say(self, text: str) -> None:
        del text
