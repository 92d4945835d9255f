"""SDK inputs of a Domain to the domain XML that its stylesheet then works on, and the effective XML after it.

The base document follows what the official plugin makes of the same inputs (terraform-provider-libvirt 0.8.1), so that
one stylesheet serves both. It departs where the official one cannot work: the seed image sits on SATA, which q35 has,
and not on IDE, which it has not. No input and no output: the same inputs always give the same text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from lxml import etree

from quietcore.render.stylesheet import apply_stylesheet, canonical, parse_xml

Inputs = Mapping[str, Any]

UNKNOWN_TEXT: Final = "known-after-apply"
"""Stands in the XML where an input has no value yet."""

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
    domain = etree.Element("domain", type=_text(inputs.get("type") or "kvm"))
    _sub(domain, "name", inputs.get("name"))
    if inputs.get("metadata"):
        domain.append(_metadata(inputs["metadata"]))
    if inputs.get("description"):
        _sub(domain, "description", inputs["description"])
    _sub(domain, "memory", inputs.get("memory") or DEFAULT_MEMORY_MIB, unit="MiB")
    _sub(domain, "vcpu", inputs.get("vcpu") or DEFAULT_VCPUS, placement="static")
    domain.append(_os(inputs))
    features = _sub(domain, "features")
    for name in ("pae", "acpi", "apic"):
        _sub(features, name)
    mode = _one(inputs.get("cpu")).get("mode")
    _sub(domain, "cpu", **({"mode": mode} if mode else {}))
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
    xslt = _one(inputs.get("xml")).get("xslt")
    return xslt if isinstance(xslt, str) else ""


def _os(inputs: Inputs) -> etree._Element:
    os = etree.Element("os")
    given = {name: inputs.get(name) for name in ("arch", "machine")}
    _sub(os, "type", "hvm", **{name: value for name, value in given.items() if value})
    if inputs.get("firmware"):
        _sub(os, "loader", inputs["firmware"], readonly="yes", type="pflash", secure="no")
        nvram = _one(inputs.get("nvram"))
        if nvram:
            template = nvram.get("template")
            _sub(os, "nvram", nvram.get("file") or "", **({"template": template} if template else {}))
    for name in ("kernel", "initrd"):
        if inputs.get(name):
            _sub(os, name, inputs[name])
    cmdline = _cmdline(inputs.get("cmdlines"))
    if cmdline:
        _sub(os, "cmdline", cmdline)
    for device in inputs.get("bootDevices") or ():
        for dev in _one(device).get("devs") or ():
            _sub(os, "boot", dev=dev)
    return os


def _cmdline(cmdlines: Any) -> str:
    """Join the maps as the official plugin does: sorted arguments; the key `_` is an argument without a value."""
    if not isinstance(cmdlines, Iterable) or isinstance(cmdlines, str):
        return UNKNOWN_TEXT if cmdlines is not None else ""
    arguments = [
        _text(value) if key == "_" else f"{key}={_text(value)}"
        for item in cmdlines
        for key, value in _one(item).items()
    ]
    return " ".join(sorted(arguments))


def _devices(inputs: Inputs, resolve: Resolve) -> etree._Element:
    devices = etree.Element("devices")
    if inputs.get("emulator"):
        _sub(devices, "emulator", inputs["emulator"])
    disks = _list(inputs.get("disks"))
    for element in _disks(disks, resolve):
        devices.append(element)
    if inputs.get("cloudinit"):
        taken = [target.get("dev") for target in devices.iter("target")]
        devices.append(seed_disk(_text(inputs["cloudinit"]), resolve, _free(taken)))
    if any(_one(disk).get("scsi") for disk in disks):
        _sub(devices, "controller", type="scsi", model="virtio-scsi")
    for filesystem in _list(inputs.get("filesystems")):
        devices.append(_filesystem(_one(filesystem)))
    for nic in _list(inputs.get("networkInterfaces")):
        devices.append(_interface(_one(nic)))
    for console in _list(inputs.get("consoles")):
        devices.append(_console(_one(console)))
    channel = _sub(devices, "channel", type="unix")
    _sub(channel, "target", type="virtio", name="org.qemu.guest_agent.0")
    if inputs.get("tpm"):
        devices.append(_tpm(_one(inputs["tpm"])))
    graphics = _graphics(inputs.get("graphics"))
    if graphics is not None:
        devices.append(graphics)
    video = _one(inputs.get("video"))
    if video.get("type"):
        _sub(_sub(devices, "video"), "model", type=video["type"])
    rng = _sub(devices, "rng", model="virtio")
    _sub(rng, "backend", RNG_DEVICE, model="random")
    return devices


def _disks(disks: list[Any], resolve: Resolve) -> Iterable[etree._Element]:
    scsi = 0
    images = sum(1 for disk in disks if _one(disk).get("scsi"))  # names after those of the SCSI disks
    for index, item in enumerate(disks):
        disk = _one(item)
        element = etree.Element("disk", type="file", device="disk")
        driver = _sub(element, "driver", name="qemu", type="raw")
        target = {"dev": f"vd{_letters(index)}", "bus": "virtio"}
        source = _source(disk, element, driver, resolve)
        if source.endswith(".iso") and not disk.get("volumeId"):
            element.set("device", "cdrom")
            # q35 has no IDE; sdX on SATA works on every x86 machine type.
            target = {"dev": f"sd{_letters(images)}", "bus": "sata"}
            images += 1
        elif disk.get("scsi"):
            target = {"dev": f"sd{_letters(scsi)}", "bus": "scsi"}
            scsi += 1
        _sub(element, "target", **target)
        if disk.get("scsi") and disk.get("wwn"):
            _sub(element, "wwn", disk["wwn"])
        yield element


def _source(disk: Inputs, element: etree._Element, driver: etree._Element, resolve: Resolve) -> str:
    """Add the disk's source and return its name; the order is the official plugin's, the first one given wins."""
    if disk.get("volumeId"):
        fact = resolve(_text(disk["volumeId"]))
        element.set("type", fact.kind)
        driver.set("type", fact.format)
        _sub(element, "source", **{"dev" if fact.kind == "block" else "file": fact.path})
        return fact.path
    if disk.get("url"):
        url = urlsplit(_text(disk["url"]))
        element.set("type", "network")
        source = _sub(element, "source", protocol=url.scheme, name=url.path.lstrip("/"))
        _sub(source, "host", name=url.hostname or "", port=str(url.port or (443 if url.scheme == "https" else 80)))
        driver.set("type", "qcow2" if url.path.endswith(".qcow2") else "raw")
        return url.path
    if disk.get("file"):
        path = _text(disk["file"])
        driver.set("type", "qcow2" if path.endswith(".qcow2") else "raw")
        _sub(element, "source", file=path)
        return path
    if disk.get("blockDevice"):
        element.set("type", "block")
        _sub(element, "source", dev=disk["blockDevice"])
        return _text(disk["blockDevice"])
    return ""


def seed_disk(seed: str, resolve: Resolve = guess_volume, dev: str = "sda") -> etree._Element:
    """Build the CD-ROM of a seed image: its id is the volume key, in older state followed by `;` and a UUID."""
    fact = resolve(seed.split(";", 1)[0])
    element = etree.Element("disk", type=fact.kind, device="cdrom")
    _sub(element, "driver", name="qemu", type="raw")
    _sub(element, "source", **{"dev" if fact.kind == "block" else "file": fact.path})
    _sub(element, "target", dev=dev, bus="sata")
    _sub(element, "readonly")
    _sub(element, "serial", "cloudinit")
    return element


def _free(taken: list[str | None]) -> str:
    """Give the first sdX that no disk has: low letters, since each six of them cost a SATA controller."""
    return next(name for name in (f"sd{_letters(index)}" for index in range(702)) if name not in taken)


def _filesystem(filesystem: Inputs) -> etree._Element:
    element = etree.Element("filesystem", type="mount", accessmode=_text(filesystem.get("accessmode") or "mapped"))
    _sub(element, "source", dir=filesystem.get("source") or "")
    _sub(element, "target", dir=filesystem.get("target") or "")
    if filesystem.get("readonly", True):
        _sub(element, "readonly")
    return element


def _interface(nic: Inputs) -> etree._Element:
    kind, source = _interface_source(nic)
    element = etree.Element("interface", type=kind)
    if nic.get("mac"):
        _sub(element, "mac", address=_text(nic["mac"]).lower())
    if source:
        _sub(element, "source", **source)
    _sub(element, "model", type="virtio")
    return element


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
    kind = _text(console.get("type") or "pty")
    path = console.get("sourcePath")
    element = etree.Element("console", type=kind if kind in ("tcp", "pty") else "dev")
    if kind == "tcp":
        host, service = console.get("sourceHost") or "127.0.0.1", console.get("sourceService") or "0"
        _sub(element, "source", mode="bind", host=host, service=service)
        _sub(element, "protocol", type="telnet")
    elif path:
        _sub(element, "source", path=path)
    target = {"type": console.get("targetType"), "port": console.get("targetPort")}
    _sub(element, "target", **{name: value for name, value in target.items() if value not in (None, "")})
    return element


def _tpm(tpm: Inputs) -> etree._Element:
    element = etree.Element("tpm", **({"model": _text(tpm["model"])} if tpm.get("model") else {}))
    kind = _text(tpm.get("backendType") or "emulator")
    backend = _sub(element, "backend", type=kind)
    if kind == "passthrough" and tpm.get("backendDevicePath"):
        _sub(backend, "device", path=tpm["backendDevicePath"])
    if kind == "emulator":
        if tpm.get("backendVersion"):
            backend.set("version", _text(tpm["backendVersion"]))
        if tpm.get("backendPersistentState") is not None:
            backend.set("persistent_state", "yes" if tpm["backendPersistentState"] else "no")
        if tpm.get("backendEncryptionSecret"):
            _sub(backend, "encryption", secret=tpm["backendEncryptionSecret"])
    return element


def _graphics(graphics: Any) -> etree._Element | None:
    """Without the input there is a default SPICE console, as with the official plugin; `type: none` takes it away."""
    if graphics is None:
        return etree.Element("graphics", type="spice", autoport="yes")
    given = _one(graphics)
    kind = _text(given.get("type") or "spice")
    if kind == "none":
        return None
    element = etree.Element("graphics", type=kind, autoport="no" if given.get("autoport") is False else "yes")
    if given.get("websocket") and kind == "vnc":
        element.set("websocket", _text(given["websocket"]))
    listen = _text(given.get("listenType") or "none")
    if listen == "address":
        _sub(element, "listen", type="address", address=given.get("listenAddress") or "127.0.0.1")
    elif listen in ("network", "socket"):
        _sub(element, "listen", type=listen)
    return element


def _metadata(text: Any) -> etree._Element:
    """Wrap the user's metadata; it may hold one or several elements."""
    return parse_xml(f"<metadata>{_text(text)}</metadata>") if isinstance(text, str) else etree.Element("metadata")


def _letters(index: int) -> str:
    """Give a, b, ... z, aa, ab, ... for 0, 1, ... 25, 26, 27, ..."""
    head, tail = divmod(index, 26)
    return (_letters(head - 1) if head else "") + chr(ord("a") + tail)


def _sub(parent: etree._Element, tag: str, text: Any = None, **attributes: Any) -> etree._Element:
    element = etree.SubElement(parent, tag, **{name: _text(value) for name, value in attributes.items()})
    if text is not None:
        element.text = _text(text)
    return element


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, (str, int, float)) else UNKNOWN_TEXT


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _one(value: Any) -> dict[str, Any]:
    """Read one object as a plain dict, without the bookkeeping keys (`__defaults`) that a bridged plugin leaves."""
    if isinstance(value, (list, tuple)):
        value = value[0] if value else {}
    if not isinstance(value, Mapping):
        return {}
    return {key: item for key, item in value.items() if not key.startswith("__")}
