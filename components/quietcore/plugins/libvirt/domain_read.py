"""Observing a domain for the engine: outputs as they are, and inputs that differ exactly where others changed it."""

from __future__ import annotations

import libvirt

from quietcore.plugins.handler import Context, Props, State
from quietcore.plugins.libvirt.addresses import addresses_of
from quietcore.plugins.libvirt.baseline import Baseline, Drift, drift, first_baseline, still_pending
from quietcore.plugins.libvirt.domain_diff import DRIFT
from quietcore.plugins.libvirt.domain_lift import lifted_inputs
from quietcore.plugins.libvirt.domain_outputs import outputs_of
from quietcore.plugins.libvirt.effective import declared, declared_before, with_effective
from quietcore.plugins.libvirt.facets import Facets
from quietcore.plugins.libvirt.footprint import holding_facts
from quietcore.plugins.libvirt.held import tell_held
from quietcore.plugins.libvirt.meaning import SCHEDULING, observable, sentence
from quietcore.plugins.libvirt.observation import Observation, lookup, lookup_name, observe
from quietcore.plugins.libvirt.scheduling import observed as observed_scheduling


def read_domain(connection: libvirt.virConnect, state: State, ctx: Context) -> State | None:
    """Observe the domain of `state`; without saved inputs take it over (import: the id is its UUID or its name)."""
    domain = lookup(connection, state.id)
    if domain is None and not state.inputs:
        domain = lookup_name(connection, state.id)
    if domain is None:
        return None
    seen = observe(domain)
    known = addresses_of(domain, seen, agent=bool(state.inputs.get("qemuAgent")))
    if not state.inputs:
        return _taken_over(connection, seen, known)
    if seen.live is not None:
        tell_held(connection, holding_facts(seen.live), ctx)
    return _observed(state, seen, known, ctx)


def _taken_over(connection: libvirt.virConnect, seen: Observation, known: dict[str, list[str]]) -> State:
    inputs = with_effective(lifted_inputs(seen, connection))
    facts = declared(inputs) or {}
    kept = first_baseline(facts, seen.defined(), seen.running(), seen.run)
    kept = Baseline(filled=kept.filled, run=kept.run, imported=True)
    return State(seen.uuid, inputs, outputs_of(inputs, seen, known, kept, inputs["effective"]))


def _observed(state: State, seen: Observation, known: dict[str, list[str]], ctx: Context) -> State:
    facts = declared_before(state) or {}
    defined, running = seen.defined(), seen.running()
    kept = Baseline.of(state.outputs) or first_baseline(facts, defined, running, seen.run)
    gone_astray = drift(facts, kept, defined, running)
    threads = _astray_threads(defined, seen, ctx)
    pending = still_pending(kept, defined, running, seen.run)
    renewed = Baseline(kept.filled, _runs(kept, defined, running), pending, seen.run, kept.imported)
    outputs = outputs_of(_declared_inputs(state), seen, known, renewed, facts)
    mark = (state.outputs.get("__quietcore") or {}).get("mark")
    if mark:
        outputs["__quietcore"]["mark"] = mark
    return State(seen.uuid, _inputs(state, seen, facts, gone_astray, threads), outputs)


def _runs(kept: Baseline, defined: Facets, running: Facets | None) -> Facets:
    """Keep only the exceptions that still are: a domain that was started anew runs what is defined."""
    if running is None:
        return {}
    return {key: text for key, text in kept.runs.items() if running.get(key, "") != defined.get(key, "")}


def _inputs(state: State, seen: Observation, facts: Facets, astray: Drift, threads: Facets) -> Props:
    """Give the saved inputs with what is observed in place of what was declared."""
    inputs = {key: value for key, value in state.inputs.items() if key != DRIFT}
    told = _sentences(facts, astray, threads, seen)
    values = {**astray.values(), **threads}
    if values:
        inputs["effective"] = {key: text for key, text in {**facts, **values}.items() if text}
    elif isinstance(inputs.get("effective"), dict):
        inputs["effective"] = dict(facts)
    if bool(inputs.get("running", True)) != (seen.active and not seen.paused):
        inputs["running"] = seen.active and not seen.paused
        told.insert(0, "is paused" if seen.paused else "runs though it should be off" if seen.active else "is shut off")
    if seen.persistent and bool(inputs.get("autostart", False)) != seen.autostart:
        inputs["autostart"] = seen.autostart
        told.append(f"autostart is {'on' if seen.autostart else 'off'}")
    if told:
        inputs[DRIFT] = told
    return inputs


def _sentences(facts: Facets, astray: Drift, threads: Facets, seen: Observation) -> list[str]:
    told = [] if seen.persistent else ["is no longer defined: it would vanish when it stops"]
    running = {**astray.running, **threads}
    told += [sentence(key, facts.get(key, ""), text) for key, text in running.items()]
    told += [
        f"defined with {sentence(key, facts.get(key, ''), text)}"
        for key, text in astray.defined.items()
        if running.get(key) != text
    ]
    return told


def _astray_threads(defined: Facets, seen: Observation, ctx: Context) -> Facets:
    """Give the scheduling that somebody set on QEMU's threads past libvirt and past us."""
    wanted = {key: text for key, text in observable(defined).items() if key.startswith(SCHEDULING)}
    if not seen.active or not wanted:
        return {}
    real = observed_scheduling(ctx.uri, seen.uuid) or {}
    return {key: real[key] for key, text in wanted.items() if key in real and real[key] != text}


def _declared_inputs(state: State) -> Props:
    return {key: value for key, value in state.inputs.items() if key not in (DRIFT, "effective")}
