"""Addresses of a running guest: from its DHCP lease, its agent, or the host's ARP table."""

from __future__ import annotations

import time
from typing import Any, Final

import libvirt

from quietcore.plugins.handler import Cancelled, Context, Props
from quietcore.plugins.libvirt.observation import Observation
from quietcore.plugins.libvirt.power import agent_answers
from quietcore.render.element import items, one

LEASE_SECONDS: Final = 300.0
"""How long `waitForLease` waits, as with the official plugin; `customTimeouts` changes it."""

POLL_SECONDS: Final = 1.0
TELL_SECONDS: Final = 10
"""How often the wait is told: where output is no terminal, each telling is a line that stays."""

Addresses = dict[str, list[str]]
"""MAC in lower case to addresses."""


def addresses_of(domain: libvirt.virDomain, seen: Observation, *, agent: bool) -> Addresses:
    """Ask every source that can answer at once; the first that knows an interface wins."""
    if seen.live is None or not seen.live.findall("devices/interface"):
        return {}
    sources = [libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE, libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP]
    if agent and agent_answers(seen.live):
        sources.insert(0, libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT)
    found: Addresses = {}
    for source in sources:
        for mac, addresses in _ask(domain, source).items():
            if addresses and mac not in found:
                found[mac] = addresses
    return found


def wait_for_leases(domain: libvirt.virDomain, inputs: Props, ctx: Context, observe: Any) -> Observation:
    """Wait until each interface that says `waitForLease` has an address.

    Raises:
        Cancelled: the user asked to stop.
        TimeoutError: with the interfaces that have none.
    """
    seen: Observation = observe(domain)
    wanted = [index for index, nic in enumerate(items(inputs.get("networkInterfaces"))) if one(nic).get("waitForLease")]
    started = time.monotonic()
    limit = ctx.timeout or LEASE_SECONDS
    while wanted:
        macs = macs_of(seen)
        known = addresses_of(domain, seen, agent=bool(inputs.get("qemuAgent")))
        missing = [macs[index] for index in wanted if index < len(macs) and macs[index] not in known]
        if not missing:
            break
        elapsed = time.monotonic() - started
        if elapsed >= limit:
            raise TimeoutError(f"no address for {', '.join(missing)} within {limit:g} s")
        if not seen.active:
            raise TimeoutError(f"no address for {', '.join(missing)}: the domain is off")
        if int(elapsed) % TELL_SECONDS == 0:
            ctx.status(f"waiting for the address of {', '.join(missing)} ({elapsed:.0f} s)")
        if ctx.cancelled.wait(POLL_SECONDS):
            raise Cancelled(f"waiting for the address of {', '.join(missing)} was cancelled")
        seen = observe(domain)
    return seen


def macs_of(seen: Observation) -> list[str]:
    """Give the MACs of the interfaces in order, lower case."""
    found = (interface.find("mac") for interface in seen.definition.findall("devices/interface"))
    return [str(mac.get("address", "")).lower() if mac is not None else "" for mac in found]


def _ask(domain: libvirt.virDomain, source: int) -> Addresses:
    try:
        answer = domain.interfaceAddresses(source)
    except libvirt.libvirtError:
        return {}  # this source has nothing to say: no DHCP of libvirt's, no agent, no support
    found: Addresses = {}
    for interface in (answer or {}).values():
        mac = (interface.get("hwaddr") or "").lower()
        addresses = [address["addr"] for address in interface.get("addrs") or () if not _local(address["addr"])]
        found.setdefault(mac, []).extend(addresses)
    return found


def _local(address: str) -> bool:
    return address.lower().startswith("fe80:") or address.startswith("127.") or address == "::1"
