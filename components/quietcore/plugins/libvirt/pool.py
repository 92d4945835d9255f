"""Storage pools: directories and LVM volume groups that libvirt makes volumes in."""

from __future__ import annotations

from typing import ClassVar, Final

import libvirt

from quietcore.errors import QuietcoreError
from quietcore.plugins.handler import (
    UNKNOWN,
    Change,
    Context,
    Effect,
    Failure,
    Handler,
    HandlerError,
    Mark,
    Props,
    Severity,
    State,
)
from quietcore.plugins.ownership import derived_uuid
from quietcore.render.element import one

from .storage_fault import fault, told
from .storage_lookup import found, pool_named
from .storage_name import foreign_inputs, not_text, settle_name
from .storage_owner import IMPORTED, imported, owner
from .storage_xml import PoolFacts, lift_pool, pool_path, pool_xml, same_stylesheet, xslt_of

TYPES: Final = ("dir", "logical")
"""The types that the SDK's Pool can describe."""
_SIZES: Final = ("allocation", "available", "capacity")
_INPUTS: Final = ("allocation", "available", "capacity", "name", "path", "source", "target", "type", "xml")


class PoolHandler(Handler):
    """`libvirt:index/pool:Pool`. Its id is the pool's UUID, derived from the mark: that proves whose it is."""

    token: ClassVar[str] = "libvirt:index/pool:Pool"

    def check(
        self,
        new: Props,
        old: Props | None,
        mark: Mark,
    ) -> tuple[Props, list[Failure]]:
        """Type, name and path are judged here; see `TYPES`."""
        made = dict(new)
        failures = [*foreign_inputs(made, _INPUTS, "Pool"), *not_text(made, ("path", "type"))]
        failures += settle_name(made, old, mark, self.token)
        kind = made.get("type")
        if kind is not UNKNOWN and kind not in TYPES:
            failures.append(Failure("type", f"must be one of {', '.join(TYPES)}, given {kind!r}"))
        path = pool_path(made)
        if kind == "dir" and path is None:
            failures.append(Failure("target.path", "is needed for a pool of type dir: the directory on the host"))
        if isinstance(path, str) and not path.startswith("/"):
            where = "target.path" if one(made.get("target")).get("path") else "path"
            failures.append(Failure(where, f"must be absolute: it is a directory of the host, given {path!r}"))
        return made, failures

    def diff(self, old: State, new: Props) -> list[Change]:
        """Where and what a pool is cannot be changed in place; whether it runs can."""
        collides = old.inputs.get("name") == new.get("name")
        changes = [Change(path, Effect.REPLACE, text, collides) for path, text in _rebuilt(old.inputs, new)]
        if not changes and old.outputs.get("active") is False:
            changes.append(Change("active", Effect.LIVE, "the pool is stopped: it is started"))
        if not changes and old.outputs.get("autostart") is False and not imported(old):
            changes.append(Change("autostart", Effect.LIVE, "the pool will start with the host again"))
        return changes

    def predict(self, new: Props, old: State | None) -> Props:
        """Sizes are the host's to say."""
        sizes = {key: (old.outputs.get(key, UNKNOWN) if old else UNKNOWN) for key in _SIZES}
        return sizes | new | {"active": True, "autostart": True}

    def create(self, inputs: Props, ctx: Context) -> State:
        """Define and start it; its directory is made where the host has none."""
        name, subject = inputs["name"], f"pool {inputs['name']!r}"
        uuid = derived_uuid(f"{self.token}/{name}", ctx.mark)
        pool = pool_named(ctx, name)
        if pool is not None and pool.UUIDString() != uuid:
            hint = f"take it over with: pulumi import {self.token} {ctx.mark.name} {pool.UUIDString()}"
            raise fault(ctx, subject, "the host has a pool of that name which is not of this resource", hint)
        ctx.checkpoint(subject)
        left_over = pool is not None
        with told(ctx, subject, "taking over what an interrupted run left"):
            if pool is not None and _elsewhere(pool, inputs):
                _forget(pool)
                pool, left_over = None, False
        pool = pool or self._define(inputs, uuid, ctx)
        built = self._start(pool, subject, ctx, undefine=not left_over)
        outputs = {"owner": owner(ctx.mark), "directoryMade": built}
        return self._state(pool, inputs, outputs, ctx)

    def read(self, state: State, ctx: Context) -> State | None:
        """By UUID; an import may also give the name."""
        subject = f"pool {state.inputs.get('name') or state.id!r}"
        with told(ctx, subject, "reading it"):
            connection = ctx.connect()
            pool = _by_uuid(connection, state.id) or found(connection.storagePoolLookupByName, state.id)
            if pool is None:
                return None
            if pool.isActive():
                _settle(pool)
            facts = lift_pool(pool.XMLDesc(0))
        # Used and free space change by the minute: told as of the last `up`, or every refresh would show drift.
        same = state.outputs.get("capacity") == facts.capacity
        sizes = {key: state.outputs[key] for key in _SIZES if same and key in state.outputs}
        return self._state(pool, _observed(state.inputs, facts), _kept(state) | sizes, ctx)

    def update(self, old: State, new: Props, ctx: Context) -> State:
        """Start it, and let it start with the host."""
        subject = f"pool {new['name']!r}"
        with told(ctx, subject, "looking it up"):
            pool = _by_uuid(ctx.connect(), old.id)
        if pool is None:
            raise fault(ctx, subject, f"there is no pool with UUID {old.id}", "pulumi refresh")
        self._start(pool, subject, ctx, undefine=False)
        return self._state(pool, new, _kept(old), ctx)

    def delete(self, state: State, ctx: Context) -> None:
        """Stop and forget it. The directory goes only if we made it and nothing is in it."""
        subject = f"pool {state.inputs.get('name') or state.id!r}"
        with told(ctx, subject, "removing it"):
            pool = _by_uuid(ctx.connect(), state.id)
            if pool is None:
                return
            empty = False
            if pool.isActive():
                _settle(pool)
                empty = not pool.listAllVolumes()
                pool.destroy()
            if state.outputs.get("directoryMade") and empty:
                _remove_directory(pool, ctx, subject)
            pool.undefine()

    def _define(self, inputs: Props, uuid: str, ctx: Context) -> libvirt.virStoragePool:
        subject = f"pool {inputs['name']!r}"
        try:
            xml = pool_xml(inputs, uuid)
        except QuietcoreError as error:
            raise HandlerError(f"{subject}: {error}") from error
        with told(ctx, subject, "defining it"):
            return ctx.connect().storagePoolDefineXML(xml, 0)

    def _start(self, pool: libvirt.virStoragePool, subject: str, ctx: Context, *, undefine: bool) -> bool:
        """Start it and give whether a directory had to be made; what this call defined goes again when it fails."""
        try:
            with told(
                ctx, subject, "starting it", "does the host have the directory or volume group, and may libvirt use it?"
            ):
                built = _start_or_build(pool)
                pool.setAutostart(1)
                return built
        except HandlerError:
            if undefine:
                _forget(pool)
            raise

    def _state(self, pool: libvirt.virStoragePool, inputs: Props, kept: Props, ctx: Context) -> State:
        with told(ctx, f"pool {inputs.get('name')!r}", "reading it"):
            facts = lift_pool(pool.XMLDesc(0))
            running, autostart = bool(pool.isActive()), bool(pool.autostart())
        sizes = {"allocation": facts.allocation, "available": facts.available, "capacity": facts.capacity}
        outputs = {**inputs, **sizes, "active": running, "autostart": autostart, **kept}
        return State(id=facts.uuid, inputs=inputs, outputs=outputs)


def _rebuilt(old: Props, new: Props) -> list[tuple[str, str]]:
    found = [
        (key, f"{key} {_told(old.get(key))} -> {_told(new.get(key))}: the pool is made anew")
        for key in ("name", "type")
        if old.get(key) != new.get(key)
    ]
    before, after = pool_path(old), pool_path(new)
    if before != after:
        path = "target.path" if one(new.get("target")).get("path") or not new.get("path") else "path"
        found.append((path, f"directory {_told(before)} -> {_told(after)}: the pool is made anew"))
    if new.get("type") == "logical" and one(old.get("source")) != one(new.get("source")):
        found.append(("source", "the volume group changed: the pool is made anew"))
    if not same_stylesheet(xslt_of(old), xslt_of(new)):
        found.append(("xml.xslt", "the stylesheet changed: the pool is made anew"))
    return found


def _told(value: object) -> str:
    return "(known after apply)" if value is UNKNOWN else f"{value}"


def _observed(inputs: Props, facts: PoolFacts) -> Props:
    """The inputs as the host has them; on import (no inputs) those that a program would write."""
    seen = {**inputs, "name": facts.name, "type": facts.type}
    if pool_path(inputs) != facts.path:
        seen.pop("path", None)
        seen["target"] = {"path": facts.path}
    if not inputs and facts.type == "logical":
        devices = [{"path": path} for path in facts.devices]
        seen["source"] = {"name": facts.source_name} | ({"devices": devices} if devices else {})
    return seen


def _start_or_build(pool: libvirt.virStoragePool) -> bool:
    if pool.isActive():
        return False
    try:
        pool.create(0)
    except libvirt.libvirtError:
        if lift_pool(pool.XMLDesc(0)).type not in ("dir", "fs", "netfs"):
            raise
    else:
        return False
    pool.build(0)
    pool.create(0)
    return True


def _by_uuid(connection: libvirt.virConnect, uuid: str) -> libvirt.virStoragePool | None:
    try:
        return found(connection.storagePoolLookupByUUIDString, uuid)
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_INVALID_ARG:
            return None
        raise


def _settle(pool: libvirt.virStoragePool) -> None:
    # Sizes and lists are those of the last look; a pool that is too busy for a new one keeps them.
    try:
        pool.refresh(0)
    except libvirt.libvirtError as error:
        if "asynchronous jobs running" not in str(error):
            raise


def _remove_directory(pool: libvirt.virStoragePool, ctx: Context, subject: str) -> None:
    try:
        pool.delete(0)
    except libvirt.libvirtError as error:
        ctx.log(Severity.WARNING, f"{subject} on {ctx.host}: its directory stays: {error}")


def _forget(pool: libvirt.virStoragePool) -> None:
    # The failure that led here is the one to tell.
    try:
        if pool.isActive():
            pool.destroy()
        pool.undefine()
    except libvirt.libvirtError:
        return


def _elsewhere(pool: libvirt.virStoragePool, inputs: Props) -> bool:
    facts = lift_pool(pool.XMLDesc(0))
    return facts.type != inputs["type"] or facts.path.rstrip("/") != str(pool_path(inputs)).rstrip("/")


def _kept(state: State) -> Props:
    """What only the call that made the pool knew; else it was imported."""
    kept: Props = {"owner": IMPORTED, "directoryMade": False}
    return kept | {key: state.outputs[key] for key in kept if key in state.outputs}
