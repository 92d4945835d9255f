"""Bring one existing domain to what the program declares, step by step, each step safe to repeat."""

from __future__ import annotations

import libvirt
from lxml import etree

from quietcore.plugins.handler import Context, Effect, HandlerError, PartialError, Props, Severity, State
from quietcore.plugins.libvirt.addresses import addresses_of, macs_of
from quietcore.plugins.libvirt.baseline import Baseline, baseline, differing, still_pending
from quietcore.plugins.libvirt.definition import Policy, definition_xml, policy_of
from quietcore.plugins.libvirt.domain_outputs import outputs_of
from quietcore.plugins.libvirt.effective import declared, with_effective
from quietcore.plugins.libvirt.facets import Facets
from quietcore.plugins.libvirt.faults import hint_for, mark_text
from quietcore.plugins.libvirt.footprint import holding_facts
from quietcore.plugins.libvirt.held import refuse_held
from quietcore.plugins.libvirt.live import Running, apply_live, put_live_mark
from quietcore.plugins.libvirt.meaning import SCHEDULING, meaning_of, observable
from quietcore.plugins.libvirt.observation import Observation, observe
from quietcore.plugins.libvirt.power import limit, start, stop
from quietcore.plugins.libvirt.reservation import reserve
from quietcore.plugins.libvirt.resolve import resolved_domain
from quietcore.plugins.libvirt.scheduling import observed as observed_scheduling
from quietcore.plugins.ownership import mark_in


def converge(
    connection: libvirt.virConnect,
    domain: libvirt.virDomain,
    before: Observation,
    inputs: Props,
    kept: Baseline | None,
    ctx: Context,
) -> State:
    """Define, apply live, switch, restart where the program allows it; give the state that was reached.

    Raises:
        PartialError: the definition is new, but a live change or a start was refused.
        libvirt.libvirtError, HandlerError: nothing was changed.
    """
    named, effective = resolved_domain(connection, inputs, ctx)
    if named.get("running", True):
        had = holding_facts(before.live) if before.live is not None else None
        refuse_held(connection, holding_facts(effective), had, ctx)
    ctx.checkpoint(f"{before.name} on {ctx.host}")
    _rename(domain, before, str(effective.findtext("name")))
    domain = _define(connection, effective, before, ctx)
    if bool(named.get("autostart")) != before.autostart:
        domain.setAutostart(int(bool(named.get("autostart"))))
    after = observe(domain)
    waiting = _waiting(before, after, kept)
    try:
        reserve(connection, named, macs_of(after))
        apart = _live(domain, after, ctx)
        return _switched(domain, named, waiting, apart, policy_of(effective), ctx)
    except (libvirt.libvirtError, HandlerError) as error:
        if isinstance(error, PartialError):
            raise
        reason = error.get_error_message() if isinstance(error, libvirt.libvirtError) else str(error)
        state = settled(domain, inputs, ctx, waiting)
        told = f"{after.name} on {ctx.host}: defined anew, but {reason}"
        raise PartialError(told, state, hint=hint_for(reason)) from None


def settled(
    domain: libvirt.virDomain, inputs: Props, ctx: Context, waiting: tuple[str, ...] = (), apart: tuple[str, ...] = ()
) -> State:
    """Observe once more and give the state: outputs, addresses, and the picture to compare with later."""
    seen = observe(domain)
    full = inputs if isinstance(inputs.get("effective"), dict) else with_effective(inputs)
    facts = declared(full) or {}
    running, defined = seen.running(), seen.defined()
    pending = _pending(waiting, defined, running, apart)
    kept = baseline(facts, defined, running, seen.run, pending, apart)
    known = addresses_of(domain, seen, agent=bool(inputs.get("qemuAgent")))
    outputs = outputs_of(full, seen, known, kept, full["effective"])
    outputs["__quietcore"]["mark"] = mark_text(ctx.mark)
    return State(id=seen.uuid, inputs=full, outputs=outputs)


def _define(
    connection: libvirt.virConnect, effective: etree._Element, before: Observation, ctx: Context
) -> libvirt.virDomain:
    """Define with what the domain already is; where the kept addresses do not fit the new devices, without them."""
    try:
        return connection.defineXML(definition_xml(effective, ctx.mark, before.definition))
    except libvirt.libvirtError as error:
        if "address" not in str(error).lower() and "bus" not in str(error).lower():
            raise
        return connection.defineXML(definition_xml(effective, ctx.mark, before.definition, keep_addresses=False))


def _rename(domain: libvirt.virDomain, before: Observation, name: str) -> None:
    """Give a domain its declared name back; libvirt renames only what is off."""
    if before.name == name:
        return
    if before.active:
        raise HandlerError(
            f"domain {before.name} should be called {name}, and libvirt renames no running domain",
            hint=f"virsh shutdown {before.name}, then pulumi up",
        )
    domain.rename(name)


def _waiting(before: Observation, after: Observation, kept: Baseline | None) -> tuple[str, ...]:
    """Give the facts that no live XML shows and that wait for a boot: those of before and those changed just now."""
    if not after.active:
        return ()
    had, has = before.defined(), after.defined()
    earlier = still_pending(kept, has, after.running(), after.run) if kept is not None else ()
    unseen = [
        key
        for key in differing(had, has)
        if not meaning_of(key)[0].observable and meaning_of(key)[0].effect is not Effect.LIVE
    ]
    return tuple(dict.fromkeys([*earlier, *unseen]))


def _pending(waiting: tuple[str, ...], defined: Facets, running: Facets | None, apart: tuple[str, ...]) -> list[str]:
    """Add what the live XML shows to run otherwise than it is defined, less what was set past libvirt."""
    if running is None:
        return []
    wanted, live = observable(defined), observable(running)
    seen = [key for key in differing(live, wanted) if key not in apart]
    return list(dict.fromkeys([*waiting, *seen]))


def _live(domain: libvirt.virDomain, after: Observation, ctx: Context) -> tuple[str, ...]:
    """Apply what can be applied; give the facts that were set past libvirt, whose live XML goes on stating the old."""
    if after.live is None:
        return ()
    wanted, has = observable(after.defined()), observable(after.running() or {})
    has.update(_true_scheduling(has, after, ctx))
    running = Running(domain, after.definition, after.live, ctx.uri)
    done = apply_live(running, wanted, has)
    if mark_in(after.live) != ctx.mark:
        put_live_mark(domain, ctx.mark)
    now = observable(observe(domain).running() or {})
    return tuple(key for key in sorted({*done, *wanted, *has}) if _set_apart(key, key in done, wanted, now, has))


def _set_apart(key: str, done: bool, wanted: Facets, now: Facets, has: Facets) -> bool:
    """Tell whether the live XML is known to be wrong, or to keep a pin to every CPU that means no pin."""
    if now.get(key, "") == wanted.get(key, ""):
        return False
    if key.startswith(SCHEDULING):
        return done or has.get(key, "") == wanted.get(key, "")
    return done and not wanted.get(key)


def _true_scheduling(has: Facets, after: Observation, ctx: Context) -> Facets:
    """Ask the kernel how the threads are scheduled, where it can be asked: libvirt states what it once set."""
    stated = [key for key in {*has, *observable(after.defined())} if key.startswith(SCHEDULING)]
    real = (observed_scheduling(ctx.uri, after.uuid) if stated else None) or {}
    return {key: real[key] for key in stated if key in real}


def _switched(
    domain: libvirt.virDomain,
    inputs: Props,
    waiting: tuple[str, ...],
    apart: tuple[str, ...],
    policy: Policy,
    ctx: Context,
) -> State:
    wants = bool(inputs.get("running", True))
    if not wants:
        stop(domain, ctx, limit(policy.shutdown, ctx))
    elif not domain.isActive() or observe(domain).paused:
        start(domain)
    state = settled(domain, inputs, ctx, waiting, apart)
    if wants and policy.may_restart and state.outputs["pendingRestart"]:
        ctx.log(
            Severity.INFO, f"{domain.name()} on {ctx.host}: restarted for {'; '.join(state.outputs['pendingRestart'])}"
        )
        stop(domain, ctx, limit(policy.shutdown, ctx))
        start(domain)
        return settled(domain, inputs, ctx)
    return state
