"""Domain XML and the effective domain, both ways: ``render`` writes what rules judge, ``lift`` reads it back.

``lift`` takes what a program defines and what libvirt prints of it, with ids, defaults and units of its own:
https://libvirt.org/formatdomain.html. What the XML does not say stays unsaid in the spec.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietcore.errors import QuietcoreError
from quietcore.render.domain_cpu import clock, cpu, features, lift_cpu, lift_features, power
from quietcore.render.domain_devices import devices, lift_devices
from quietcore.render.domain_metadata import guest_facts, lift_guest
from quietcore.render.xml_lift import LiftError as LiftError
from quietcore.render.xml_lift import attribute, count, cpus, number, read, size
from quietcore.render.xml_text import Tag, document, tag
from quietcore.spec import DomainSpec, GuestSpec, HugePages, IothreadPin, NumaTune, VcpuPin, VcpuSched
from quietcore.units import CpuSet, Size

if TYPE_CHECKING:
    from lxml.etree import _Element


def render(domain: DomainSpec) -> str:
    """Give the domain XML that says all of ``domain``: libvirt takes it, and ``lift`` gives an equal value back."""
    parts = (
        tag("name", domain.name),
        *([tag("metadata", guest_facts(domain.guest))] if domain.guest else []),
        _sized("memory", domain.memory),
        tag("vcpu", str(domain.vcpus), placement=domain.placement, cpuset=domain.vcpu_cpuset),
        tag("os", tag("type", "hvm", arch=domain.arch, machine=domain.machine or None)),
        *tuning(domain),
        *_filled(tag("features", *features(domain))),
        *cpu(domain),
        *clock(domain),
        *power(domain),
        *_filled(tag("devices", *devices(domain))),
    )
    return document(tag("domain", *parts, type=domain.hypervisor))


def tuning(domain: DomainSpec) -> list[Tag]:
    """The elements of memory, IOThreads, pinning, scheduling and NUMA binding that ``domain`` asks for."""
    ids = [tag("iothread", id=number) for number in domain.iothread_ids]
    parts = [
        tag("memtune", *[] if domain.hard_limit is None else [_sized("hard_limit", domain.hard_limit)]),
        tag("memoryBacking", *_backing(domain)),
        tag("iothreads", *[str(domain.iothreads)] * bool(domain.iothreads)),
        tag("iothreadids", *ids),
        tag("cputune", *_cputune(domain)),
        tag("numatune", *_numatune(domain)),
    ]
    return [part for part in parts if part.children]


def _filled(element: Tag) -> list[Tag]:
    return [element] if element.children else []


def lift(xml: str | bytes, name: str = "") -> DomainSpec:
    """Read a domain XML, from the file ``name`` if one is named.

    Raises LiftError: no domain, entities, or a value that is no number, size or CPU set.
    """
    try:
        return lift_element(_parsed(xml))
    except LiftError as fault:
        raise fault.within(name) from None


def _parsed(xml: str | bytes) -> _Element:
    from lxml import etree

    from quietcore.render.stylesheet import parse_xml

    try:
        root = parse_xml(xml)
    except (etree.XMLSyntaxError, UnicodeEncodeError) as fault:
        raise LiftError("domain XML does not parse", given=str(fault), allowed="well-formed XML") from None
    if root.getroottree().docinfo.internalDTD is not None:
        hint = "remove the <!DOCTYPE ...>; libvirt writes none"
        raise LiftError("domain XML declares a document type", given="<!DOCTYPE", allowed="no entities", hint=hint)
    return root


def lift_element(domain: _Element) -> DomainSpec:
    """Read a parsed ``<domain>``; ``lift`` says what it raises."""
    if domain.tag != "domain":
        raise LiftError("not a domain XML", given=f"<{domain.tag}>", allowed="<domain>")
    return DomainSpec(
        name=domain.findtext("name") or "",
        hypervisor=domain.get("type", "kvm"),
        arch=attribute(domain, "os/type", "arch") or "x86_64",
        machine=attribute(domain, "os/type", "machine") or "",
        vcpus=count(domain.find("vcpu"), default=1),
        placement=attribute(domain, "vcpu", "placement") or "static",
        vcpu_cpuset=next((cpus(vcpu, "cpuset") for vcpu in domain.iterfind("vcpu[@cpuset]")), None),
        memory=size(domain.find("memory")),
        hard_limit=next(map(size, domain.iterfind("memtune/hard_limit")), None),
        **lift_cpu(domain),
        **_lift_tuning(domain),
        **_lift_backing(domain),
        memballoon=attribute(domain, "devices/memballoon", "model"),
        **lift_features(domain),
        devices=lift_devices(domain),
        guest=_guest(domain),
    )


def _lift_tuning(domain: _Element) -> dict[str, Any]:
    ids = CpuSet(number(one, "id") for one in domain.iterfind("iothreadids/iothread[@id]"))
    # IOThreads may be counted, or listed one by one.
    listed = sum(1 for _ in domain.iterfind("iothreadids/iothread"))
    iothreads = max(count(domain.find("iothreads"), default=0), listed)
    return {
        "vcpu_pins": tuple(
            VcpuPin(vcpu=number(pin, "vcpu"), cpus=cpus(pin, "cpuset")) for pin in domain.iterfind("cputune/vcpupin")
        ),
        "emulator_pin": next((cpus(pin, "cpuset") for pin in domain.iterfind("cputune/emulatorpin")), None),
        "iothreads": iothreads,
        "iothread_ids": CpuSet() if ids <= CpuSet(range(1, iothreads + 1)) else ids,
        "iothread_pins": tuple(
            IothreadPin(iothread=number(pin, "iothread"), cpus=cpus(pin, "cpuset"))
            for pin in domain.iterfind("cputune/iothreadpin")
        ),
        "vcpu_scheds": _scheds(domain),
        "numa": next((_numa(memory) for memory in domain.iterfind("numatune/memory")), None),
    }


def _lift_backing(domain: _Element) -> dict[str, Any]:
    return {
        "hugepages": _hugepages(domain.find("memoryBacking/hugepages")),
        "locked": domain.find("memoryBacking/locked") is not None,
        "nosharepages": domain.find("memoryBacking/nosharepages") is not None,
        "memory_source": attribute(domain, "memoryBacking/source", "type"),
    }


def _guest(domain: _Element) -> GuestSpec | None:
    try:
        return read(domain, "", lambda: lift_guest(domain))
    except QuietcoreError:
        raise
    except ValueError as fault:  # metadata that somebody changed by hand
        said = " ".join(str(fault).split())
        raise LiftError("guest facts make no guest", where="/domain/metadata", given=said) from None


def _backing(domain: DomainSpec) -> list[Tag]:
    pages = [] if domain.hugepages is None else [tag("hugepages", *_pages(domain.hugepages))]
    switches = {"nosharepages": domain.nosharepages, "locked": domain.locked}
    source = [] if domain.memory_source is None else [tag("source", type=domain.memory_source)]
    return [*pages, *(tag(name) for name, on in switches.items() if on), *source]


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
    priority = number(sched, "priority") if sched.get("priority") else None
    return VcpuSched(vcpus=cpus(sched, "vcpus"), policy=sched.get("scheduler", ""), priority=priority)


def _numa(memory: _Element) -> NumaTune:
    return NumaTune(mode=memory.get("mode", "strict"), nodeset=cpus(memory, "nodeset"))


def _hugepages(element: _Element | None) -> tuple[HugePages, ...] | None:
    if element is None:
        return None
    pages = (
        HugePages(size=size(page, "size") if page.get("size") else Size(0), nodeset=cpus(page, "nodeset"))
        for page in element.iterfind("page")
    )
    return tuple(pages) or (HugePages(),)
