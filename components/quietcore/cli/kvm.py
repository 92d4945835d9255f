"""Whether the kernel makes virtual machines: asked of the device itself, because one that exists may refuse or hang."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

SECONDS: Final = 5.0
"""How long the device may take; an answer needs less than a millisecond."""

# The numbers: include/uapi/linux/kvm.h, KVM_API_VERSION (12 ever since Linux 2.6.22), _IO(0xAE, 0x00) and (0xAE, 0x01).
ATTEMPT: Final = """
import fcntl, os, sys
step = "open"
try:
    device = os.open(sys.argv[1], os.O_RDWR | os.O_CLOEXEC)
    step = "KVM_GET_API_VERSION"
    version = fcntl.ioctl(device, 0xAE00, 0)
    if version != 12:
        sys.exit(f"KVM_GET_API_VERSION: {version} instead of 12")
    step = "KVM_CREATE_VM"
    fcntl.ioctl(device, 0xAE01, 0)
except OSError as error:
    sys.exit(f"{step}: {error.strerror}")
"""


def kvm_fault(device: Path, attempt: str = ATTEMPT, seconds: float = SECONDS) -> str:
    """Open the device and make a virtual machine, in a process of its own; give what failed, or nothing."""
    words = [sys.executable, "-I", "-S", "-c", attempt, str(device)]
    child = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        said = child.communicate(timeout=seconds)[1].strip()
    except subprocess.TimeoutExpired:
        child.kill()  # and no wait: a process that hangs in the kernel does not end
        return f"no answer within {seconds:g} s"
    return (said.splitlines() or [f"exit code {child.returncode}"])[-1] if child.returncode else ""
