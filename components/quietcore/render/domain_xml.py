"""Domain XML and the effective domain, both ways: ``render`` writes what rules judge, ``lift`` reads it back.

``lift`` takes what a program defines and what libvirt prints of it, with ids, defaults and units of its own:
https://libvirt.org/formatdomain.html. What the XML does not say stays unsaid in the spec.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietcore.errors import QuietcoreError
from quietcore.render.domain_cpu import clock, cpu, features, lift_clock, lift_cpu, lift_features, lift_power, power
from quietcore.render.domain_devices import devices, lift_devices
from quietcore.render.domain_metadata import guest_facts, lift_guest
from quietcore.render.xml_lift import LiftError as LiftError
from quietcore.render.xml_lift import count, cpus, number, read, size, too_many
from quietcore.render.xml_text import Tag, document, tag
from quietcore.spec import DomainSpec, GuestSpec, HugePages, IothreadPin, NumaTune, VcpuPin, VcpuSched
from quietcore.units import CpuSet, Size
from quietcore.units.cpuset import MOST

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
    # Each search from the top walks all children anew; this runs for every domain of a site.
    parts = {child.tag: child for child in reversed(domain)}
    system, vcpu = parts.get("os"), parts.get("vcpu")
    kind = None if system is None else system.find("type")
    return DomainSpec(
        name=domain.findtext("name") or "",
        hypervisor=domain.get("type", "kvm"),
        arch=("" if kind is None else kind.get("arch")) or "x86_64",
        machine=("" if kind is None else kind.get("machine")) or "",
        vcpus=count(vcpu, default=1),
        placement=("" if vcpu is None else vcpu.get("placement")) or "static",
        vcpu_cpuset=cpus(vcpu, "cpuset") if vcpu is not None and vcpu.get("cpuset") is not None else None,
        memory=size(parts.get("memory")),
        hard_limit=_limit(parts.get("memtune")),
        **lift_cpu(parts.get("cpu")),
        **_lift_pinning(parts.get("cputune")),
        **_lift_iothreads(parts.get("iothreads"), parts.get("iothreadids")),
        numa=_numa(parts.get("numatune")),
        **_lift_backing(parts.get("memoryBacking")),
        **lift_features(parts.get("features")),
        **lift_clock(parts.get("clock")),
        **lift_power(parts.get("pm")),
        **lift_devices(parts.get("devices")),
        guest=_guest(domain),
    )


def _limit(memtune: _Element | None) -> Size | None:
    limit = None if memtune is None else memtune.find("hard_limit")
    return None if limit is None else size(limit)


def _lift_pinning(cputune: _Element | None) -> dict[str, Any]:
    if cputune is None:
        return {}
    vcpus: list[VcpuPin] = []
    iothreads: list[IothreadPin] = []
    scheds: list[VcpuSched] = []
    emulator: CpuSet | None = None
    if len(cputune) > MOST:
        raise too_many(cputune, len(cputune))
    for one in cputune:
        match one.tag:
            case "vcpupin":
                vcpus.append(VcpuPin(vcpu=number(one, "vcpu"), cpus=cpus(one, "cpuset")))
            case "iothreadpin":
                iothreads.append(IothreadPin(iothread=number(one, "iothread"), cpus=cpus(one, "cpuset")))
            case "vcpusched":
                scheds.append(_sched(one))
            case "emulatorpin" if emulator is None:
                emulator = cpus(one, "cpuset")
    return {
        "vcpu_pins": tuple(vcpus),
        "emulator_pin": emulator,
        "iothread_pins": tuple(iothreads),
        "vcpu_scheds": _merged(scheds),
    }


def _lift_iothreads(counted: _Element | None, listed: _Element | None) -> dict[str, Any]:
    """IOThreads may be counted, or listed one by one."""
    threads = [] if listed is None else listed.findall("iothread")
    iothreads = max(count(counted, default=0), len(threads))
    ids = CpuSet(number(one, "id") for one in threads if one.get("id"))
    return {"iothreads": iothreads, "iothread_ids": CpuSet() if ids <= CpuSet(range(1, iothreads + 1)) else ids}


def _lift_backing(backing: _Element | None) -> dict[str, Any]:
    parts = {} if backing is None else {child.tag: child for child in backing}
    source = parts.get("source")
    return {
        "hugepages": _hugepages(parts.get("hugepages")),
        "locked": "locked" in parts,
        "nosharepages": "nosharepages" in parts,
        "memory_source": None if source is None else source.get("type"),
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


def _merged(scheds: list[VcpuSched]) -> tuple[VcpuSched, ...]:
    """Scheduling, one entry for vCPUs that share policy and priority: libvirt prints an entry for each vCPU.

    Entries that overlap stay as they are: that is a mistake, which somebody will want to see.
    """
    merged: list[VcpuSched] = []
    for one in scheds:
        alike = next((had for had in merged if (had.policy, had.priority) == (one.policy, one.priority)), None)
        if alike and alike.vcpus.isdisjoint(one.vcpus):
            merged[merged.index(alike)] = alike.model_copy(update={"vcpus": alike.vcpus | one.vcpus})
        else:
            merged.append(one)
    return tuple(merged)


def _sched(sched: _Element) -> VcpuSched:
    priority = number(sched, "priority") if sched.get("priority") else None
    return VcpuSched(vcpus=cpus(sched, "vcpus"), policy=sched.get("scheduler", ""), priority=priority)


def _numa(numatune: _Element | None) -> NumaTune | None:
    memory = None if numatune is None else numatune.find("memory")
    if memory is None:
        return None
    return NumaTune(mode=memory.get("mode", "strict"), nodeset=cpus(memory, "nodeset"))


def _hugepages(element: _Element | None) -> tuple[HugePages, ...] | None:
    if element is None:
        return None
    pages = (
        HugePages(size=size(page, "size") if page.get("size") else Size(0), nodeset=cpus(page, "nodeset"))
        for page in element.iterfind("page")
    )
    return tuple(pages) or (HugePages(),)
