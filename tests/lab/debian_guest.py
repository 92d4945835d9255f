"""A tier-2 guest on a lab host: an overlay on the image, a seed, and questions through the agent."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from quietcore.lab import processes
from quietcore.lab.guest_agent import answers, run_in
from quietcore.lab.state import HostState, Tier2
from quietcore.plugins.libvirt.seed_iso import Seed, build

_META_DATA = "instance-id: one\nlocal-hostname: plc\n"
# No Intel model: Linux isolates page tables on those, and emulation then takes a third more time.
_XML = """
<domain type='qemu'>
  <name>{name}</name><memory unit='MiB'>640</memory><vcpu>2</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type>{boot}</os>
  <features><acpi/><apic/></features><cpu mode='custom'><model>Opteron_G2</model></cpu>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{disk}'/>
      <target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='cdrom'><source file='{seed}'/><target dev='sda' bus='sata'/><readonly/></disk>
    <interface type='network'><source network='default'/><model type='virtio'/></interface>
    <serial type='file'><source path='/var/log/{name}.console'/></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <memballoon model='none'/>
  </devices>
</domain>"""


@contextmanager
def booted(host: HostState, image: Tier2, folder: Path, user_data: str, *, direct: str | None) -> Iterator[Any]:
    """A guest that runs; gone afterwards. ``direct`` is its kernel command line, None boots through GRUB."""
    import libvirt

    name = folder.name
    (folder / "seed.iso").write_bytes(build(Seed(user_data, _META_DATA)))
    overlay = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", image.disk, str(folder / "disk.qcow2")]
    subprocess.run(overlay, check=True, timeout=60)
    kernel = f"<kernel>{image.kernel}</kernel><initrd>{image.initrd}</initrd><cmdline>{direct}</cmdline>"
    boot = kernel if direct is not None else "<boot dev='hd'/>"
    xml = _XML.format(name=name, boot=boot, disk=folder / "disk.qcow2", seed=folder / "seed.iso")
    guest = libvirt.open(host.uri).createXML(xml)
    try:
        yield guest
    finally:
        with suppress(libvirt.libvirtError):  # it may have shut itself down
            guest.destroy()


def settled(guest: Any, condition: str, *, seconds: float = 500.0) -> bool:
    """Whether a shell condition comes true in the guest, once its agent answers; a reboot in between is no matter."""
    return processes.await_condition(lambda: answers(guest) and _true(guest, condition), seconds=seconds, every=1.0)


def _true(guest: Any, condition: str) -> bool:
    from quietcore.errors import EnvironmentFault

    try:
        run_in(guest, condition)
    except EnvironmentFault:
        return False
    return True
