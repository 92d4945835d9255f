"""Storage on a lab host: a system libvirtd as root, reached by socket and by ssh, with QEMU under another user."""

from __future__ import annotations

import hashlib
import json
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.lab
libvirt = pytest.importorskip("libvirt")

from quietcore import lab as labs  # noqa: E402
from quietcore.errors import QuietcoreError  # noqa: E402
from quietcore.lab.layout import lab_dir  # noqa: E402
from quietcore.plugins.connection import Connections  # noqa: E402
from quietcore.plugins.handler import Context, Handler, HandlerError, Mark, Props, State  # noqa: E402
from quietcore.plugins.libvirt.cloudinit_disk import CloudInitDiskHandler  # noqa: E402
from quietcore.plugins.libvirt.content import Content  # noqa: E402
from quietcore.plugins.libvirt.pool import PoolHandler  # noqa: E402
from quietcore.plugins.libvirt.volume import VolumeHandler  # noqa: E402

MIB = 1 << 20
POOL, VOLUME, DISK = PoolHandler(), VolumeHandler(), CloudInitDiskHandler()
PLAN = labs.Plan(name="storage", hosts=1, pages=0)


@pytest.fixture(scope="module")
def host() -> Iterator[Any]:
    try:
        state = labs.up(PLAN, labs.Silent())
    except QuietcoreError as error:
        pytest.skip(str(error))
    yield state.hosts[0]
    labs.down(PLAN.name, labs.Silent())


class Desk:
    """Runs handlers against one URI of the host."""

    def __init__(self, uri: str) -> None:
        self.uri, self.lines, self.connections = uri, [], Connections()

    def context(self, name: str) -> Context:
        return Context(
            urn=name,
            mark=Mark("plant", "lab", name),
            uri=self.uri,
            connect=lambda: self.connections.get(self.uri),
            log=lambda _severity, text: self.lines.append(text),
            status=self.lines.append,
        )

    def create(self, handler: Handler, name: str, inputs: Props) -> State:
        context = self.context(name)
        made, failures = handler.check(inputs, None, context.mark)
        assert not failures
        return handler.create(made, context)

    @property
    def connection(self) -> Any:
        return self.connections.get(self.uri)


@pytest.fixture(params=["uri", "ssh_uri"])
def desk(request, host) -> Desk:
    return Desk(getattr(host, request.param))


@pytest.fixture
def pool(desk: Desk) -> Iterator[State]:
    path = "/var/lib/libvirt/images/plant/disks"
    state = desk.create(POOL, "pool", {"name": "plant", "type": "dir", "target": {"path": path}})
    yield state
    POOL.delete(state, desk.context("pool"))
    assert "plant" not in [pool.name() for pool in desk.connection.listAllStoragePools()]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "200M"], check=True)
    subprocess.run(["qemu-io", "-c", "write -q -P 0x5a 0 24M", path], check=True, stdout=subprocess.DEVNULL)
    return path


def download(desk: Desk, key: str) -> bytes:
    from quietcore.plugins.libvirt.stream import download as fetch

    volume = desk.connection.storageVolLookupByKey(key)
    return fetch(volume, volume.info()[1] * 2)


def test_images_overlays_and_seeds_serve_a_running_domain_and_go_without_a_trace(desk, pool, image):
    base = desk.create(VOLUME, "base", {"pool": "plant", "source": str(image), "name": "base.qcow2"})
    assert hashlib.sha256(download(desk, base.id)).hexdigest() == base.outputs["contentSha256"]
    top = desk.create(VOLUME, "top", {"pool": "plant", "baseVolumeId": base.id, "name": "top.qcow2"})
    seed = desk.create(DISK, "top", {"pool": "plant", "name": "top.iso", "userData": "#cloud-config\n"})
    iso = seed.id.partition(";")[0]
    domain = desk.connection.createXML(
        f"""<domain type='qemu'><name>storage-test</name><memory unit='MiB'>64</memory>
        <os><type machine='q35'>hvm</type></os><devices>
        <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{top.id}'/>
          <target dev='vda' bus='virtio'/></disk>
        <disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='{iso}'/>
          <target dev='sda' bus='sata'/><readonly/></disk></devices></domain>""",
        libvirt.VIR_DOMAIN_START_PAUSED,
    )
    try:
        with pytest.raises(HandlerError, match="has it open"):
            VOLUME.delete(base, desk.context("base"))
        grown = VOLUME.update(top, {**top.inputs, "size": 400 * MIB}, desk.context("top"))
        assert grown.outputs["size"] == domain.blockInfo("vda")[0] == 400 * MIB
        new = {**seed.inputs, "userData": "#cloud-config\nhostname: b\n"}
        seed = DISK.update(seed, new, desk.context("top"))
        assert DISK.read(seed, desk.context("top")) == seed
    finally:
        domain.destroy()
    for handler, name, state in ((DISK, "top", seed), (VOLUME, "top", grown), (VOLUME, "base", base)):
        handler.delete(state, desk.context(name))
    assert desk.connection.storagePoolLookupByName("plant").listVolumes() == []


def test_what_belongs_to_others_is_byte_identical_afterwards(desk, pool, image):
    theirs = desk.connection.storagePoolLookupByName("plant").createXML(
        "<volume><name>theirs</name><capacity unit='MiB'>1</capacity></volume>", 0
    )
    before = (theirs.XMLDesc(0), download(desk, theirs.key()))
    for handler, inputs in (
        (VOLUME, {"pool": "plant", "source": str(image), "name": "theirs"}),
        (DISK, {"pool": "plant", "userData": "#cloud-config\n", "name": "theirs"}),
    ):
        with pytest.raises(HandlerError, match="is not of this resource"):
            desk.create(handler, "mine", inputs)
    stolen = State(
        theirs.key(), {"pool": "plant", "name": "theirs"}, {"owner": {"project": "p", "stack": "s", "name": "n"}}
    )
    VOLUME.delete(stolen, desk.context("n"))
    after = (theirs.XMLDesc(0), download(desk, theirs.key()))
    assert _without_access_time(before[0]) == _without_access_time(after[0])
    assert before[1] == after[1]
    theirs.delete(0)


def _without_access_time(xml: str) -> str:
    return "\n".join(line for line in xml.splitlines() if "<atime>" not in line)


def test_a_daemon_killed_during_an_upload_leaves_nothing_that_looks_finished(desk, pool, host, image, monkeypatch):
    blocks = Content.blocks

    def killing(content: Content) -> Iterator[bytes]:
        for number, block in enumerate(blocks(content)):
            if number == 40:
                _kill(json.loads((lab_dir(PLAN.name).root / host.name / "pids" / "libvirtd").read_text())["pid"])
                labs.up(PLAN, labs.Silent())
            yield block

    monkeypatch.setattr(Content, "blocks", killing)
    inputs = {"pool": "plant", "source": str(image), "name": "base.qcow2"}
    with pytest.raises(HandlerError):
        desk.create(VOLUME, "base", inputs)
    monkeypatch.undo()
    base = desk.create(VOLUME, "base", inputs)
    assert download(desk, base.id) == image.read_bytes()
    VOLUME.delete(base, desk.context("base"))
    assert desk.connection.storagePoolLookupByName("plant").listVolumes() == []


def _kill(pid: int) -> None:
    handle = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    assert select.select([handle], [], [], 30)[0]
    os.close(handle)


@pytest.fixture
def volume_group(host, tmp_path: Path) -> Iterator[str]:
    """A volume group on a loop device; skips, with the reason, where the kernel has none to give."""
    disk, name = tmp_path / "disk", f"qc-storage-{os.getpid()}"
    disk.touch()
    os.truncate(disk, 256 * MIB)
    probe = subprocess.run(["dmsetup", "version"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"no device-mapper: {' '.join((probe.stderr or probe.stdout).split())[:120]}")
    loop = subprocess.run(["losetup", "--find", "--show", disk], capture_output=True, text=True, check=False)
    if loop.returncode != 0:
        pytest.skip(f"no loop device: {loop.stderr.strip()}")
    device = loop.stdout.strip()
    try:
        made = subprocess.run(["vgcreate", "-q", name, device], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            pytest.skip(f"no volume group: {' '.join(made.stderr.split())[:200]}")
        yield name
        subprocess.run(["vgremove", "-q", "-f", name], check=True, capture_output=True)
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


def test_a_volume_group_holds_raw_volumes_from_images_and_copies(desk, volume_group, tmp_path):
    group = desk.create(POOL, "group", {"name": volume_group, "type": "logical", "source": {"name": volume_group}})
    raw = tmp_path / "raw"
    raw.write_bytes(os.urandom(5 * MIB))
    first = desk.create(VOLUME, "first", {"pool": volume_group, "source": str(raw), "name": "first"})
    assert download(desk, first.id)[: 5 * MIB] == raw.read_bytes()
    copy = desk.create(VOLUME, "copy", {"pool": volume_group, "baseVolumeId": first.id, "name": "copy"})
    assert download(desk, copy.id)[: 5 * MIB] == raw.read_bytes()
    for name, state in (("first", first), ("copy", copy)):
        VOLUME.delete(state, desk.context(name))
    assert desk.connection.storagePoolLookupByName(volume_group).listVolumes() == []
    POOL.delete(group, desk.context("group"))
