"""The stylesheet that carries real-time settings through the SDK, whose inputs have no words for them.

``xslt(domain)`` makes of the plain domain XML that the SDK's inputs give the domain XML that says ``domain``. Name,
memory, vCPU count and machine stay the inputs' business. XSLT 1.0 without extensions: every processor gives the same
result. A second run over its own result changes nothing.
"""

from __future__ import annotations

from typing import Final

from quietcore.render.domain_cpu import clock, cpu, features, power
from quietcore.render.domain_devices import usb
from quietcore.render.domain_metadata import NAMESPACES, Restart, guest_facts, restart_policy
from quietcore.render.domain_xml import tuning
from quietcore.render.xml_text import Comment, Tag, document, tag
from quietcore.spec import DomainSpec, GuestSpec
from quietcore.units import Duration

_XSL: Final = "http://www.w3.org/1999/XSL/Transform"
_TIMEOUT: Final = Duration.parse("120s")

_NOISE: Final = (
    "graphics",
    "video",
    "sound",
    "audio",
    "input",
    "rng",
    "memballoon",
    "redirdev",
    "controller[@type='usb']",
)
"""Devices that wake the emulator or the guest at times of their own: display, sound, polled USB, entropy, balloon
(RHEL, "Configuring virtualization for real time", chapter 4)."""

_AGENT: Final = "org.qemu.guest_agent.0"


def xslt(domain: DomainSpec, *, restart: Restart = "never", shutdown_timeout: Duration = _TIMEOUT) -> str:
    """Give the stylesheet's text.

    ``restart`` says whether an update may restart the guest, ``shutdown_timeout`` how long its shutdown may then take.
    """
    return document(
        Tag(
            "xsl:stylesheet",
            {"version": "1.0", "xmlns:xsl": _XSL},
            (
                tag("xsl:output", method="xml", indent="yes"),
                tag("xsl:strip-space", elements="*"),
                Comment("Whatever no other template names stays as it is."),
                _template("@*|node()", tag("xsl:copy", _apply("@*|node()"))),
                *_domain(domain, restart, shutdown_timeout),
                *_kernel(domain),
                *_disks(domain),
                *_cdroms(domain),
            ),
        )
    )


def _domain(domain: DomainSpec, restart: Restart, shutdown_timeout: Duration) -> list[Comment | Tag]:
    ours = [
        tag("metadata", *_metadata(domain, restart, shutdown_timeout)),
        *map(_literal, tuning(domain)),
        tag("features", _apply("features/*"), *map(_literal, features(domain))),
        *map(_literal, cpu(domain)),
        *clock(domain),
        *power(domain),
        tag("devices", _apply("devices/*"), *_devices(domain)),
    ]
    said = [f"/domain/{part.name}" for part in ours]
    said += [f"/domain/features/{part.name}" for part in features(domain)]
    said += [f"/domain/metadata/*[namespace-uri()='{namespace}']" for namespace in NAMESPACES]
    return [
        Comment("What real-time operation asks of the domain."),
        _template("/domain", tag("xsl:copy", _apply("@*|node()"), *ours)),
        Comment("Said anew above."),
        _template(" | ".join(said)),
        Comment("Devices that wake the emulator or the guest at times of their own."),
        _template(" | ".join(f"/domain/devices/{device}" for device in _NOISE)),
    ]


def _metadata(domain: DomainSpec, restart: Restart, shutdown_timeout: Duration) -> list[Tag]:
    guest = [_guest(domain.guest)] if domain.guest else []
    return [_apply("metadata/*"), *guest, _literal(restart_policy(restart, shutdown_timeout))]


def _guest(guest: GuestSpec) -> Tag:
    """The guest's facts; its command line is among them only where no ``os/cmdline`` says it."""
    facts = _literal(guest_facts(guest.model_copy(update={"cmdline": None})))
    if guest.cmdline is None:
        return facts
    cmdline = tag("xsl:attribute", str(guest.cmdline), name="cmdline")
    return Tag(facts.name, facts.attributes, (_unless("os/kernel", cmdline), *facts.children))


def _devices(domain: DomainSpec) -> list[Tag]:
    agent = tag("channel", tag("target", type="virtio", name=_AGENT), type="unix")
    serial = tag("serial", tag("target", port=0), type="pty")
    console = tag("console", tag("target", type="serial", port=0), type="pty")
    return [
        _unless(f"devices/channel/target[@name='{_AGENT}']", agent),
        _unless("devices/serial or devices/console", serial, console),
        *usb(domain.devices),
        *([tag("memballoon", model=domain.memballoon)] if domain.memballoon is not None else []),
    ]


def _kernel(domain: DomainSpec) -> list[Comment | Tag]:
    """A kernel that is booted directly gets the command line in its own order; the SDK would sort the parameters."""
    cmdline = domain.guest.cmdline if domain.guest else None
    if cmdline is None:
        return []
    return [
        Comment("The guest's kernel command line, in the order in which the kernel must read it."),
        _template("/domain/os[kernel]", tag("xsl:copy", _apply("@*|node()"), tag("cmdline", str(cmdline)))),
        _template("/domain/os[kernel]/cmdline"),
    ]


def _disks(domain: DomainSpec) -> list[Comment | Tag]:
    """Disks past the host's page cache, whose write-back comes in bursts, on IOThreads that have CPUs of their own.

    By default a virtio disk has a queue per vCPU, and the interrupt of each stays on its vCPU, isolated or not: behind
    a busy real-time thread there the disk would stop. One queue's interrupt goes to the housekeeping vCPUs.
    """
    settings = [_attribute("queues", "1")]
    if domain.iothreads:
        thread = f"count(../preceding-sibling::disk) mod {domain.iothreads} + 1"
        settings.append(tag("xsl:attribute", tag("xsl:value-of", select=thread), name="iothread"))
    driver = tag(
        "xsl:copy",
        _apply("@*"),
        _attribute("cache", "none"),
        _attribute("io", "native"),
        tag("xsl:if", *settings, test="../target/@bus='virtio'"),
        _apply("node()"),
    )
    disk = "/domain/devices/disk[@type='file' or @type='block'][not(@device) or @device='disk']"
    return [
        Comment("Disks bypass the host's page cache; virtio disks have one queue and share out the IOThreads."),
        _template(f"{disk}/driver", driver),
    ]


def _cdroms(domain: DomainSpec) -> list[Comment | Tag]:
    if "q35" not in domain.machine:
        return []
    return [
        Comment("The q35 machine has no IDE: a seed image that sits there goes to SATA."),
        _template(
            "/domain/devices/disk/target[@bus='ide']",
            tag("target", dev="{concat('sd', substring(@dev, 3))}", bus="sata"),
        ),
    ]


def _template(match: str, *children: Tag) -> Tag:
    return tag("xsl:template", *children, match=match)


def _apply(select: str) -> Tag:
    return tag("xsl:apply-templates", select=select)


def _unless(test: str, *children: Tag) -> Tag:
    return tag("xsl:if", *children, test=f"not({test})")


def _attribute(name: str, value: str) -> Tag:
    return tag("xsl:attribute", value, name=name)


def _literal(element: Tag) -> Tag:
    """The element as a stylesheet must write it: braces in attributes are doubled, or they would be evaluated."""
    attributes = {name: value.replace("{", "{{").replace("}", "}}") for name, value in element.attributes.items()}
    return Tag(
        element.name,
        attributes,
        tuple(_literal(child) if isinstance(child, Tag) else child for child in element.children),
    )
