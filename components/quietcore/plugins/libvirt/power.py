"""Switching domains on and off: a guest is asked first, and switched off only when its time is up."""

from __future__ import annotations

import time
from typing import Final

import libvirt
from lxml import etree

from quietcore.plugins.handler import Cancelled, Context
from quietcore.render.stylesheet import parse_xml

ASK_AGAIN_SECONDS: Final = 10.0
"""A guest that is still booting misses the first power button; asking again costs nothing."""

POLL_SECONDS: Final = 0.25


def start(domain: libvirt.virDomain) -> None:
    """Start it, or let it go on where it was paused; nothing to do when it runs."""
    if not domain.isActive():
        domain.create()
    elif domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED:
        domain.resume()
    elif domain.state()[0] == libvirt.VIR_DOMAIN_PMSUSPENDED:
        domain.pMWakeup(0)


def stop(domain: libvirt.virDomain, ctx: Context, seconds: float) -> None:
    """Ask the guest to shut down, by agent and by ACPI; switch it off after `seconds`. Returns when it is off.

    Raises:
        Cancelled: the user asked to stop; the guest may still be shutting down.
    """
    if not is_active(domain):
        return
    if _deaf(domain) or seconds <= 0:
        _destroy(domain)
        return
    deadline = time.monotonic() + seconds
    ask_at = 0.0
    while is_active(domain):
        now = time.monotonic()
        if now >= deadline:
            ctx.status(f"{domain.name()} did not shut down within {seconds:g} s: switched off")
            _destroy(domain)
            return
        if now >= ask_at:
            ctx.status(f"{domain.name()} is shutting down")
            _ask(domain)
            ask_at = now + ASK_AGAIN_SECONDS
        if ctx.cancelled.wait(POLL_SECONDS):
            raise Cancelled(f"{domain.name()} on {ctx.host}: still shutting down when the operation was cancelled")


def limit(seconds: float, ctx: Context) -> float:
    """Give the time a guest has to shut down: its policy's, or less where the user set a time for the operation."""
    return min(seconds, ctx.timeout) if ctx.timeout else seconds


def is_active(domain: libvirt.virDomain) -> bool:
    """Tell whether it runs; one that is gone does not."""
    try:
        return bool(domain.isActive())
    except libvirt.libvirtError as error:
        if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return False
        raise


def agent_answers(live: etree._Element) -> bool:
    """Tell whether the guest's agent is connected."""
    channels = live.findall("devices/channel/target[@name='org.qemu.guest_agent.0']")
    return any(channel.get("state") == "connected" for channel in channels)


def _ask(domain: libvirt.virDomain) -> None:
    """Press the power button every way there is; a way that fails leaves the others."""
    ways = [libvirt.VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN]
    try:
        if agent_answers(parse_xml(domain.XMLDesc())):
            ways.insert(0, libvirt.VIR_DOMAIN_SHUTDOWN_GUEST_AGENT)
    except libvirt.libvirtError:
        return  # gone between two looks
    for way in ways:
        try:
            domain.shutdownFlags(way)
            return
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED or way == ways[-1]:
                _plainly(domain)


def _plainly(domain: libvirt.virDomain) -> None:
    try:
        domain.shutdown()
    except libvirt.libvirtError:
        return  # off already, or it cannot be asked: the deadline decides


def _deaf(domain: libvirt.virDomain) -> bool:
    """Tell whether nobody in there can hear: paused, crashed."""
    return domain.state()[0] in (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_CRASHED, libvirt.VIR_DOMAIN_PMSUSPENDED)


def _destroy(domain: libvirt.virDomain) -> None:
    try:
        domain.destroy()
    except libvirt.libvirtError as error:
        if error.get_error_code() not in (libvirt.VIR_ERR_OPERATION_INVALID, libvirt.VIR_ERR_NO_DOMAIN):
            raise
