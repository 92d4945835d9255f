"""Debian packages by purpose: what is missing is installed, what is there is left alone, no service is started."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cache
import progress

# Purpose -> (what works only with these, the packages).
PURPOSES: dict[str, tuple[str, tuple[str, ...]]] = {
    "python": ("a Python environment where there is no uv", ("python3-venv",)),
    "bindings": ("the libvirt bindings: `pulumi up`", ("gcc", "libvirt-dev", "pkg-config", "python3-dev")),
    "lab": (
        "`quietcore lab`, `make demo` and the tests marked lab",
        (
            *("qemu-system-x86", "qemu-utils", "seabios", "ipxe-qemu"),
            *("libvirt-daemon", "libvirt-daemon-system", "libvirt-daemon-driver-qemu", "libvirt-clients"),
            *("openvswitch-switch", "openssh-server", "openssl", "dnsmasq-base", "iproute2", "iptables"),
            *("mmdebstrap", "busybox-static", "cpio", "e2fsprogs", "fdisk", "kmod", "lvm2"),
        ),
    ),
    "foreign": ("the tests marked foreign", ("cloud-init", "librsvg2-bin", "libxml2-utils", "tuned", "xsltproc")),
}

GUARD = Path("/usr/sbin/policy-rc.d")
GUARD_TEXT = """#!/bin/sh
# Put here by quietcore's set-up while it installs packages: they shall not start services.
exit 101
"""


def install_missing() -> bool:
    """Install what is missing. Return False, having said what does not work, where that needs root or a Debian."""
    if shutil.which("dpkg-query") is None or shutil.which("apt-get") is None:
        progress.say("packages", "not checked: this is no Debian. Install the equivalents of")
        for works, names in PURPOSES.values():
            progress.say("", f"{' '.join(names)}  (for {works})")
        return False
    missing = {purpose: absent(names) for purpose, (_, names) in PURPOSES.items()}
    wanted = [name for names in missing.values() for name in names]
    if not wanted:
        progress.say("packages", "all installed")
        return True
    if os.geteuid() != 0:
        say_missing(missing)
        return False
    install(wanted)
    return True


def absent(names: tuple[str, ...]) -> list[str]:
    """Return the names that dpkg does not hold installed."""
    query = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\\n", *names]
    listed = subprocess.run(query, check=False, capture_output=True, text=True).stdout.splitlines()
    installed = {line.split()[0] for line in listed if line.endswith(" installed")}
    return [name for name in names if name not in installed]


def say_missing(missing: dict[str, list[str]]) -> None:
    """Say which packages are missing, what needs them, and how to get them."""
    for purpose, names in missing.items():
        if names:
            progress.say("packages", f"missing for {PURPOSES[purpose][0]}: {' '.join(names)}")
    progress.say("", "all else works without them")
    progress.say("", f"hint: sudo apt-get install {' '.join(name for names in missing.values() for name in names)}")


def install(names: list[str]) -> None:
    """Install the packages; on a machine whose package lists are missing or stale, fetch the lists first."""
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *names]
    log = cache.root() / "logs" / "apt.log"
    with cache.locked("packages"), services_not_started():
        if simulate(command) != 0:
            progress.run("packages", "fetching the package lists", ["apt-get", "update"], log=log, env=environ)
        seconds = progress.run("packages", f"installing {len(names)} packages", command, log=log, env=environ)
    progress.say("packages", f"installed {' '.join(names)} ({progress.elapsed(seconds)}); no service was started")


def simulate(command: list[str]) -> int:
    """Return the exit code that the command would have, as far as the package lists tell."""
    return subprocess.run([*command, "--print-uris", "--quiet"], check=False, capture_output=True).returncode


@contextmanager
def services_not_started() -> Iterator[None]:
    """Keep maintainer scripts from starting services: Debian's own door for that, opened only for the time needed."""
    if GUARD.exists() and GUARD.read_text(errors="replace") != GUARD_TEXT:
        yield  # the administrator's own rule decides
        return
    GUARD.write_text(GUARD_TEXT)
    GUARD.chmod(0o755)
    try:
        yield
    finally:
        GUARD.unlink()
