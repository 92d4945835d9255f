#!/usr/bin/env python3
"""Set up what quietcore runs on: Debian packages, the Python environment and the Pulumi engine.

Standard library only, Python 3.9 or newer: this runs before anything else exists. Data goes to standard output, the
rest to standard error; exit codes are 0 done, 1 something is missing, 2 usage or environment.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import debian
import engine
import environment
from errors import SetupError


def main() -> int:
    """Run one verb and turn every foreseeable failure into words."""
    arguments = parser().parse_args()
    signal.signal(signal.SIGTERM, interrupt)
    try:
        return VERBS[arguments.verb]()
    except SetupError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: nothing was published, run it again", file=sys.stderr)
        return 130


def interrupt(_signal: int, _frame: object) -> None:
    """End on SIGTERM as on Ctrl-C: what was opened for a moment is closed again."""
    raise KeyboardInterrupt


def parser() -> argparse.ArgumentParser:
    """Build the command line: one verb."""
    built = argparse.ArgumentParser(prog="bootstrap.py", description="Set up what quietcore runs on.")
    built.add_argument("verb", choices=sorted(VERBS), help="; ".join(f"{verb}: {HELP[verb]}" for verb in sorted(VERBS)))
    return built


def apt() -> int:
    """Install the missing Debian packages."""
    return 0 if debian.install_missing() else 1


def env() -> int:
    """Make .venv."""
    environment.sync()
    return 0


def pulumi() -> int:
    """Find or build the engine."""
    engine.ensure()
    return 0


def path() -> int:
    """Print the folder to put in front of PATH; nothing where the user's own engine serves."""
    folder = engine.folder()
    if folder is not None:
        print(folder)
    return 0


def everything() -> int:
    """Set up all that this machine and user allow. Packages that only root could install do not stop the rest."""
    with engine_meanwhile() as building:
        debian.install_missing()
        environment.sync()
        if building is None:
            engine.ensure()
            return 0
        return building.wait()


@contextmanager
def engine_meanwhile() -> Iterator[subprocess.Popen[bytes] | None]:
    """Build the engine beside the rest: it computes for minutes, the rest downloads. None where it must wait.

    It must wait for Debian's python3-venv where the machine has neither a Go nor a way to install one.
    """
    if not engine.can_build():
        yield None
        return
    process = subprocess.Popen([sys.executable, __file__, "pulumi"], stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()  # without effect once it has ended
        process.wait()


VERBS: dict[str, Callable[[], int]] = {"all": everything, "apt": apt, "env": env, "path": path, "pulumi": pulumi}
HELP = {
    "all": "apt, env and pulumi",
    "apt": "install missing Debian packages (root)",
    "env": "make .venv (no root)",
    "path": "print the engine's folder for PATH, or nothing where your own pulumi serves",
    "pulumi": "find or build the engine",
}

if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
