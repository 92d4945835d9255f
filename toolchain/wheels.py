"""Install a wheel into a folder of its own with whatever installer this machine has."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cache
import progress
from errors import SetupError

# 0.13 knows `sync --no-extra`; older releases on PATH know it too (since 0.5).
UV = "0.13.9"


def uv() -> str:
    """Return the uv on PATH, else one of the cache."""
    return shutil.which("uv") or str(tool("uv", f"uv=={UV}", Path("bin/uv")))


def tool(name: str, requirement: str, executable: Path) -> Path:
    """Return executable of the wheel that requirement pins, installing it into the cache where it is not there yet."""
    target = cache.root() / name / requirement.partition("==")[2]
    if (target / executable).exists():
        return target / executable
    with cache.locked(name):
        if not (target / executable).exists():
            with cache.published(target) as folder:
                command = [*installer(), "--target", str(folder), requirement]
                progress.run(name, f"installing {requirement}", command, log=cache.root() / "logs" / f"{name}.log")
    return target / executable


def can_install() -> bool:
    """Return whether installer() finds a way."""
    return bool(shutil.which("uv") or importlib.util.find_spec("pip") or importlib.util.find_spec("ensurepip"))


def installer() -> list[str]:
    """Return the start of a command that installs wheels. Debian's python3 has neither pip nor ensurepip by itself."""
    found = shutil.which("uv")
    if found:
        return [found, "pip", "install", "--python", sys.executable]
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    if importlib.util.find_spec("ensurepip"):
        return [str(bare_venv() / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
    raise SetupError(
        "no way to install Python packages",
        where=sys.executable,
        given="no uv on PATH, no pip, no ensurepip",
        hint=("" if os.geteuid() == 0 else "sudo ") + "apt-get install python3-venv",
    )


def bare_venv() -> Path:
    """Return a virtual environment in the cache that holds pip and nothing else."""
    target = cache.root() / "pip" / f"{sys.version_info[0]}.{sys.version_info[1]}"
    if not (target / "bin" / "python").exists():
        with cache.locked("pip"):
            # Not built aside and renamed: the scripts of a virtual environment hold its path.
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(target)], check=True, stdout=sys.stderr)
    return target
