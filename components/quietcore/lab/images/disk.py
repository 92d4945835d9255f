"""A bootable disk from a folder, without loop devices or root: partition table, ext4, GRUB in the gap, qcow2.

Layout (sectors of 512 bytes): 0 the boot record with GRUB's boot.img, from 1 GRUB's core image, which boot.img
loads from there by default, from 2048 the one partition.
"""

from __future__ import annotations

from pathlib import Path

from quietcore.errors import EnvironmentFault
from quietcore.lab.commands import run
from quietcore.units import Size

SECTOR = 512
FIRST = 2048
LABEL = "quietcore-root"
_BOOT_CODE = 440  # bytes before the disk signature and the partition table of a DOS boot record


def make(tree: Path, target: Path, *, size: Size) -> None:
    """Write ``tree`` into a qcow2 of that size; GRUB comes out of the tree itself."""
    raw = target.with_suffix(".raw")
    with raw.open("wb") as disk:
        disk.truncate(size.bytes)
    run(["sfdisk", "--quiet", raw], stdin=f"label: dos\nstart={FIRST}, type=83, bootable\n")
    # GRUB 2.06 reads neither feature; e2fsprogs outside Debian switches them on.
    features = ["-O", "^metadata_csum_seed,^orphan_file", "-m", "0"]
    kib = size.bytes // 1024 - FIRST * SECTOR // 1024
    offset = f"offset={FIRST * SECTOR},lazy_itable_init=1,lazy_journal_init=1"
    run(["mke2fs", "-q", "-t", "ext4", "-L", LABEL, *features, "-E", offset, "-d", tree, raw, f"{kib}k"], timeout=600)
    _embed(tree / "boot/grub/core.img", tree / "usr/lib/grub/i386-pc/boot.img", raw)
    run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, target], timeout=600)
    raw.unlink()


def _embed(core: Path, boot: Path, raw: Path) -> None:
    image = core.read_bytes()
    gap = (FIRST - 1) * SECTOR
    if len(image) > gap:
        raise EnvironmentFault("GRUB's core image is too large", given=f"{len(image)} bytes", allowed=f"{gap} bytes")
    with raw.open("r+b") as disk:
        disk.write(boot.read_bytes()[:_BOOT_CODE])
        disk.seek(SECTOR)
        disk.write(image)
