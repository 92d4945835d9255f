"""Progress of long work: a named condition with its elapsed time, plain lines where nobody watches a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from errors import SetupError

# A log without news for longer looks dead; a line more often is noise.
PLAIN_INTERVAL_SECONDS = 30
LINES_OF_A_FAILED_LOG = 20


def say(name: str, text: str) -> None:
    """Print the state of one condition."""
    # Clears what another set-up may be showing on the same line of the terminal.
    clear = "\r\033[K" if on_terminal() else ""
    print(f"{clear}{name:<12}{text}", file=sys.stderr, flush=True)


def run(
    name: str,
    doing: str,
    command: Sequence[str],
    *,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> float:
    """Run command with its output in log, showing progress; return the seconds it took.

    Raises SetupError with the end of the log where the command fails.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=cwd, env=env, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        try:
            watch(name, doing, process, began)
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if process.returncode != 0:
        raise SetupError(
            f"{doing} failed with exit code {process.returncode}",
            given=" ".join(command),
            where=str(log),
            hint="the log ends with\n" + tail(log),
        )
    return time.monotonic() - began


def watch(name: str, doing: str, process: subprocess.Popen[bytes], began: float) -> None:
    """Show the elapsed time until process ends."""
    terminal = on_terminal()
    interval = 1 if terminal else PLAIN_INTERVAL_SECONDS
    if not terminal:
        say(name, f"{doing} ...")
    while True:
        try:
            process.wait(timeout=interval)
            break
        except subprocess.TimeoutExpired:
            line = f"{doing} ... {elapsed(time.monotonic() - began)}"
            if terminal:
                print(f"\r{name:<12}{line}\033[K", end="", file=sys.stderr, flush=True)
            else:
                say(name, line)
    if terminal:
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def on_terminal() -> bool:
    """Return whether somebody watches who can see a line change."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def elapsed(seconds: float) -> str:
    """Return seconds in words: "4 s", "2 min 05 s"."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def tail(log: Path) -> str:
    """Return the last lines of a log, indented."""
    lines = log.read_text(errors="replace").splitlines()[-LINES_OF_A_FAILED_LOG:]
    return "\n".join(f"    {line}" for line in lines)
