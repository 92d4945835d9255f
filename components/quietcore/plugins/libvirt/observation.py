"""What a host says of a domain at one moment: its definition and what runs."""

from __future__ import annotations

from dataclasses import dataclass

import libvirt
from lxml import etree

from quietcore.plugins.handler import Mark
from quietcore.plugins.libvirt.facets import Facets, domain_facets
from quietcore.plugins.ownership import mark_in
from quietcore.render.stylesheet import parse_xml


@dataclass(frozen=True, slots=True)
class Observation:
    """`live` is None when the domain is off; `run` is libvirt's number of this run, -1 when off."""

    uuid: str
    name: str
    definition: etree._Element
    live: etree._Element | None
    run: int
    paused: bool
    persistent: bool
    autostart: bool

    @property
    def active(self) -> bool:
        """Whether a QEMU runs for it, paused or not."""
        return self.live is not None

    @property
    def mark(self) -> Mark | None:
        """Whose the definition says it is."""
        return mark_in(self.definition)

    def defined(self) -> Facets:
        """Facts of the definition."""
        return domain_facets(self.definition)

    def running(self) -> Facets | None:
        """Facts of what runs."""
        return None if self.live is None else domain_facets(self.live)


def observe(domain: libvirt.virDomain) -> Observation:
    """Ask the host once for everything.

    Raises:
        libvirt.libvirtError: among others when the domain went away meanwhile.
    """
    state, _reason = domain.state()
    active = bool(domain.isActive())
    persistent = bool(domain.isPersistent())
    secure = libvirt.VIR_DOMAIN_XML_SECURE
    definition = domain.XMLDesc(secure | libvirt.VIR_DOMAIN_XML_INACTIVE)
    return Observation(
        uuid=domain.UUIDString(),
        name=domain.name(),
        definition=parse_xml(definition),
        live=parse_xml(domain.XMLDesc(secure)) if active else None,
        run=domain.ID() if active else -1,
        paused=state in (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PMSUSPENDED),
        persistent=persistent,
        autostart=bool(domain.autostart()) if persistent else False,
    )


def lookup(connection: libvirt.virConnect, uuid: str) -> libvirt.virDomain | None:
    """Find a domain by UUID; None when there is none."""
    return _found(connection.lookupByUUIDString, uuid)


def lookup_name(connection: libvirt.virConnect, name: str) -> libvirt.virDomain | None:
    """Find a domain by name; None when there is none."""
    return _found(connection.lookupByName, name)


def _found(look: object, key: str) -> libvirt.virDomain | None:
    try:
        return look(key)  # type: ignore[operator]  # libvirt's bindings carry no types
    except libvirt.libvirtError as error:
        if error.get_error_code() in (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_INVALID_ARG):
            return None
        raise
