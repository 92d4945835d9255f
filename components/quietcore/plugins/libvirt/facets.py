"""A domain as a flat map of facts, so that two of them compare value by value.

Each key names one thing a person would name ("memory", "cputune.vcpupin[1]", "devices.disk[vda].source"); each value is
its canonical text. What libvirt makes up by itself (aliases, addresses, labels, tap names) is left out, so documents
that mean the same give the same facts.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final

from lxml import etree

from quietcore.plugins.libvirt.cpulist import canonical_cpus, expand_cpus
from quietcore.plugins.ownership import TAG as OWNER
from quietcore.render.stylesheet import parse_xml

Facets = dict[str, str]

# Units as libvirt's scaled integers define them (libvirt: formatdomain, "Memory Allocation").
KIB: Final[dict[str, float]] = {
    "b": 1 / 1024, "bytes": 1 / 1024, "KB": 1000 / 1024, "k": 1, "KiB": 1, "MB": 1000**2 / 1024, "M": 1024, "MiB": 1024,
    "GB": 1000**3 / 1024, "G": 1024**2, "GiB": 1024**2, "TB": 1000**4 / 1024, "T": 1024**3, "TiB": 1024**3,
}  # fmt: skip

# Made up by libvirt or by a running QEMU, never stated by a program.
FILLED_IN: Final = ("alias", "seclabel", "backingStore", "mirror", "actual", "portid")


def domain_facets(root: etree._Element, sections: Collection[str] | None = None) -> Facets:
    """Take a `<domain>` apart, or only some of its children; works on effective, persistent and live XML alike."""
    facets: Facets = {"type": str(root.get("type", ""))}
    for child in root:
        if isinstance(child.tag, str) and (sections is None or child.tag in sections):
            facets.update(_READERS.get(child.tag, _plain)(child))
    if facets.get("currentMemory") == facets.get("memory"):
        facets.pop("currentMemory", None)  # libvirt's default, said or not
    return {key: value for key, value in facets.items() if value}


def facets_of(xml: str) -> Facets:
    """Parse and take apart."""
    return domain_facets(parse_xml(xml))


def kib_of(number: str, unit: str = "KiB") -> int:
    """Give a size in KiB, rounded up as libvirt does."""
    return math.ceil(int(number) * KIB.get(unit, 1.0))


def size_text(number: str, unit: str) -> str:
    """Give a size in the largest unit that fits without a rest: `2097152` `KiB` is "2 GiB"."""
    number = number.strip()
    if not number.isdigit():
        return number
    kib = kib_of(number, unit)
    for name, scale in (("TiB", 1024**3), ("GiB", 1024**2), ("MiB", 1024)):
        if kib and kib % scale == 0:
            return f"{kib // scale} {name}"
    return f"{kib} KiB"


def _size(element: etree._Element) -> str:
    return size_text(element.text or "0", str(element.get("unit", "KiB")))


def _memory(element: etree._Element) -> Iterator[tuple[str, str]]:
    yield _tag(element), _size(element)


def _vcpu(element: etree._Element) -> Iterator[tuple[str, str]]:
    count = (element.text or "1").strip()
    yield "vcpu", count
    yield "vcpu.current", element.get("current", count)
    if element.get("cpuset"):
        yield "vcpu.cpuset", canonical_cpus(element.get("cpuset", ""))


def _cputune(element: etree._Element) -> Iterator[tuple[str, str]]:
    for child in _elements(element):
        tag = _tag(child)
        if tag in ("vcpupin", "iothreadpin"):
            number = child.get("vcpu") or child.get("iothread") or "0"
            yield f"cputune.{tag}[{number}]", canonical_cpus(child.get("cpuset", ""))
        elif tag == "emulatorpin":
            yield "cputune.emulatorpin", canonical_cpus(child.get("cpuset", ""))
        elif tag in ("vcpusched", "iothreadsched"):
            for each in expand_cpus(child.get("vcpus") or child.get("iothreads") or ""):
                yield f"cputune.{tag}[{each}]", _scheduler(child)
        elif tag == "emulatorsched":
            yield "cputune.emulatorsched", _scheduler(child)
        elif len(child) or child.attrib:
            key = canonical_cpus(child.get("vcpus", "")) or "all"
            yield f"cputune.{tag}[{key}]", _text(child)
        else:
            yield f"cputune.{tag}", (child.text or "").strip()


def _scheduler(element: etree._Element) -> str:
    return " ".join(filter(None, (element.get("scheduler"), element.get("priority"))))


def _numatune(element: etree._Element) -> Iterator[tuple[str, str]]:
    for child in _elements(element):
        cell = f"[{child.get('cellid')}]" if child.get("cellid") is not None else ""
        nodes = canonical_cpus(child.get("nodeset", "")) or child.get("placement", "")
        yield f"numatune.{_tag(child)}{cell}", f"{child.get('mode', 'strict')} {nodes}".strip()


def _memory_backing(element: etree._Element) -> Iterator[tuple[str, str]]:
    for child in _elements(element):
        if child.tag == "hugepages":
            pages = [
                size_text(str(page.get("size", "0")), str(page.get("unit", "KiB")))
                + (f" for {canonical_cpus(page.get('nodeset', ''))}" if page.get("nodeset") else "")
                for page in child.findall("page")
            ]
            yield "memoryBacking.hugepages", ", ".join(pages) or "default size"
        else:
            yield f"memoryBacking.{_tag(child)}", _text(child)


def _memtune(element: etree._Element) -> Iterator[tuple[str, str]]:
    for child in _elements(element):
        yield f"memtune.{_tag(child)}", _size(child)


def _os(element: etree._Element) -> Iterator[tuple[str, str]]:
    boots = []
    for child in _elements(element):
        tag = _tag(child)
        if tag == "type":
            yield "os.type", (child.text or "").strip()
            yield "os.arch", child.get("arch", "")
            yield "os.machine", child.get("machine", "")
        elif tag == "boot":
            boots.append(child.get("dev", ""))
        elif tag in ("kernel", "initrd", "cmdline"):
            yield f"os.{tag}", " ".join((child.text or "").split())
        else:
            yield f"os.{tag}", _text(child)
    yield "os.boot", " ".join(boots)


def _cpu(element: etree._Element) -> Iterator[tuple[str, str]]:
    for name, value in _attributes(element):
        yield f"cpu.{name}", value
    for child in _elements(element):
        tag = _tag(child)
        if tag == "model":
            yield "cpu.model", (child.text or "").strip()
        elif tag == "feature":
            yield f"cpu.feature[{child.get('name')}]", child.get("policy", "require")
        else:
            yield f"cpu.{tag}", _text(child)


def _by_tag(element: etree._Element) -> Iterator[tuple[str, str]]:
    """Read a section whose children each stand once: features, pm, sysinfo."""
    for child in _elements(element):
        yield f"{_tag(element)}.{_tag(child)}", _text(child)


def _clock(element: etree._Element) -> Iterator[tuple[str, str]]:
    for name, value in _attributes(element):
        if name not in ("adjustment", "basis"):
            yield f"clock.{name}", value
    for child in _elements(element):
        yield f"clock.{_tag(child)}[{child.get('name', '')}]", _text(child)


def _metadata(element: etree._Element) -> Iterator[tuple[str, str]]:
    for child in _elements(element):
        if child.tag != OWNER:
            name = etree.QName(child)
            yield f"metadata[{name.namespace or name.localname}]", _text(child)


def _devices(element: etree._Element) -> Iterator[tuple[str, str]]:
    counts: dict[str, int] = {}
    for child in _elements(element):
        tag = _tag(child)
        if tag == "emulator":
            yield "devices.emulator", (child.text or "").strip()
            continue
        index = counts.get(tag, 0)
        counts[tag] = index + 1
        yield from _device(child, tag, index)


def _device(child: etree._Element, tag: str, index: int) -> Iterator[tuple[str, str]]:
    device = stripped_device(child)
    if tag == "disk":
        target = device.find("target")
        dev = target.get("dev", "") if target is not None else ""
        name = f"devices.disk[{dev or index}]"
        yield f"{name}.source", _source(device)
        yield name, _text(device)
    elif tag == "interface":
        name = f"devices.interface[{index}]"
        yield f"{name}.source", _source(device, kind=True)
        for part, attribute in (("mac", "address"), ("link", "state")):
            found = device.find(part)
            if found is not None:
                device.remove(found)
                yield f"{name}.{part}", found.get(attribute, "").lower()
        yield name, _text(device)
    elif tag == "controller":
        yield f"devices.controller[{device.get('type')!s} {device.get('index', str(index))!s}]", _text(device)
    else:
        yield f"devices.{tag}[{index}]", _text(device)


def _source(device: etree._Element, *, kind: bool = False) -> str:
    """Take the source out of the device and give it as text; "nothing" for an empty drive."""
    parts = [device.get("type", "")] if kind else []
    source = device.find("source")
    if source is not None:
        device.remove(source)
        parts += [f"{name}={value}" for name, value in _attributes(source)]
        parts += [_text(child) for child in source]
    if device.tag == "disk":
        _drop(device, "type")  # follows from the source
    return " ".join(filter(None, parts)) or "nothing"


def stripped_device(element: etree._Element) -> etree._Element:
    """Copy a device without what libvirt or a running QEMU made up."""
    device = copy.deepcopy(element)
    for name in (*FILLED_IN, "address"):
        for child in device.findall(name):
            device.remove(child)
    for source in device.findall("source"):
        for name in ("index", "portid", "seclabel"):
            _drop(source, name)
        if device.tag == "interface" and device.get("type") == "network":
            _drop(source, "bridge")
        for made_up in source.findall("seclabel"):
            source.remove(made_up)
    _strip_running(device)
    return device


def _strip_running(device: etree._Element) -> None:
    _drop(device, "tty")
    target = device.find("target")
    if device.tag == "interface" and target is not None and target.get("dev", "").startswith(("vnet", "macvtap")):
        device.remove(target)
    if device.tag == "graphics" and device.get("autoport") == "yes":
        _drop(device, "port")
        _drop(device, "tlsPort")
    if device.tag in ("console", "serial", "channel"):
        source = device.find("source")
        if source is not None and (device.get("type") == "pty" or "/channel/" in source.get("path", "")):
            device.remove(source)
        if target is not None:
            _drop(target, "state")


def _plain(element: etree._Element) -> Iterator[tuple[str, str]]:
    tag = etree.QName(element)
    name = f"qemu.{tag.localname}" if tag.namespace else tag.localname
    if len(element) or element.attrib:
        yield name, _text(element)
    else:
        yield name, (element.text or "").strip() or "yes"


def _text(element: etree._Element) -> str:
    # Exclusive: what the document declares around it is not part of the fact. Blank text is gone since parsing.
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False, with_tail=False).decode()


def _tag(element: etree._Element) -> str:
    return str(element.tag)


def _attributes(element: etree._Element) -> list[tuple[str, str]]:
    return sorted((str(name), str(value)) for name, value in element.attrib.items())


def _drop(element: etree._Element, attribute: str) -> None:
    if attribute in element.attrib:
        del element.attrib[attribute]


def _elements(parent: etree._Element) -> Iterable[etree._Element]:
    return (child for child in parent if isinstance(child.tag, str))


def _nothing(_element: etree._Element) -> Iterator[tuple[str, str]]:
    return iter(())


_READERS: Final[dict[str, Callable[[etree._Element], Iterator[tuple[str, str]]]]] = {
    "memory": _memory,
    "currentMemory": _memory,
    "vcpu": _vcpu,
    "cputune": _cputune,
    "numatune": _numatune,
    "memoryBacking": _memory_backing,
    "memtune": _memtune,
    "os": _os,
    "cpu": _cpu,
    "features": _by_tag,
    "pm": _by_tag,
    "clock": _clock,
    "metadata": _metadata,
    "devices": _devices,
    "seclabel": _nothing,
    "resource": _nothing,
    "uuid": _nothing,
    "iothreadids": _nothing,
}
