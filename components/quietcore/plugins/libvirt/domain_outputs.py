"""A Domain's outputs: what the SDK shows, what runs, what waits."""

from __future__ import annotations

from typing import Any

from quietcore.plugins.handler import UNKNOWN, Props
from quietcore.plugins.libvirt.addresses import Addresses, macs_of
from quietcore.plugins.libvirt.baseline import KEY, Baseline, pending_sentences
from quietcore.plugins.libvirt.effective import plain
from quietcore.plugins.libvirt.observation import Observation
from quietcore.render.element import items, one


def outputs_of(inputs: Props, seen: Observation, known: Addresses, kept: Baseline, effective: Any) -> Props:
    """Put the outputs together after an operation or an observation."""
    running = seen.running()
    type_ = seen.definition.find("os/type")
    return {
        **plain(inputs),
        "name": seen.name,
        "arch": "" if type_ is None else str(type_.get("arch", "")),
        "machine": "" if type_ is None else str(type_.get("machine", "")),
        "emulator": seen.definition.findtext("devices/emulator") or "",
        "running": seen.active and not seen.paused,
        "autostart": seen.autostart,
        "networkInterfaces": _interfaces(inputs, seen, known),
        "effective": effective,
        "pendingRestart": pending_sentences(kept.pending, seen.defined(), running),
        KEY: kept.props(),
    }


def predicted(inputs: Props, old: Props, pending: list[str]) -> Props:
    """Give the outputs as far as a preview knows them.

    Without the effective facts: the inputs bear them, they weigh as much as all the rest, and the engine and the
    program would each take them apart again.
    """
    told = {name: inputs.get(name) or old.get(name, UNKNOWN) for name in ("arch", "machine", "emulator")}
    before = items(old.get("networkInterfaces"))
    nics = []
    for index, item in enumerate(items(inputs.get("networkInterfaces"))):
        nic, had = one(item), one(before[index]) if index < len(before) else {}
        computed = {name: nic.get(name) or had.get(name, UNKNOWN) for name in ("mac", "addresses", "hostname")}
        nics.append({**nic, **computed})
    return {
        **plain(inputs),
        **told,
        "running": inputs.get("running", True),
        "autostart": inputs.get("autostart", False),
        "networkInterfaces": nics,
        "pendingRestart": pending,
    }


def _interfaces(inputs: Props, seen: Observation, known: Addresses) -> list[Props]:
    given = items(inputs.get("networkInterfaces"))
    macs = macs_of(seen)
    elements = seen.definition.findall("devices/interface")
    shown = []
    for index, item in enumerate(given):
        nic = one(item)
        mac = macs[index] if index < len(macs) else str(nic.get("mac") or "")
        source = elements[index].find("source") if index < len(elements) else None
        network = {} if source is None or not source.get("network") else {"networkName": str(source.get("network"))}
        shown.append(
            {
                **network,
                **nic,
                "mac": mac,
                "hostname": nic.get("hostname") or "",
                "addresses": nic.get("addresses") or known.get(mac, []),
            }
        )
    return shown
