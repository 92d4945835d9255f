"""A quick start: most of what a short command does is to import, and the garbage collector takes a quarter of that."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

YOUNG: Final = 20_000
"""New objects between two looks for garbage. Python's 700 make a program of 1000 nodes a fifth slower: what it
registers lives until the command ends."""


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no garbage within, and never again among what was made within: modules stay until the end."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(YOUNG)
        gc.enable()
