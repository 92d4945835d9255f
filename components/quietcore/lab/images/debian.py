"""Debian's archive, as this machine's own apt knows it: no mirror is named here, the machine's are used."""

from __future__ import annotations

import json
from pathlib import Path

from quietcore.errors import EnvironmentFault
from quietcore.lab.commands import CommandFailed, run
from quietcore.lab.layout import cache_root
from quietcore.lab.state import replace

_LISTS = Path("/var/lib/apt/lists")
RELEASE = "bookworm"
KERNEL = "linux-image-rt-amd64"


def sources() -> list[str]:
    """One-line sources of the release that apt on this machine is configured with."""
    form = "deb $(REPO_URI) $(RELEASE) $(COMPONENT)"
    lines = run(["apt-get", "indextargets", "--format", form, "Created-By: Packages", "Origin: Debian"]).splitlines()
    found = sorted({line for line in lines if line.split()[2].split("-")[0] == RELEASE})
    if not found:
        raise EnvironmentFault(
            f"apt on this machine has no source of Debian {RELEASE}",
            where="/etc/apt/sources.list.d",
            hint="apt-get update, or build the images on a Debian 12 machine and share the cache folder",
        )
    return found


def candidate(package: str) -> str:
    """The version that apt would install; part of what an image is made from.

    Asking apt can take a second, so the answer is kept until apt's lists change.
    """
    record = cache_root() / "lab" / f"candidate-{package}.json"
    lists = _LISTS.stat().st_mtime_ns if _LISTS.exists() else 0
    try:
        known = json.loads(record.read_text())
        if known["lists"] == lists:
            return str(known["version"])
    except (OSError, ValueError, TypeError, KeyError):
        pass
    version = _candidate(package)
    replace(record, json.dumps({"lists": lists, "version": version}))
    return version


def real_kernel() -> str:
    """The package that the kernel's meta package stands for, e.g. linux-image-6.1.0-37-rt-amd64."""
    lines = run(["apt-cache", "depends", "--important", KERNEL]).splitlines()
    return next(line.split()[1] for line in lines if line.strip().startswith("Depends: linux-image-"))


def unpack(package: str, into: Path) -> None:
    """Download a package and unpack it into a folder; nothing is installed on the machine."""
    into.mkdir(parents=True, exist_ok=True)
    try:
        run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package], cwd=into, timeout=600)
    except CommandFailed as failed:
        failed.add_note("hint: apt-get update")
        raise
    archive = next(into.glob(f"{package}_*.deb"))
    run(["dpkg", "-x", archive, into])
    archive.unlink()


def _candidate(package: str) -> str:
    for line in run(["apt-cache", "policy", package]).splitlines():
        if line.strip().startswith("Candidate:"):
            return line.split()[1]
    raise EnvironmentFault(f"apt knows no package {package}", hint="apt-get update")
