"""Rules on the machine and the devices that a real-time guest gets: what is needless, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from quietcore.rules.examples import domain
from quietcore.rules.realtime import of_domain
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import DomainSpec, Severity


def _with(**listed: Any) -> DomainSpec:
    good = domain()
    return domain(devices=good.devices.model_copy(update=listed))


@of_domain
def _needless(domain: DomainSpec) -> Iterator[Hit]:
    listed = domain.devices
    if listed.usb is None and domain.x86:
        hint = "write <controller type='usb' model='none'/>"
        yield Hit(
            where="devices.controller", given="no word of USB: libvirt adds a controller", allowed="none", hint=hint
        )
    elif listed.usb not in (None, "none"):
        hint = "replace all USB controllers by <controller type='usb' model='none'/>"
        yield Hit(where="devices.controller", given=f"USB {listed.usb}".strip(), allowed='model "none"', hint=hint)
    for name in listed.needless:
        yield Hit(where=f"devices.{name}", given=f"<{name}>", allowed="a serial console", hint=f"remove <{name}>")


D33: Rule[DomainSpec] = Rule(
    code="D33",
    title="guest has USB, a display or sound",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_needless,
    doc=Doc(
        what="A real-time domain has no USB controller, and says so where libvirt would add one; no graphics, sound, "
        "redirected device or polled input. A serial console is enough.",
        why="An emulated USB controller polls its devices, and a display is redrawn and sent: each wakes the emulator "
        "many times a second, whether or not anybody looks.",
        fix="remove the device; reach the guest over SSH and a serial console",
        sources=(source("LV-RT", '"Device configuration"'), source("RHEL-V"), source("SEA")),
        bad=Example(
            text="<devices>\n  <controller type='usb' model='qemu-xhci'/>\n  <graphics type='vnc'/>\n</devices>",
            subject=lambda: _with(usb="qemu-xhci", needless=("graphics",)),
        ),
        good=Example(
            text="<devices>\n  <controller type='usb' model='none'/>\n  <console type='pty'/>\n</devices>",
            subject=domain,
        ),
    ),
)


@of_domain
def _fed(domain: DomainSpec) -> Iterator[Hit]:
    if domain.devices.rng:
        yield Hit(where="devices.rng", given="<rng>", allowed="no <rng>", hint="remove <rng>")
    if domain.devices.usb_hostdevs:
        given = f"{domain.devices.usb_hostdevs} USB device{'s' * (domain.devices.usb_hostdevs > 1)} of the host"
        hint = "pass a PCI device through instead, or serve it from another guest"
        yield Hit(where="devices.hostdev", given=given, allowed="no USB device", hint=hint)


D34: Rule[DomainSpec] = Rule(
    code="D34",
    title="guest has a random number device or a USB device of the host",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_fed,
    doc=Doc(
        what="A real-time domain has no virtio random number device and no USB device of the host.",
        why="Both are served by the emulator: it reads entropy for the guest whenever the guest's kernel asks, and "
        "carries each USB transfer through the host's USB stack.",
        fix="remove the device",
        sources=(source("RHEL-V", "unneeded devices are removed"),),
        bad=Example(
            text="<devices>\n  <rng model='virtio'>\n    <backend model='random'>/dev/urandom</backend>\n  </rng>\n"
            "</devices>",
            subject=lambda: _with(rng=True),
        ),
        good=Example(text="<devices>\n  <console type='pty'/>\n</devices>", subject=domain),
    ),
)


@of_domain
def _relics(domain: DomainSpec) -> Iterator[Hit]:
    if domain.x86:
        yield from _off(
            "clock.timer[hpet].present", domain.hpet, "no", "add <timer name='hpet' present='no'/> to <clock>"
        )
        yield from _off("features.vmport.state", domain.vmport, "off", "add <vmport state='off'/> to <features>")
    for name, on in (("suspend-to-mem", domain.suspend_to_mem), ("suspend-to-disk", domain.suspend_to_disk)):
        yield from _off(f"pm.{name}.enabled", on, "no", f"add <{name} enabled='no'/> to <pm>")


def _off(where: str, on: bool | None, allowed: str, hint: str) -> Iterator[Hit]:
    if on is not False:
        given = "nothing: the guest gets it" if on is None else "on"
        yield Hit(where=where, given=given, allowed=f'"{allowed}"', hint=hint)


D35: Rule[DomainSpec] = Rule(
    code="D35",
    title="guest has timers, ports or sleep states that it does not need",
    severity=Severity.INFO,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_relics,
    doc=Doc(
        what="A real-time domain has no HPET and no VMware port, which are a PC's alone, and offers the guest no "
        "sleep state. Each is there unless the XML takes it away.",
        why="The emulator serves the HPET and the port: a guest that picks this timer leaves for QEMU at each tick. "
        "And a guest that suspends has no deadline that it meets.",
        fix="switch hpet, vmport and both sleep states off",
        sources=(source("SEA"), source("LV-FMT", '"Time keeping", "Power Management"')),
        bad=Example(
            text="<clock offset='utc'>\n  <timer name='hpet' present='yes'/>\n</clock>",
            subject=lambda: domain(hpet=True),
        ),
        good=Example(
            text="<features>\n  <vmport state='off'/>\n</features>\n"
            "<clock offset='utc'>\n  <timer name='hpet' present='no'/>\n</clock>\n"
            "<pm>\n  <suspend-to-mem enabled='no'/>\n  <suspend-to-disk enabled='no'/>\n</pm>",
            subject=domain,
        ),
    ),
)


@of_domain
def _toothless(domain: DomainSpec) -> Iterator[Hit]:
    for number, action in enumerate(domain.devices.watchdogs):
        if action in ("none", "dump"):
            yield Hit(
                where=f"devices.watchdog[{number}].action",
                given=f'"{action}": the guest stays as it is',
                allowed='"poweroff", "reset" or "shutdown"',
            )


D37: Rule[DomainSpec] = Rule(
    code="D37",
    title="watchdog does nothing when it fires",
    severity=Severity.INFO,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_toothless,
    doc=Doc(
        what="A watchdog device acts when it fires. A domain without one is not told: it is advice for guests that a "
        "cluster restarts, as SEAPATH does with i6300esb and poweroff.",
        why="A guest that hangs must stop visibly, so that the cluster starts it elsewhere. A watchdog without an "
        "action only looks like one.",
        fix="write <watchdog model='i6300esb' action='poweroff'/>",
        sources=(source("SEA"), source("LV-FMT", '"Watchdog devices"')),
        bad=Example(text="<watchdog model='i6300esb' action='none'/>", subject=lambda: _with(watchdogs=("none",))),
        good=Example(
            text="<watchdog model='i6300esb' action='poweroff'/>", subject=lambda: _with(watchdogs=("poweroff",))
        ),
    ),
)


@of_domain
def _old_machine(domain: DomainSpec) -> Iterator[Hit]:
    machine = domain.machine
    if domain.x86 and (machine in ("", "pc") or machine.startswith("pc-i440fx")):
        given = f'"{machine}"' if machine else "nothing: libvirt takes pc"
        yield Hit(where="os.type.machine", given=given, allowed='"q35"')


D38: Rule[DomainSpec] = Rule(
    code="D38",
    title="machine is the old PC",
    severity=Severity.INFO,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_old_machine,
    doc=Doc(
        what="A real-time domain on x86 is a q35 machine.",
        why="The old PC has no PCI Express: a device that is passed through loses its extended settings, and legacy "
        "devices come with the board.",
        fix="write machine='q35'",
        sources=(source("SEA"), source("CAN-VM")),
        bad=Example(
            text="<type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type>",
            subject=lambda: domain(machine="pc-i440fx-7.2"),
        ),
        good=Example(text="<type arch='x86_64' machine='q35'>hvm</type>", subject=domain),
    ),
)
