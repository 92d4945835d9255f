"""Volumes of a logical pool, on libvirt's test driver: what a volume group may hold is decided by the pool's type."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from quietcore.plugins.connection import Connections
from quietcore.plugins.handler import Effect, HandlerError
from quietcore.plugins.libvirt.pool import PoolHandler
from quietcore.plugins.libvirt.storage_xml import lift_volume, pool_xml
from quietcore.plugins.libvirt.volume import VolumeHandler

from .conftest import Desk

MIB = 1 << 20
VOLUME = VolumeHandler()
GROUP = {
    "name": "fast",
    "type": "logical",
    "source": {"name": "vg0", "devices": [{"path": "/dev/sdb"}]},
}


@pytest.fixture
def desk() -> Any:
    return Desk(SimpleNamespace(uri="test:///default", connections=Connections()))  # type: ignore[arg-type]


@pytest.fixture
def group(desk: Any) -> Any:
    pool = desk.connection.storagePoolDefineXML(pool_xml(GROUP, "6c0d5a2c-8a0e-4a8d-9d63-0f1f0f9b8f10"), 0)
    pool.create(0)
    yield pool
    for volume in pool.listAllVolumes():
        volume.delete(0)
    pool.destroy()
    pool.undefine()


def test_a_logical_pool_names_its_group_and_devices():
    xml = pool_xml(GROUP, "u")
    assert '<device path="/dev/sdb"/>' in xml
    assert "<name>vg0</name>" in xml
    assert '<format type="lvm2"/>' in xml
    assert "<path>/dev/vg0</path>" in xml


def test_an_imported_logical_pool_shows_no_change(desk, group):
    from quietcore.plugins.handler import State

    state = PoolHandler().read(State(id=group.UUIDString()), desk.context())
    assert PoolHandler().diff(state, GROUP) == []


def test_a_volume_of_a_group_is_raw_and_fully_allocated(desk, group):
    state = desk.create(VOLUME, {"pool": "fast", "name": "disk", "size": 8 * MIB})
    facts = lift_volume(group.storageVolLookupByName("disk").XMLDesc(0))
    assert (facts.capacity, facts.allocation) == (8 * MIB, 8 * MIB)
    assert state.outputs["format"] == "raw"
    assert len(group.listVolumes()) == 2
    again = desk.create(VOLUME, {"pool": "fast", "name": "disk", "size": 8 * MIB})
    assert again.id == state.id
    VOLUME.delete(again, desk.context())
    assert group.listVolumes() == []


def test_a_volume_of_a_group_has_no_other_format(desk, group):
    with pytest.raises(HandlerError, match="a logical pool holds raw volumes, the program says qcow2"):
        desk.create(VOLUME, {"pool": "fast", "name": "disk", "size": 8 * MIB, "format": "qcow2"})
    assert group.listVolumes() == []


def test_a_qcow2_image_for_a_group_is_refused_with_the_way_to_convert_it(desk, group, tmp_path: Path):
    image = tmp_path / "i"
    image.write_bytes(bytes.fromhex("514649fb00000003") + bytes(16) + (MIB).to_bytes(8, "big") + bytes(500))
    with pytest.raises(HandlerError, match="the image is qcow2") as caught:
        desk.create(VOLUME, {"pool": "fast", "name": "disk", "source": str(image)})
    assert "qemu-img convert -O raw" in caught.value.hint


def test_a_volume_of_a_group_that_is_to_grow_is_made_anew(desk, group):
    state = desk.create(VOLUME, {"pool": "fast", "name": "disk", "size": 8 * MIB})
    state.outputs["kind"] = "block"  # the test driver calls every volume a file
    change = VOLUME.diff(state, {**state.inputs, "size": 16 * MIB})[0]
    assert change.effect is Effect.REPLACE
    assert "libvirt cannot grow a logical volume" in change.text


def test_a_volume_is_not_made_in_a_pool_of_a_type_that_has_no_names(desk):
    source = "<source><device path='/dev/sdc'/></source>"
    xml = f"<pool type='disk'><name>parts</name>{source}<target><path>/dev</path></target></pool>"
    pool = desk.connection.storagePoolDefineXML(xml, 0)
    pool.create(0)
    with pytest.raises(HandlerError, match="pool type 'disk' is not supported; allowed: dir, fs, netfs, logical"):
        desk.create(VOLUME, {"pool": "parts", "name": "disk", "size": 8 * MIB})
    pool.destroy()
    pool.undefine()
