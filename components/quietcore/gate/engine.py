"""The Pulumi CLI as a child: its words go on as they come, and an interrupt ends it as it wants to be ended."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

from quietcore.errors import EnvironmentFault

_ANSI: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])|[\x00-\x08\x0b-\x1f\x7f]"
)
_OPTIONS: Final = "PULUMI_OPTION_"


@dataclass(frozen=True)
class Ended:
    """How a run of the CLI ended: its exit code, what it printed as data, and all the rest that it said."""

    code: int
    data: str
    log: str


@dataclass(frozen=True)
class Engine:
    """The CLI at ``path``, run in a project's ``folder``; ``given`` adds to what it sees of the environment."""

    path: Path
    folder: Path
    given: Mapping[str, str] = field(default_factory=dict)

    def follow(self, *arguments: str, tell: Callable[[str], None], apart: bool = False) -> Ended:
        """Run it and ``tell`` each line as it comes; ``apart`` keeps stdout as data instead. stdin is empty.

        Raises KeyboardInterrupt once the engine has ended, where SIGINT or SIGTERM came meanwhile: both are handed on.
        """
        child = subprocess.Popen(
            [str(self.path), *arguments, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=None if apart else subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,  # the terminal's Ctrl-C then comes to it once, from here: twice would kill it
        )
        assert child.stdout is not None
        lines = []
        with _handing_on(child) as interrupted:
            for line in child.stdout:
                lines.append(plain(line))
                if not apart:
                    tell(lines[-1].rstrip("\n"))
            code = child.wait()
        if interrupted:
            raise KeyboardInterrupt
        text = "".join(lines)
        return Ended(code, text, "") if apart else Ended(code, "", text)

    def export(self, stack: str) -> str:
        """The last applied state of a stack as JSON text. Raises EnvironmentFault with the engine's reason."""
        return self._asked(stack, "stack", "export")

    def config(self, stack: str, key: str) -> str:
        """A value of a stack's configuration, "" where there is none. Raises EnvironmentFault as ``export``."""
        return str(json.loads(self._asked(stack, "config", "--json")).get(key, {}).get("value") or "")

    def _asked(self, stack: str, *arguments: str) -> str:
        done = subprocess.run(
            [str(self.path), *arguments, "--stack", stack, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise EnvironmentFault(
                f'stack "{stack}" cannot be read',
                where=str(self.folder),
                given=plain(done.stderr).strip().removeprefix("error: "),
                hint=f"pulumi stack init {stack}, or look at PULUMI_BACKEND_URL and PULUMI_CONFIG_PASSPHRASE",
            )
        return done.stdout

    def environment(self) -> Mapping[str, str]:
        """What the engine sees: this Python in front, nothing assigned for good, and its event log allowed.

        Options of its own that a variable gives, such as a target, would leave resources out: it sees none of them.
        """
        folders = [str(Path(sys.executable).parent), str(self.path.parent), os.environ.get("PATH", os.defpath)]
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(_OPTIONS)},
            "PATH": os.pathsep.join(folders),
            "CI": os.environ.get("CI") or "true",
            "PULUMI_DEBUG_COMMANDS": "true",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            **self.given,
        }


def plain(text: str) -> str:
    """The text without colours and other control characters."""
    return _ANSI.sub("", text)


@contextmanager
def _handing_on(child: subprocess.Popen[str]) -> Iterator[list[int]]:
    """Hand SIGINT and SIGTERM on to the child as SIGINT: the first lets it end in order, the second at once."""
    received: list[int] = []

    def hand_on(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        child.send_signal(signal.SIGINT)

    before = {number: signal.signal(number, hand_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
            child.wait()
