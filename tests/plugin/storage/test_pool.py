"""Pools on a real libvirtd."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quietcore.plugins.handler import UNKNOWN, Effect, HandlerError, State
from quietcore.plugins.libvirt.pool import PoolHandler

POOL = PoolHandler()


@pytest.fixture
def where(daemon: Any, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder in which pools may be made; what pools are left in it go at the end."""
    path = daemon.directory(f"w{abs(hash(request.node.nodeid)) % 10**9}")
    yield path
    for pool in daemon.connections.get(daemon.uri).listAllStoragePools():
        if str(path) in pool.XMLDesc(0):
            with contextlib.suppress(Exception):
                pool.destroy()
            pool.undefine()
    shutil.rmtree(path)


def inputs(where: Path, **more: Any) -> dict[str, Any]:
    return {"name": where.name, "type": "dir", "target": {"path": str(where / "pool")}} | more


def test_a_pool_is_made_with_its_directory_and_removed_with_it(desk, where):
    state = desk.create(POOL, inputs(where))
    assert (where / "pool").is_dir()
    assert state.outputs["active"]
    assert state.outputs["autostart"]
    assert desk.read(POOL, state) == state
    POOL.delete(state, desk.context())
    assert not (where / "pool").exists()
    assert desk.read(POOL, state) is None
    POOL.delete(state, desk.context())


def test_a_directory_that_was_there_before_stays(desk, daemon, where):
    (where / "pool").mkdir(mode=0o777)
    state = desk.create(POOL, inputs(where))
    POOL.delete(state, desk.context())
    assert (where / "pool").is_dir()


def test_a_directory_with_files_of_others_stays(desk, where):
    state = desk.create(POOL, inputs(where))
    (where / "pool" / "theirs").write_text("x")
    POOL.delete(state, desk.context())
    assert (where / "pool" / "theirs").read_text() == "x"
    assert desk.read(POOL, state) is None


def test_its_uuid_follows_from_the_resource(desk, where):
    state = desk.create(POOL, inputs(where))
    POOL.delete(state, desk.context())
    assert desk.create(POOL, inputs(where)).id == state.id


def test_what_an_interrupted_run_left_is_adopted(desk, where):
    first = desk.create(POOL, inputs(where))
    assert desk.create(POOL, inputs(where)).id == first.id


def test_what_an_interrupted_run_only_defined_is_started(desk, where):
    first = desk.create(POOL, inputs(where))
    desk.connection.storagePoolLookupByName(where.name).destroy()
    assert desk.create(POOL, inputs(where)).outputs["active"]
    assert first.id == desk.create(POOL, inputs(where)).id


def test_what_an_interrupted_run_left_elsewhere_is_moved(desk, where):
    desk.create(POOL, inputs(where))
    state = desk.create(POOL, inputs(where, target={"path": str(where / "other")}))
    assert f"{where}/other" in desk.connection.storagePoolLookupByName(where.name).XMLDesc(0)
    assert state.outputs["directoryMade"]


def test_a_foreign_pool_under_the_name_is_left_and_the_import_is_told(desk, pool):
    given = {"name": pool.name(), "type": "dir", "target": {"path": "/somewhere"}}
    before = pool.XMLDesc(0)
    with pytest.raises(HandlerError) as caught:
        desk.create(POOL, given)
    assert caught.value.hint == f"take it over with: pulumi import libvirt:index/pool:Pool thing {pool.UUIDString()}"
    assert pool.XMLDesc(0) == before


def test_an_imported_pool_shows_no_change(desk, pool):
    state = POOL.read(State(id=pool.UUIDString()), desk.context())
    assert state is not None
    assert state.inputs == {"name": pool.name(), "type": "dir", "target": {"path": state.outputs["target"]["path"]}}
    assert POOL.diff(state, {**state.inputs, "path": None}) == []
    assert POOL.read(State(id=pool.name()), desk.context()).id == state.id


def test_a_pool_that_cannot_start_is_not_left_defined(desk, where):
    where.chmod(0o555)
    with pytest.raises(HandlerError, match="starting it"):
        desk.create(POOL, inputs(where))
    assert where.name not in [each.name() for each in desk.connection.listAllStoragePools()]
    where.chmod(0o755)


def test_a_pool_stopped_by_hand_is_a_live_change_that_starts_it(desk, where):
    state = desk.create(POOL, inputs(where))
    desk.connection.storagePoolLookupByName(where.name).destroy()
    seen = desk.read(POOL, state)
    changes = POOL.diff(seen, state.inputs)
    assert [(change.path, change.effect) for change in changes] == [("active", Effect.LIVE)]
    healed = POOL.update(seen, state.inputs, desk.context())
    assert healed.outputs["active"]
    assert POOL.diff(healed, state.inputs) == []


def test_another_directory_is_another_pool(desk, where):
    state = desk.create(POOL, inputs(where))
    change = POOL.diff(state, inputs(where, target={"path": "/elsewhere"}))[0]
    assert (change.path, change.effect, change.keeps_name) == ("target.path", Effect.REPLACE, True)
    assert POOL.diff(state, inputs(where, target={"path": UNKNOWN}))[0].effect is Effect.REPLACE


@pytest.mark.parametrize(
    ("given", "path", "reason"),
    [
        ({"type": "iscsi", "name": "p"}, "type", "must be one of dir, logical, given 'iscsi'"),
        ({"type": "dir", "name": "p"}, "target.path", "is needed for a pool of type dir"),
        ({"type": "dir", "name": "p", "target": {"path": "pool"}}, "target.path", "must be absolute"),
        ({"type": "dir", "name": "a/b", "target": {"path": "/p"}}, "name", "no '/'"),
        ({"type": "dir", "name": "p", "target": {"path": "/p"}, "sice": 1}, "sice", "is not an input of Pool; allowed"),
    ],
)
def test_bad_inputs_are_refused(desk, given, path, reason):
    _, failures = POOL.check(given, None, desk.context().mark)
    assert [failure.path for failure in failures] == [path]
    assert reason in failures[0].reason


def test_the_deprecated_path_means_the_same_directory(desk, where):
    state = desk.create(POOL, inputs(where))
    old_way = {"name": where.name, "type": "dir", "path": str(where / "pool")}
    assert POOL.diff(state, old_way) == []
