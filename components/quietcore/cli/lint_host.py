"""A running host as texts: capabilities and domains over libvirt, its own files where it can be looked into."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from quietcore.cli.answer import say
from quietcore.cli.hypervisor import opened, without_prompt
from quietcore.cli.looking import Way, looked
from quietcore.errors import QuietcoreError
from quietcore.lint.text import Text

INACTIVE: Final = 2
"""libvirt's VIR_DOMAIN_XML_INACTIVE: what the next start will be."""


TUNING: Final = ("vcpus", "memory", "vcpu_pins", "emulator_pin", "iothread_pins", "vcpu_scheds", "numa", "hugepages")
"""What may be changed in a domain that runs, without its definition."""


def texts_of_host(uri: str) -> Iterator[Text]:
    """Capabilities, every domain, and the host's files over ssh or here. Raises EnvironmentFault without an answer.

    A domain is judged as it is defined, since what libvirt makes of it at its start hides what was meant.
    """
    with opened(without_prompt(uri)) as connection:
        name = connection.getHostname()
        yield _text(name, "capabilities", connection.getCapabilities())
        for domain in sorted(connection.listAllDomains(), key=lambda domain: str(domain.name())):
            yield from _domain(name, domain)
    way = Way.of(uri)
    if way is None:
        say(f"{uri}: neither local nor over ssh, so the host's command line, tuned and so on were not read")
        return
    for path, content in looked(way):
        yield Text(f"{name}:{path}", f"/{name}", content)


def _domain(host: str, domain: Any) -> Iterator[Text]:
    defined = domain.XMLDesc(INACTIVE if domain.isPersistent() else 0)
    yield _text(host, f"domain {domain.name()}", defined)
    if domain.isPersistent() and domain.isActive() and _tuning(domain.XMLDesc(0)) != _tuning(defined):
        reason = f"runs otherwise than it is defined; virsh dumpxml {domain.name()} | quietcore lint -"
        yield Text(f"{host}: domain {domain.name()} now", f"/{host}", None, reason)


def _tuning(xml: str) -> tuple[Any, ...]:
    from quietcore.render.domain_xml import lift

    try:
        domain = lift(xml)
    except QuietcoreError:
        return ()
    return tuple(getattr(domain, name) for name in TUNING)


def _text(host: str, what: str, content: str) -> Text:
    return Text(f"{host}: {what}", f"/{host}", content.encode())
