"""Domain XML and the effective domain, both ways: ``render`` writes what rules judge, ``lift`` reads it back.

``lift`` takes what a program defines and what libvirt prints of it, with ids, defaults and units of its own:
https://libvirt.org/formatdomain.html. What the XML does not say stays unsaid in the spec.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from quietcore.errors import QuietcoreError, UnitError
from quietcore.render.domain_metadata import guest_facts, lift_guest
from quietcore.render.xml_text import Tag, document, tag
from quietcore.spec import DomainSpec, HugePages, IothreadPin, NumaTune, VcpuPin, VcpuSched
from quietcore.units import CpuSet, Size

if TYPE_CHECKING:
    from lxml.etree import _Element

_T = TypeVar("_T")

_BYTES = {"b": 1, "byte": 1, "bytes": 1} | {
    spelling: base**power
    for power, letter in enumerate("kmgtpe", start=1)
    for spelling, base in ((letter, 1024), (f"{letter}ib", 1024), (f"{letter}b", 1000))
}
"""Bytes of a unit in lower case, as formatdomain lists them under "memory": ``KB`` is 1000, ``k`` and ``KiB`` 1024."""


class LiftError(QuietcoreError):
    """A domain XML that says something nobody can mean; ``where`` is the path of its element."""


def render(domain: DomainSpec) -> str:
    """Give the domain XML that says all of ``domain``: libvirt takes it, and ``lift`` gives an equal value back."""
    parts = (
        tag("name", domain.name),
        *([tag("metadata", guest_facts(domain.guest))] if domain.guest else []),
        _sized("memory", domain.memory),
        tag("vcpu", str(domain.vcpus), placement=domain.placement),
        tag("os", tag("type", "hvm", arch=domain.arch, machine=domain.machine or None)),
        *tuning(domain),
        *([tag("features", pmu(domain.pmu))] if domain.pmu is not None else []),
        *cpu(domain),
        *([tag("devices", tag("memballoon", model=domain.memballoon))] if domain.memballoon is not None else []),
    )
    return document(tag("domain", *parts, type=domain.hypervisor))


def tuning(domain: DomainSpec) -> list[Tag]:
    """The elements of memory backing, IOThreads, pinning, scheduling and NUMA binding that ``domain`` asks for."""
    parts = [
        tag("memoryBacking", *_backing(domain)),
        tag("iothreads", *[str(domain.iothreads)] * bool(domain.iothreads)),
        tag("cputune", *_cputune(domain)),
        tag("numatune", *_numatune(domain)),
    ]
    return [part for part in parts if part.children]


def pmu(on: bool) -> Tag:
    """The performance monitoring unit's switch."""
    return tag("pmu", state="on" if on else "off")


def cpu(domain: DomainSpec) -> list[Tag]:
    """The ``<cpu>`` element by mode and model alone; nothing where ``domain`` says neither."""
    model = [tag("model", domain.cpu_model, fallback="forbid")] if domain.cpu_model else []
    return [tag("cpu", *model, mode=domain.cpu_mode)] if domain.cpu_mode or model else []


def lift(xml: str | bytes) -> DomainSpec:
    """Read a domain XML. Raises LiftError: no domain, or a value that is no number, size or CPU set."""
    from lxml import etree

    from quietcore.render.stylesheet import parse_xml

    try:
        root = parse_xml(xml)
    except etree.XMLSyntaxError as fault:
        raise LiftError("domain XML does not parse", given=str(fault), allowed="well-formed XML") from None
    return lift_element(root)


def lift_element(domain: _Element) -> DomainSpec:
    """Read a parsed ``<domain>``; ``lift`` says what it raises."""
    if domain.tag != "domain":
        raise LiftError("not a domain XML", given=f"<{domain.tag}>", allowed="<domain>")
    model = domain.findtext("cpu/model")
    return DomainSpec(
        name=domain.findtext("name") or "",
        hypervisor=domain.get("type", "kvm"),
        arch=_attribute(domain, "os/type", "arch") or "x86_64",
        machine=_attribute(domain, "os/type", "machine") or "",
        vcpus=_number(domain.find("vcpu"), default=1),
        placement=_attribute(domain, "vcpu", "placement") or "static",
        memory=_size(domain.find("memory")),
        # libvirt reads a model without a mode as a custom CPU.
        cpu_mode=_attribute(domain, "cpu", "mode") or ("custom" if model else None),
        cpu_model=model,
        vcpu_pins=tuple(
            VcpuPin(vcpu=_number(pin, "vcpu"), cpus=_cpus(pin, "cpuset")) for pin in domain.iterfind("cputune/vcpupin")
        ),
        emulator_pin=next((_cpus(pin, "cpuset") for pin in domain.iterfind("cputune/emulatorpin")), None),
        iothreads=_iothreads(domain),
        iothread_pins=tuple(
            IothreadPin(iothread=_number(pin, "iothread"), cpus=_cpus(pin, "cpuset"))
            for pin in domain.iterfind("cputune/iothreadpin")
        ),
        vcpu_scheds=_scheds(domain),
        numa=next((_numa(memory) for memory in domain.iterfind("numatune/memory")), None),
        hugepages=_hugepages(domain.find("memoryBacking/hugepages")),
        locked=domain.find("memoryBacking/locked") is not None,
        nosharepages=domain.find("memoryBacking/nosharepages") is not None,
        memballoon=_attribute(domain, "devices/memballoon", "model"),
        pmu=_switch(domain.find("features/pmu")),
        guest=_read(domain, "", lambda: lift_guest(domain)),
    )


def _backing(domain: DomainSpec) -> list[Tag]:
    pages = [] if domain.hugepages is None else [tag("hugepages", *_pages(domain.hugepages))]
    switches = {"nosharepages": domain.nosharepages, "locked": domain.locked}
    return [*pages, *(tag(name) for name, on in switches.items() if on)]


def _pages(pages: tuple[HugePages, ...]) -> list[Tag]:
    if pages in ((), (HugePages(),)):
        return []
    return [
        tag("page", **_unit(page.size) if page.size.bytes else {}, nodeset=page.nodeset if page.nodeset else None)
        for page in pages
    ]


def _cputune(domain: DomainSpec) -> list[Tag]:
    emulator = [] if domain.emulator_pin is None else [tag("emulatorpin", cpuset=domain.emulator_pin)]
    return [
        *(tag("vcpupin", vcpu=pin.vcpu, cpuset=pin.cpus) for pin in domain.vcpu_pins),
        *emulator,
        *(tag("iothreadpin", iothread=pin.iothread, cpuset=pin.cpus) for pin in domain.iothread_pins),
        *(
            tag("vcpusched", vcpus=sched.vcpus, scheduler=sched.policy, priority=sched.priority)
            for sched in domain.vcpu_scheds
        ),
    ]


def _numatune(domain: DomainSpec) -> list[Tag]:
    if domain.numa is None:
        return []
    return [tag("memory", mode=domain.numa.mode, nodeset=domain.numa.nodeset if domain.numa.nodeset else None)]


def _unit(size: Size) -> dict[str, str]:
    text = str(size)
    number = text.rstrip("KMGTiB")
    return {"size": number, "unit": text.removeprefix(number)}


def _sized(name: str, size: Size) -> Tag:
    unit = _unit(size)
    return tag(name, unit["size"], unit=unit["unit"])


def _scheds(domain: _Element) -> tuple[VcpuSched, ...]:
    """Scheduling, one entry for vCPUs that share policy and priority: libvirt prints an entry for each vCPU.

    Entries that overlap stay as they are: that is a mistake, which somebody will want to see.
    """
    merged: list[VcpuSched] = []
    for one in map(_sched, domain.iterfind("cputune/vcpusched")):
        alike = next((had for had in merged if (had.policy, had.priority) == (one.policy, one.priority)), None)
        if alike and alike.vcpus.isdisjoint(one.vcpus):
            merged[merged.index(alike)] = alike.model_copy(update={"vcpus": alike.vcpus | one.vcpus})
        else:
            merged.append(one)
    return tuple(merged)


def _sched(sched: _Element) -> VcpuSched:
    priority = _number(sched, "priority") if sched.get("priority") else None
    return VcpuSched(vcpus=_cpus(sched, "vcpus"), policy=sched.get("scheduler", ""), priority=priority)


def _numa(memory: _Element) -> NumaTune:
    return NumaTune(mode=memory.get("mode", "strict"), nodeset=_cpus(memory, "nodeset"))


def _hugepages(element: _Element | None) -> tuple[HugePages, ...] | None:
    if element is None:
        return None
    pages = (
        HugePages(size=_size(page, "size") if page.get("size") else Size(0), nodeset=_cpus(page, "nodeset"))
        for page in element.iterfind("page")
    )
    return tuple(pages) or (HugePages(),)


def _iothreads(domain: _Element) -> int:
    """IOThreads may be counted, or listed one by one."""
    listed = sum(1 for _ in domain.iterfind("iothreadids/iothread"))
    return max(_number(domain.find("iothreads"), default=0), listed)


def _attribute(domain: _Element, path: str, name: str) -> str | None:
    element = domain.find(path)
    return None if element is None else element.get(name)


def _switch(element: _Element | None) -> bool | None:
    return None if element is None else element.get("state", "on") == "on"


def _number(element: _Element | None, name: str = "", default: int = 0) -> int:
    """A whole number from an attribute, or from the text where ``name`` is empty."""
    if element is None:
        return default
    text = (element.get(name) if name else element.text) or ""
    if not text.strip().isdigit():
        raise LiftError("not a whole number", where=_place(element, name), given=repr(text), allowed="digits")
    return int(text)


def _size(element: _Element | None, name: str = "") -> Size:
    if element is None:
        return Size(0)
    unit = element.get("unit", "KiB")
    if unit.lower() not in _BYTES:
        raise LiftError("not a unit of size", where=_place(element, "unit"), given=repr(unit), allowed="KiB, MiB, GiB")
    return Size(_number(element, name) * _BYTES[unit.lower()])


def _cpus(element: _Element, name: str) -> CpuSet:
    return _read(element, name, lambda: CpuSet.parse_libvirt(element.get(name, "")))


def _read(element: _Element, name: str, read: Callable[[], _T]) -> _T:
    try:
        return read()
    except UnitError as fault:
        raise LiftError(
            fault.what, where=_place(element, name), given=fault.given, allowed=fault.allowed, hint=fault.hint
        ) from None


def _place(element: _Element, name: str) -> str:
    """The path of an element, numbered where it has siblings of its kind, and of its attribute."""
    path = element.getroottree().getpath(element)
    return f"{path}/@{name}" if name else path
