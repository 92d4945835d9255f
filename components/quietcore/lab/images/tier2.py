"""Tier 2: Debian 12 with systemd, cloud-init, tuned, rt-tests and the RT kernel; one qcow2 that boots both ways.

From its own disk through GRUB (so a kernel command line written there counts), or directly with the kernel and
initrd beside it. It is a machine of its own: what lab hosts must refuse (reboot, boot loader, tuned) works in it.
"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

from quietcore.lab.commands import run
from quietcore.lab.images import cache, debian, disk
from quietcore.lab.progress import Progress
from quietcore.lab.state import Tier2
from quietcore.units import Size

_HERE = Path(__file__).parent
_TREE = _HERE / "tier2_tree"
_PROGRAMS = ("/etc/initramfs-tools/hooks/quietcore", "/usr/lib/quietcore/ipv4-only")
_CUSTOMIZE = _HERE / "customize.sh"
CMDLINE = f"root=LABEL={disk.LABEL} ro console=ttyS0"
"""Kernel command line of a direct boot, before any real-time argument."""

_SIZE = Size.parse("4GiB")
_PACKAGES = (
    "systemd-sysv", "udev", "dbus", "cloud-init", "tuned", "rt-tests", "qemu-guest-agent", "openssh-server",
    "python3", "iproute2", "iputils-ping", "ethtool", "procps", "kmod", "initramfs-tools", "lz4", "grub-pc-bin",
    "grub2-common", debian.KERNEL,
)  # fmt: skip

# However the build ends, its processes and mounts end with it: they live in namespaces that die with this program.
_CONTAINED = (
    "unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc",
)  # fmt: skip

# Drivers of hardware that no guest has: half of the kernel package.
_NOT_FOR_GUESTS = (
    "sound", "drivers/gpu", "drivers/media", "drivers/staging", "drivers/infiniband", "drivers/iio", "drivers/usb",
    "drivers/net/wireless", "drivers/net/ethernet", "drivers/bluetooth", "drivers/isdn", "drivers/mtd",
    "drivers/hwmon", "drivers/platform", "drivers/mmc", "drivers/comedi", "net/wireless",
    "net/mac80211", "net/bluetooth",
)  # fmt: skip
_NOT_READ = ("man", "doc", "locale", "info", "i18n/locales")


def key() -> str:
    """Digest of what the image is made from: recipe, packages and the kernel's version."""
    recipe = [*_bootstrap("ROOT", "TREE", "CUSTOMIZE"), CMDLINE, str(_SIZE)]
    return cache.digest([debian.candidate(debian.KERNEL), *recipe, _HERE / "disk.py", _CUSTOMIZE, _TREE])


def ensure(progress: Progress) -> Tier2:
    """Build the image unless it is there; needs root and about two minutes."""
    done = cache.ensure("tier2", key(), lambda into: _build(into, progress))
    return Tier2(
        disk=str(done / "disk.qcow2"),
        kernel=str(done / "vmlinuz"),
        initrd=str(done / "initrd.img"),
        cmdline=CMDLINE,
    )


def _build(into: Path, progress: Progress) -> None:
    root = into / "root"
    try:
        with progress.condition("tier2", "SystemInstalled"):
            command = _bootstrap(str(root), shlex.quote(str(_TREE)), shlex.quote(str(_CUSTOMIZE)))
            run([*_CONTAINED, *command, *debian.sources()], timeout=1800)
        for name in ("vmlinuz", "initrd.img"):
            shutil.copy(next((root / "boot").glob(f"{name}-*")), into / name)
            (into / name).chmod(0o644)
        with progress.condition("tier2", "DiskWritten"):
            disk.make(root, into / "disk.qcow2", size=_SIZE)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    (into / "disk.qcow2").chmod(0o444)


def _bootstrap(root: str, tree: str, customize: str) -> list[str]:
    excluded = [f"/lib/modules/*/kernel/{folder}/*" for folder in _NOT_FOR_GUESTS]
    excluded += [f"/usr/share/{folder}/*" for folder in _NOT_READ]
    return [
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        "--format=directory",
        '--aptopt=Acquire::Languages "none"',
        *(f"--dpkgopt=path-exclude={path}" for path in excluded),
        "--dpkgopt=force-unsafe-io",
        "--dpkgopt=force-confold",
        f"--include={','.join(_PACKAGES)}",
        # Before the kernel comes: its initramfs is then built once, and small.
        f"--essential-hook=cp -RT {tree} $1",
        f"--essential-hook=chmod 755 $1{' $1'.join(_PROGRAMS)}",
        f"--customize-hook=sh {customize} $1",
        debian.RELEASE,
        root,
    ]
