"""SDK inputs of a Domain to the domain XML that its stylesheet then works on, and the effective XML after it.

The base document follows what the official plugin makes of the same inputs (terraform-provider-libvirt 0.8.1), so that
one stylesheet serves both. It departs where the official one cannot work: the seed image sits on SATA, which q35 has,
and not on IDE, which it has not. No input and no output: the same inputs always give the same text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from lxml import etree

from quietcore.render.element import UNKNOWN_TEXT, Inputs, element, items, one, sub, text
from quietcore.render.stylesheet import apply_stylesheet, canonical, parse_xml

DEFAULT_MEMORY_MIB: Final = 512
DEFAULT_VCPUS: Final = 1
RNG_DEVICE: Final = "/dev/urandom"


@dataclass(frozen=True, slots=True)
class VolumeFact:
    """What the host says of a volume: the path QEMU opens, "file" or "block", and its format ("raw", "qcow2")."""

    path: str
    kind: str
    format: str


Resolve = Callable[[str], VolumeFact]


def guess_volume(key: str) -> VolumeFact:
    """Judge a volume by its key alone, as far as that goes: the key is the path, and `.qcow2` says its format."""
    return VolumeFact(path=key, kind="file", format="qcow2" if key.endswith(".qcow2") else "raw")


def base_domain(inputs: Inputs, resolve: Resolve = guess_volume) -> etree._Element:
    """Build the `<domain>` element that the stylesheet gets; `resolve` tells a volume's path and format by its id."""
    domain = element("domain", type=text(inputs.get("type") or "kvm"))
    sub(domain, "name", inputs.get("name"))
    if inputs.get("metadata"):
        domain.append(_metadata(inputs["metadata"]))
    if inputs.get("description"):
        sub(domain, "description", inputs["description"])
    sub(domain, "memory", inputs.get("memory") or DEFAULT_MEMORY_MIB, unit="MiB")
    sub(domain, "vcpu", inputs.get("vcpu") or DEFAULT_VCPUS, placement="static")
    domain.append(_os(inputs))
    features = sub(domain, "features")
    for name in ("pae", "acpi", "apic"):
        sub(features, name)
    mode = one(inputs.get("cpu")).get("mode")
    sub(domain, "cpu", **({"mode": mode} if mode else {}))
    domain.append(_devices(inputs, resolve))
    return domain


def effective_element(inputs: Inputs, resolve: Resolve = guess_volume) -> etree._Element:
    """Build the domain after the program's own stylesheet.

    Raises:
        StylesheetError: the stylesheet cannot be applied.
    """
    base = base_domain(inputs, resolve)
    xslt = stylesheet_of(inputs)
    return apply_stylesheet(base, xslt) if xslt else base


def effective_domain(inputs: Inputs, resolve: Resolve = guess_volume) -> str:
    """Give the effective domain XML in canonical form (C14N, no blank text): what libvirt will be told."""
    return canonical(effective_element(inputs, resolve))


def stylesheet_of(inputs: Inputs) -> str:
    """Return the program's stylesheet, or "" when it has none (or none that is known yet)."""
    xslt = one(inputs.get("xml")).get("xslt")
    return xslt if isinstance(xslt, str) else ""


def _os(inputs: Inputs) -> etree._Element:
    os = element("os")
    given = {name: inputs.get(name) for name in ("arch", "machine")}
    sub(os, "type", "hvm", **{name: value for name, value in given.items() if value})
    if inputs.get("firmware"):
        sub(os, "loader", inputs["firmware"], readonly="yes", type="pflash", secure="no")
        nvram = one(inputs.get("nvram"))
        if nvram:
            template = nvram.get("template")
            sub(os, "nvram", nvram.get("file") or "", **({"template": template} if template else {}))
    for name in ("kernel", "initrd"):
        if inputs.get(name):
            sub(os, name, inputs[name])
    cmdline = _cmdline(inputs.get("cmdlines"))
    if cmdline:
        sub(os, "cmdline", cmdline)
    for device in inputs.get("bootDevices") or ():
        for dev in one(device).get("devs") or ():
            sub(os, "boot", dev=dev)
    return os


def _cmdline(cmdlines: Any) -> str:
    """Join the maps as the official plugin does: sorted arguments; the key `_` is an argument without a value."""
    if not isinstance(cmdlines, Iterable) or isinstance(cmdlines, str):
        return UNKNOWN_TEXT if cmdlines is not None else ""
    arguments = [
        text(value) if key == "_" else f"{key}={text(value)}" for item in cmdlines for key, value in one(item).items()
    ]
    return " ".join(sorted(arguments))


def _devices(inputs: Inputs, resolve: Resolve) -> etree._Element:
    devices = element("devices")
    if inputs.get("emulator"):
        sub(devices, "emulator", inputs["emulator"])
    disks = items(inputs.get("disks"))
    for disk in _disks(disks, resolve):
        devices.append(disk)
    if inputs.get("cloudinit"):
        taken = [target.get("dev") for target in devices.iter("target")]
        devices.append(seed_disk(text(inputs["cloudinit"]), resolve, _free(taken)))
    if any(one(disk).get("scsi") for disk in disks):
        sub(devices, "controller", type="scsi", model="virtio-scsi")
    for filesystem in items(inputs.get("filesystems")):
        devices.append(_filesystem(one(filesystem)))
    for nic in items(inputs.get("networkInterfaces")):
        devices.append(_interface(one(nic)))
    for console in items(inputs.get("consoles")):
        devices.append(_console(one(console)))
    channel = sub(devices, "channel", type="unix")
    sub(channel, "target", type="virtio", name="org.qemu.guest_agent.0")
    if inputs.get("tpm"):
        devices.append(_tpm(one(inputs["tpm"])))
    graphics = _graphics(inputs.get("graphics"))
    if graphics is not None:
        devices.append(graphics)
    video = one(inputs.get("video"))
    if video.get("type"):
        sub(sub(devices, "video"), "model", type=video["type"])
    rng = sub(devices, "rng", model="virtio")
    sub(rng, "backend", RNG_DEVICE, model="random")
    return devices


def _disks(disks: list[Any], resolve: Resolve) -> Iterable[etree._Element]:
    scsi = 0
    images = sum(1 for disk in disks if one(disk).get("scsi"))  # names after those of the SCSI disks
    for index, item in enumerate(disks):
        disk = one(item)
        made = element("disk", type="file", device="disk")
        driver = sub(made, "driver", name="qemu", type="raw")
        target = {"dev": f"vd{_letters(index)}", "bus": "virtio"}
        source = _source(disk, made, driver, resolve)
        if source.endswith(".iso") and not disk.get("volumeId"):
            made.set("device", "cdrom")
            # q35 has no IDE; sdX on SATA works on every x86 machine type.
            target = {"dev": f"sd{_letters(images)}", "bus": "sata"}
            images += 1
        elif disk.get("scsi"):
            target = {"dev": f"sd{_letters(scsi)}", "bus": "scsi"}
            scsi += 1
        sub(made, "target", **target)
        if disk.get("scsi") and disk.get("wwn"):
            sub(made, "wwn", disk["wwn"])
        yield made


def _source(disk: Inputs, made: etree._Element, driver: etree._Element, resolve: Resolve) -> str:
    """Add the disk's source and return its name; the order is the official plugin's, the first one given wins."""
    if disk.get("volumeId"):
        fact = resolve(text(disk["volumeId"]))
        made.set("type", fact.kind)
        driver.set("type", fact.format)
        sub(made, "source", **{"dev" if fact.kind == "block" else "file": fact.path})
        return fact.path
    if disk.get("url"):
        url = urlsplit(text(disk["url"]))
        made.set("type", "network")
        source = sub(made, "source", protocol=url.scheme, name=url.path.lstrip("/"))
        sub(source, "host", name=url.hostname or "", port=str(url.port or (443 if url.scheme == "https" else 80)))
        driver.set("type", "qcow2" if url.path.endswith(".qcow2") else "raw")
        return url.path
    if disk.get("file"):
        path = text(disk["file"])
        driver.set("type", "qcow2" if path.endswith(".qcow2") else "raw")
        sub(made, "source", file=path)
        return path
    if disk.get("blockDevice"):
        made.set("type", "block")
        sub(made, "source", dev=disk["blockDevice"])
        return text(disk["blockDevice"])
    return ""


def seed_disk(seed: str, resolve: Resolve = guess_volume, dev: str = "sda") -> etree._Element:
    """Build the CD-ROM of a seed image: its id is the volume key, in older state followed by `;` and a UUID."""
    fact = resolve(seed.split(";", 1)[0])
    made = element("disk", type=fact.kind, device="cdrom")
    sub(made, "driver", name="qemu", type="raw")
    sub(made, "source", **{"dev" if fact.kind == "block" else "file": fact.path})
    sub(made, "target", dev=dev, bus="sata")
    sub(made, "readonly")
    sub(made, "serial", "cloudinit")
    return made


def _free(taken: list[str | None]) -> str:
    """Give the first sdX that no disk has: low letters, since each six of them cost a SATA controller."""
    return next(name for name in (f"sd{_letters(index)}" for index in range(702)) if name not in taken)


def _filesystem(filesystem: Inputs) -> etree._Element:
    made = element("filesystem", type="mount", accessmode=text(filesystem.get("accessmode") or "mapped"))
    sub(made, "source", dir=filesystem.get("source") or "")
    sub(made, "target", dir=filesystem.get("target") or "")
    if filesystem.get("readonly", True):
        sub(made, "readonly")
    return made


def _interface(nic: Inputs) -> etree._Element:
    kind, source = _interface_source(nic)
    made = element("interface", type=kind)
    if nic.get("mac"):
        sub(made, "mac", address=text(nic["mac"]).lower())
    if source:
        sub(made, "source", **source)
    sub(made, "model", type="virtio")
    return made


def _interface_source(nic: Inputs) -> tuple[str, dict[str, Any]]:
    """Tell the interface's type and source; a network known only by id is named by it until the host is asked."""
    for name in ("networkName", "networkId"):
        if nic.get(name):
            return "network", {"network": nic[name]}
    if nic.get("bridge"):
        return "bridge", {"bridge": nic["bridge"]}
    for name, mode in (("vepa", "vepa"), ("macvtap", "bridge"), ("passthrough", "passthrough")):
        if nic.get(name):
            return "direct", {"dev": nic[name], "mode": mode}
    return "user", {}


def _console(console: Inputs) -> etree._Element:
    kind = text(console.get("type") or "pty")
    path = console.get("sourcePath")
    made = element("console", type=kind if kind in ("tcp", "pty") else "dev")
    if kind == "tcp":
        host, service = console.get("sourceHost") or "127.0.0.1", console.get("sourceService") or "0"
        sub(made, "source", mode="bind", host=host, service=service)
        sub(made, "protocol", type="telnet")
    elif path:
        sub(made, "source", path=path)
    target = {"type": console.get("targetType"), "port": console.get("targetPort")}
    sub(made, "target", **{name: value for name, value in target.items() if value not in (None, "")})
    return made


def _tpm(tpm: Inputs) -> etree._Element:
    made = element("tpm", **({"model": text(tpm["model"])} if tpm.get("model") else {}))
    kind = text(tpm.get("backendType") or "emulator")
    backend = sub(made, "backend", type=kind)
    if kind == "passthrough" and tpm.get("backendDevicePath"):
        sub(backend, "device", path=tpm["backendDevicePath"])
    if kind == "emulator":
        if tpm.get("backendVersion"):
            backend.set("version", text(tpm["backendVersion"]))
        if tpm.get("backendPersistentState") is not None:
            backend.set("persistent_state", "yes" if tpm["backendPersistentState"] else "no")
        if tpm.get("backendEncryptionSecret"):
            sub(backend, "encryption", secret=tpm["backendEncryptionSecret"])
    return made


def _graphics(graphics: Any) -> etree._Element | None:
    """Without the input there is a default SPICE console, as with the official plugin; `type: none` takes it away."""
    if graphics is None:
        return element("graphics", type="spice", autoport="yes")
    given = one(graphics)
    kind = text(given.get("type") or "spice")
    if kind == "none":
        return None
    made = element("graphics", type=kind, autoport="no" if given.get("autoport") is False else "yes")
    if given.get("websocket") and kind == "vnc":
        made.set("websocket", text(given["websocket"]))
    listen = text(given.get("listenType") or "none")
    if listen == "address":
        sub(made, "listen", type="address", address=given.get("listenAddress") or "127.0.0.1")
    elif listen in ("network", "socket"):
        sub(made, "listen", type=listen)
    return made


def _metadata(given: Any) -> etree._Element:
    """Wrap the user's metadata; it may hold one or several elements."""
    return parse_xml(f"<metadata>{given}</metadata>") if isinstance(given, str) else element("metadata")


def _letters(index: int) -> str:
    """Give a, b, ... z, aa, ab, ... for 0, 1, ... 25, 26, 27, ..."""
    head, tail = divmod(index, 26)
    return (_letters(head - 1) if head else "") + chr(ord("a") + tail)
