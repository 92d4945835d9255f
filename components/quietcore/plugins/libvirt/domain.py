"""The handler of `libvirt:index/domain:Domain`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import libvirt
from lxml import etree

from quietcore.plugins.handler import (
    Change,
    Context,
    Effect,
    Failure,
    Handler,
    HandlerError,
    Mark,
    PartialError,
    Props,
    Severity,
    State,
)
from quietcore.plugins.libvirt.addresses import addresses_of, macs_of, wait_for_leases
from quietcore.plugins.libvirt.baseline import KEY, Baseline
from quietcore.plugins.libvirt.converge import converge, settled
from quietcore.plugins.libvirt.definition import definition_xml, policy_of
from quietcore.plugins.libvirt.domain_check import judged
from quietcore.plugins.libvirt.domain_diff import DRIFT, domain_changes
from quietcore.plugins.libvirt.domain_outputs import predicted
from quietcore.plugins.libvirt.domain_read import read_domain
from quietcore.plugins.libvirt.effective import declared, with_effective
from quietcore.plugins.libvirt.faults import faults, foreign, refuse_foreign
from quietcore.plugins.libvirt.footprint import holding_facts
from quietcore.plugins.libvirt.held import refuse_held
from quietcore.plugins.libvirt.named import named
from quietcore.plugins.libvirt.observation import lookup, lookup_name, observe
from quietcore.plugins.libvirt.power import limit, start, stop
from quietcore.plugins.libvirt.reservation import release, reserve
from quietcore.plugins.libvirt.resolve import resolved_domain
from quietcore.plugins.libvirt.scheduling import reachable
from quietcore.plugins.properties import has_unknown


@dataclass(frozen=True, slots=True)
class _Made:
    """A domain just defined, and what it was defined from."""

    domain: libvirt.virDomain
    inputs: Props
    effective: etree._Element


class DomainHandler(Handler):
    """Virtual machines."""

    token: ClassVar[str] = "libvirt:index/domain:Domain"
    derived: ClassVar[frozenset[str]] = frozenset({"effective", "pendingRestart", DRIFT, KEY})

    def check(self, new: Props, old: Props | None, mark: Mark) -> tuple[Props, list[Failure]]:  # the mark names it
        """Name it, validate it, and work out its effective facts."""
        inputs = named(new, old, mark)
        failures, document = judged(inputs)
        return (inputs if failures else with_effective(inputs, document)), failures

    def diff(self, old: State, new: Props) -> list[Change]:
        """Compare what was declared, what was observed and what is declared now."""
        return domain_changes(old, new, threads=reachable(self.uri))

    def predict(self, new: Props, old: State | None) -> Props:
        """Give the outputs as far as they are known, with what will wait for a restart."""
        if old is None:
            return predicted(new, {}, [])
        waits = [change.text for change in self.diff(old, new) if change.effect is Effect.NEXT_BOOT]
        return predicted(new, old.outputs, waits if old.outputs.get("running") else [])

    def foresee(self, inputs: Props, old: State | None, ctx: Context) -> None:
        """Refuse CPUs and pages that other domains of the host hold."""
        if has_unknown(inputs.get("xml")) or not inputs.get("running", True):
            return
        connection = ctx.connect()
        with faults(f"looking at domain {inputs.get('name')}", ctx):
            there = lookup(connection, old.id) if old else lookup_name(connection, str(inputs["name"]))
            live = observe(there).live if there is not None else None
            before = holding_facts(live) if live is not None else None
            refuse_held(connection, declared(inputs) or {}, before, ctx)

    def create(self, inputs: Props, ctx: Context) -> State:
        """Define and start; nothing is left when it does not start. One that bears our mark is adopted."""
        connection = ctx.connect()
        with faults(f"making domain {inputs.get('name')}", ctx):
            existing = lookup_name(connection, str(inputs["name"]))
            if existing is not None:
                return self._adopt(existing, inputs, ctx)
            named, effective = resolved_domain(connection, inputs, ctx)
            if named.get("running", True):
                refuse_held(connection, holding_facts(effective), None, ctx)
            ctx.checkpoint(f"{inputs['name']} on {ctx.host}")
            domain = connection.defineXML(definition_xml(effective, ctx.mark, None))
            with _undone_on_failure(domain, ctx):
                self._first_start(connection, _Made(domain, named, effective), ctx)
        return self._wait(domain, inputs, ctx)

    def read(self, state: State, ctx: Context) -> State | None:
        """Observe; see `domain_read`."""
        with faults(f"reading domain {state.inputs.get('name', state.id)}", ctx):
            return read_domain(ctx.connect(), state, ctx)

    def update(self, old: State, new: Props, ctx: Context) -> State:
        """Bring definition and running domain to what the program says."""
        connection = ctx.connect()
        with faults(f"updating domain {new.get('name')}", ctx):
            domain = lookup(connection, old.id)
            if domain is None:
                raise HandlerError(
                    f"{ctx.host} has no domain {new.get('name')} ({old.id}) any more",
                    hint="pulumi refresh, then pulumi up makes it again",
                )
            seen = observe(domain)
            refuse_foreign("domain", seen.name, seen.uuid, seen.mark, ctx, old)
            return self._waited(converge(connection, domain, seen, new, Baseline.of(old.outputs), ctx), new, ctx)

    def delete(self, state: State, ctx: Context) -> None:
        """Shut down within the guest's time, then remove with everything libvirt keeps of it."""
        connection = ctx.connect()
        with faults(f"removing domain {state.inputs.get('name', state.id)}", ctx):
            domain = lookup(connection, state.id)
            if domain is None:
                return
            seen = observe(domain)
            refuse_foreign("domain", seen.name, seen.uuid, seen.mark, ctx, state)
            stop(domain, ctx, limit(policy_of(seen.definition).shutdown, ctx))
            release(connection, seen.definition)
            undefine(domain)

    def summary(self, old: State, new: Props, changes: list[Change], host: str) -> tuple[Severity, str] | None:
        """Say drift first, then what changes; with neither, what still waits for a restart."""
        drift = new.get(DRIFT) or old.inputs.get(DRIFT) or []
        hidden = any(change.text == f"{change.path} changes" for change in changes)
        name = new.get("name") or old.inputs.get("name") or old.id
        said = [] if hidden or not drift else [f"drift, which `up` puts back: {'; '.join(drift)}"]
        line = None if DRIFT in new else super().summary(old, new, changes, host)
        severity = Severity.WARNING if drift else Severity.INFO
        restarts = 'restart="when-needed"' in str(new.get("effective"))
        if line is not None:
            severity = max(severity, line[0], key=lambda level: level is Severity.WARNING)
            text = line[1].split(": ", 1)[1]
            said.append(text.replace("(at next boot)", "(the guest is restarted for it)") if restarts else text)
        waiting = old.outputs.get("pendingRestart") or []
        if waiting and restarts and changes:
            severity = Severity.WARNING
            said.append(f"the guest is restarted for what waited: {'; '.join(waiting)}")
        elif waiting and not said:
            severity, said = Severity.WARNING, [f"waits for a restart of the guest: {'; '.join(waiting)}"]
        return (severity, f"{name} on {host}: {' | '.join(said)}") if said else None

    def _adopt(self, domain: libvirt.virDomain, inputs: Props, ctx: Context) -> State:
        seen = observe(domain)
        if seen.mark != ctx.mark:
            raise foreign("domain", seen.name, seen.uuid, seen.mark, ctx)
        ctx.log(
            Severity.INFO, f"{seen.name} on {ctx.host}: was made by an earlier run that did not finish; taken up again"
        )
        return self._waited(converge(ctx.connect(), domain, seen, inputs, None, ctx), inputs, ctx)

    @staticmethod
    def _first_start(connection: libvirt.virConnect, made: _Made, ctx: Context) -> None:
        if made.inputs.get("autostart"):
            made.domain.setAutostart(1)
        reserve(connection, made.inputs, macs_of(observe(made.domain)))
        ctx.checkpoint(f"{made.domain.name()} on {ctx.host}: defined and undefined again")
        if made.inputs.get("running", True):
            start(made.domain)

    def _wait(self, domain: libvirt.virDomain, inputs: Props, ctx: Context) -> State:
        with faults(f"observing domain {inputs.get('name')}", ctx):
            return self._waited(settled(domain, inputs, ctx), inputs, ctx)

    @staticmethod
    def _waited(state: State, inputs: Props, ctx: Context) -> State:
        """Wait for addresses where the program asks for them; a domain that has none yet is kept all the same."""
        if not state.outputs.get("running"):
            return state
        domain = lookup(ctx.connect(), state.id)
        if domain is None:
            return state
        try:
            seen = wait_for_leases(domain, inputs, ctx, observe)
        except (TimeoutError, HandlerError) as error:
            raise PartialError(f"{inputs['name']} on {ctx.host}: {error}", state) from None
        known = addresses_of(domain, seen, agent=bool(inputs.get("qemuAgent")))
        for nic in state.outputs["networkInterfaces"]:
            nic["addresses"] = nic["addresses"] or known.get(nic["mac"], [])
        return state


def undefine(domain: libvirt.virDomain) -> None:
    """Remove the definition with what hangs on it: saved state, snapshot and checkpoint metadata, NVRAM."""
    flags = (
        libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
        | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
        | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
        | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM
    )
    gone = (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID)
    try:
        domain.undefineFlags(flags)
    except libvirt.libvirtError as error:
        if error.get_error_code() in (libvirt.VIR_ERR_INVALID_ARG, libvirt.VIR_ERR_NO_SUPPORT):
            domain.undefine()  # a driver without these flags has none of these either
        elif error.get_error_code() not in gone:
            raise


@contextmanager
def _undone_on_failure(domain: libvirt.virDomain, ctx: Context) -> Iterator[None]:
    """Leave nothing behind when a new domain does not get as far as running."""
    try:
        yield
    except Exception:
        if domain.isActive():
            domain.destroy()
        release(ctx.connect(), observe(domain).definition)
        undefine(domain)
        raise
