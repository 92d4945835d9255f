"""Tier 1: busybox on Debian's RT kernel, booted directly. Ready in seconds, for tests that need a guest at all."""

from __future__ import annotations

import shutil
from pathlib import Path

from quietcore.lab.images import cache, debian, initramfs
from quietcore.lab.progress import Progress
from quietcore.lab.state import Tier1

_HERE = Path(__file__).parent

# In load order: virtio_ring has to come before virtio (lab recipe), failover before virtio_net.
_MODULES = (
    "drivers/virtio/virtio_ring.ko",
    "drivers/virtio/virtio.ko",
    "drivers/virtio/virtio_pci_legacy_dev.ko",
    "drivers/virtio/virtio_pci_modern_dev.ko",
    "drivers/virtio/virtio_pci.ko",
    "drivers/block/virtio_blk.ko",
    "net/core/failover.ko",
    "drivers/net/net_failover.ko",
    "drivers/net/virtio_net.ko",
)


def key() -> str:
    """Digest of what the image is made from."""
    files = [_HERE / name for name in ("initramfs.py", "tier1_init", "tier1_lease")]
    packages = [debian.candidate(package) for package in (debian.KERNEL, "busybox-static")]
    return cache.digest([*packages, *_MODULES, *files])


def ensure(progress: Progress) -> Tier1:
    """Build the image unless it is there."""
    done = cache.ensure("tier1", key(), lambda into: _build(into, progress))
    return Tier1(kernel=str(done / "vmlinuz"), initrd=str(done / "initrd.img"))


def _build(into: Path, progress: Progress) -> None:
    parts = into / "parts"
    with progress.condition("tier1", "KernelUnpacked"):
        debian.unpack(debian.real_kernel(), parts)
        debian.unpack("busybox-static", parts)
    shutil.copy(next((parts / "boot").glob("vmlinuz-*")), into / "vmlinuz")
    modules = next((parts / "lib" / "modules").iterdir()) / "kernel"
    there = [modules / name for name in _MODULES if (modules / name).exists()]
    files: dict[str, bytes | Path] = {
        "init": _HERE / "tier1_init",
        "lease": _HERE / "tier1_lease",
        "bin/busybox": parts / "bin" / "busybox",
        "modules/order": "\n".join(module.name for module in there).encode(),
        **{f"modules/{module.name}": module for module in there},
    }
    initramfs.write(files, into / "initrd.img", executable={"init", "lease", "bin/busybox"})
    shutil.rmtree(parts)
