"""Does /dev/kvm really run a guest? Some machines offer the device and then run real mode only, or nothing.

Two guests are tried: sixteen instructions of real mode, then, where a guest kernel is at hand, that kernel up to its
first line. Flags of the CPU prove nothing either way (nested hypervisors hide and invent them).
"""

from __future__ import annotations

import os
import select
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_QEMU = ("qemu-system-x86_64", "-accel", "kvm", "-display", "none", "-nodefaults", "-no-reboot", "-m", "256")
_DEVICE = Path("/dev/kvm")
_SECONDS = 20.0

# mov dx,0xf4; mov al,0x31; out dx,al; hlt; jmp -3: tells isa-debug-exit, which ends QEMU with code 2*0x31+1.
_BOOT_SECTOR = bytes.fromhex("baf400b031eef4ebfd").ljust(510, b"\0") + b"\x55\xaa"
_EXIT = 0x31 * 2 + 1


@dataclass(frozen=True)
class Accelerator:
    """``name`` as QEMU calls it; ``reason`` says why; ``proved`` that nothing better could be tried."""

    name: Literal["kvm", "tcg"]
    reason: str
    proved: bool


def find(kernel: Path | None) -> Accelerator:
    """Try KVM, for at most 40 s; ``kernel`` is a Linux image that QEMU boots directly."""
    if not os.access(_DEVICE, os.R_OK | os.W_OK):
        return Accelerator("tcg", f"{_DEVICE} is not there or not ours to open", True)
    if not _runs_real_mode():
        return Accelerator("tcg", f"{_DEVICE} ran no guest", True)
    if kernel is None:
        return Accelerator("tcg", f"{_DEVICE} ran real mode; no guest kernel was at hand to try more", False)
    if not _runs_linux(kernel):
        return Accelerator("tcg", f"{_DEVICE} ran real mode, but no kernel within {_SECONDS:g} s", True)
    return Accelerator("kvm", "a guest kernel booted", True)


def _runs_real_mode() -> bool:
    with tempfile.NamedTemporaryFile(suffix=".img") as disk:
        disk.write(_BOOT_SECTOR)
        disk.flush()
        words = [*_QEMU, "-device", "isa-debug-exit,iobase=0xf4,iosize=1"]
        words += ["-drive", f"file={disk.name},format=raw,if=floppy,readonly=on", "-boot", "a"]
        try:
            done = subprocess.run(words, capture_output=True, stdin=subprocess.DEVNULL, timeout=_SECONDS)
        except (subprocess.TimeoutExpired, FileNotFoundError):
            return False
    return done.returncode == _EXIT


def _runs_linux(kernel: Path) -> bool:
    arguments = ["-cpu", "host", "-kernel", str(kernel), "-append", "earlyprintk=serial console=ttyS0 panic=-1"]
    words = [*_QEMU, *arguments, "-serial", "stdio"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=pipe, stderr=subprocess.DEVNULL) as guest:
        try:
            return guest.stdout is not None and _says(guest.stdout.fileno(), b"Linux version")
        finally:
            guest.kill()


def _says(handle: int, wanted: bytes) -> bool:
    """Whether the text comes out of the pipe in time."""
    seen, deadline = b"", time.monotonic() + _SECONDS
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([handle], [], [], left)[0]:
            return False
        part = os.read(handle, 4096)
        if not part:
            return False
        seen += part
        if wanted in seen:
            return True
    return False
