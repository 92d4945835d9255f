"""The Python environment in .venv, from uv.lock: no root, and no compiler where libvirt's headers are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import cache
import progress
import wheels

PROJECT = Path(__file__).resolve().parent.parent
HEADERS = "libvirt-dev pkg-config gcc python3-dev"


def sync() -> None:
    """Bring .venv to what uv.lock says."""
    extras = ["--all-extras"] + ([] if can_bind_libvirt() else ["--no-extra", "libvirt"])
    command = [wheels.uv(), "sync", "--frozen", *extras]
    # The lock file belongs to this project: another environment that happens to be active is not the one to change.
    environ = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    log = cache.root() / "logs" / "uv-sync.log"
    seconds = progress.run("env", "installing the Python environment", command, log=log, cwd=PROJECT, env=environ)
    progress.say("env", f".venv is ready ({progress.elapsed(seconds)})")
    if "--no-extra" in extras:
        progress.say("env", "without the libvirt bindings: check, render, show and previews work, up does not")
        progress.say("", f"hint: {sudo()}apt-get install {HEADERS}, then make env")


def can_bind_libvirt() -> bool:
    """Return whether libvirt-python is there already or can be compiled here."""
    if any((PROJECT / ".venv").glob("lib/python3*/site-packages/libvirt.py")):
        return True
    pkg_config = shutil.which("pkg-config")
    if pkg_config is None or not (shutil.which("cc") or shutil.which("gcc")):
        return False
    return subprocess.run([pkg_config, "--exists", "libvirt"], check=False).returncode == 0


def sudo() -> str:
    """Return the prefix that a command for root needs."""
    return "" if os.geteuid() == 0 else "sudo "
