"""Volumes that a running domain has open. The domain is real; it is paused, for what its guest does is of no matter."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from quietcore.plugins.handler import Effect, HandlerError, Severity
from quietcore.plugins.libvirt.cloudinit_disk import CloudInitDiskHandler
from quietcore.plugins.libvirt.volume import VolumeHandler

libvirt = pytest.importorskip("libvirt")
pytestmark = pytest.mark.skipif(shutil.which("qemu-system-x86_64") is None, reason="qemu-system-x86 is not installed")
MIB = 1 << 20
VOLUME = VolumeHandler()
DISK = CloudInitDiskHandler()


@pytest.fixture
def run(desk: Any) -> Iterator[Callable[..., Any]]:
    """Start a domain with these files as disks (`path`, `format`) and cdrom."""
    started = []

    def start(path: str = "", form: str = "qcow2", cdrom: str = "") -> Any:
        disk = f"""<disk type='file' device='disk'><driver name='qemu' type='{form}'/><source file='{path}'/>
          <target dev='vda' bus='virtio'/></disk>"""
        seed = f"""<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='{cdrom}'/>
          <target dev='sda' bus='sata'/><readonly/></disk>"""
        xml = f"""<domain type='qemu'><name>d{len(started)}-{Path(path or cdrom).parent.name}</name>
          <memory unit='MiB'>64</memory><os><type machine='q35'>hvm</type></os>
          <devices>{disk if path else ""}{seed if cdrom else ""}</devices></domain>"""
        started.append(desk.connection.createXML(xml, libvirt.VIR_DOMAIN_START_PAUSED))
        return started[-1]

    yield start
    for domain in started:
        domain.destroy()


def test_a_volume_in_use_is_not_removed(desk, pool, run):
    state = desk.create(VOLUME, {"pool": pool.name(), "size": MIB, "name": "disk"})
    domain = run(state.id)
    with pytest.raises(HandlerError, match=f"the running domain '{domain.name()}' has it open") as caught:
        VOLUME.delete(state, desk.context())
    assert f"shutdown {domain.name()}" in caught.value.hint
    assert Path(state.id).exists()


def test_a_base_in_use_under_an_overlay_is_not_removed(desk, pool, run):
    base = desk.create(VOLUME, {"pool": pool.name(), "size": MIB, "name": "base"}, "base")
    top = desk.create(VOLUME, {"pool": pool.name(), "baseVolumeId": base.id, "name": "top"}, "top")
    run(top.id)
    with pytest.raises(HandlerError, match="has it open"):
        VOLUME.delete(base, desk.context("base"))


def test_a_volume_in_use_grows_through_its_domain(desk, pool, run):
    state = desk.create(VOLUME, {"pool": pool.name(), "size": MIB, "name": "disk"})
    domain = run(state.id)
    after = VOLUME.update(state, {**state.inputs, "size": 8 * MIB}, desk.context())
    assert after.outputs["size"] == 8 * MIB
    assert domain.blockInfo("vda")[0] == 8 * MIB
    assert domain.isActive()


def test_a_seed_in_use_is_rewritten_and_the_domain_runs_on(desk, pool, run):
    given = {"pool": pool.name(), "name": "seed.iso", "userData": "#cloud-config\nhostname: a\n"}
    state = desk.create(DISK, given)
    domain = run(cdrom=state.id.partition(";")[0])
    before = domain.XMLDesc(0)
    new = given | {"userData": "#cloud-config\nhostname: b\n"}
    assert [change.effect for change in DISK.diff(state, new)] == [Effect.NEXT_BOOT]
    after = DISK.update(state, new, desk.context())
    assert domain.XMLDesc(0) == before
    assert desk.read(DISK, after).inputs == new
    size = Path(state.id.partition(";")[0]).stat().st_size
    assert domain.blockInfo("sda")[0] == size


def test_a_seed_that_outgrows_what_its_domain_opened_is_told(desk, pool, run):
    given = {"pool": pool.name(), "name": "seed.iso", "userData": "#cloud-config\n"}
    state = desk.create(DISK, given)
    run(cdrom=state.id.partition(";")[0])
    DISK.update(state, given | {"userData": "#cloud-config\n# " + "x" * 1_000_000}, desk.context())
    assert desk.lines[-1][0] is Severity.WARNING
    assert "after a full stop and start" in desk.lines[-1][1]


def test_qemu_img_finds_no_fault_in_a_volume_that_grew_in_use(desk, pool, run):
    state = desk.create(VOLUME, {"pool": pool.name(), "size": MIB, "name": "disk"})
    domain = run(state.id)
    VOLUME.update(state, {**state.inputs, "size": 8 * MIB}, desk.context())
    subprocess.run(["qemu-img", "check", "-q", "-U", state.id], check=True)
    assert domain.isActive()
