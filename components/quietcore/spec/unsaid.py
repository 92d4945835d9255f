"""What nobody said: it stands in a spec's place where only some of a machine's files are known.

Whoever asks it for a value is told so by an exception, so that nothing is ever judged by a guess.
"""

from __future__ import annotations

from typing import Any


class NotSaid(Exception):
    """Something was asked for that no file says; ``what`` is its name."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(what)


class Unsaid:
    """A value that is not known. Reading any attribute but those that are given raises NotSaid."""

    def __init__(self, unsaid: str, **known: Any) -> None:
        self.__dict__.update(known, _unsaid=unsaid)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotSaid(self.__dict__["_unsaid"])
