"""Running other programs: one function, whose failure tells the command and what it said."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from quietcore.errors import EnvironmentFault

_DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")


class CommandFailed(EnvironmentFault):
    """A program that ended with another exit code than 0, or is not there."""


def run(
    argv: Sequence[str | Path], *, stdin: str | None = None, timeout: float = 120.0, cwd: Path | None = None
) -> str:
    """Run a program to its end and return its stdout; ``timeout`` is in seconds.

    The program dies with this one, so that nothing works on behind the back of the next command.
    Raises CommandFailed with the command line and its stderr.
    """
    words = [str(word) for word in argv]
    env = surroundings()
    if shutil.which(words[0], path=env["PATH"]) is None:
        raise CommandFailed(f"{words[0]} is not installed", given=shlex.join(words))
    try:
        done = subprocess.run(
            [*_DIES_WITH_US, *words], input=stdin, capture_output=True, text=True, timeout=timeout, cwd=cwd, env=env
        )
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"{words[0]} did not end within {timeout:g} s", given=shlex.join(words)) from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
        raise CommandFailed(f"{words[0]} failed: {said}", given=shlex.join(words))
    return done.stdout


def surroundings() -> dict[str, str]:
    """The environment for programs: the caller's, in the C locale, with the system folders that su leaves out."""
    path = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
    return {**os.environ, "PATH": path, "LC_ALL": "C.UTF-8"}


def succeeds(argv: Sequence[str | Path], *, timeout: float = 30.0) -> bool:
    """Whether the program ends with exit code 0."""
    try:
        run(argv, timeout=timeout)
    except CommandFailed:
        return False
    return True
