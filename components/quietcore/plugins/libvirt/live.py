"""Changes that reach a running domain, one call of libvirt each."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import libvirt
from lxml import etree

from quietcore.plugins.handler import Mark
from quietcore.plugins.libvirt.cpulist import expand_cpus
from quietcore.plugins.libvirt.facets import Facets, kib_of
from quietcore.plugins.libvirt.meaning import SCHEDULING
from quietcore.plugins.libvirt.scheduling import reachable, schedule
from quietcore.plugins.ownership import NAMESPACE, PREFIX, put_mark
from quietcore.render.stylesheet import parse_xml

LIVE: Final = libvirt.VIR_DOMAIN_AFFECT_LIVE
REMOVABLE: Final = ("cdrom", "floppy")

# XML element of <cputune> to the parameter of virDomainSetSchedulerParametersFlags.
BANDWIDTH: Final = {
    "shares": "cpu_shares", "period": "vcpu_period", "quota": "vcpu_quota",
    **{f"{who}_{what}": f"{who}_{what}" for who in ("global", "emulator", "iothread") for what in ("period", "quota")},
}  # fmt: skip

Apply = Callable[["Running", str, str, str], bool]


@dataclass(frozen=True, slots=True)
class Running:
    """A running domain, its new definition, and how its host is reached."""

    domain: libvirt.virDomain
    definition: etree._Element
    live: etree._Element
    uri: str

    def cpumap(self, cpus: str) -> tuple[bool, ...]:
        """Give the CPU map for a CPU list; every CPU of the host for none."""
        count = self.domain.connect().getCPUMap(0)[0]
        wanted = set(expand_cpus(cpus)) if cpus else set(range(count))
        return tuple(number in wanted for number in range(max(count, *wanted) if wanted else count))


def apply_live(running: Running, wanted: Facets, has: Facets) -> list[str]:
    """Bring what runs to `wanted` where libvirt can; give the keys that were set.

    Raises:
        libvirt.libvirtError, HandlerError: a change that should have been possible was refused.
    """
    done = []
    differing = [key for key in {**wanted, **has} if wanted.get(key, "") != has.get(key, "")]
    for key in differing:
        for pattern, apply in _APPLIES:
            found = pattern.match(key)
            if found and apply(running, found.group(1) if found.groups() else "", key, wanted.get(key, "")):
                done.append(key)
                break
    return done + _schedule(running, {key: wanted.get(key, "") for key in differing if key.startswith(SCHEDULING)})


def put_live_mark(domain: libvirt.virDomain, mark: Mark) -> None:
    """Write the mark of ownership into the running domain too."""
    holder = etree.Element("domain")
    put_mark(holder, mark)
    domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, _without_namespace(holder[0][0]), PREFIX, NAMESPACE, LIVE)


def _without_namespace(element: etree._Element) -> str:
    """Write an element as libvirt takes metadata: without its own namespace, which libvirt declares itself."""
    own = etree.QName(element).namespace
    copied = copy.deepcopy(element)
    for each in copied.iter():
        if isinstance(each.tag, str) and etree.QName(each).namespace == own:
            each.tag = etree.QName(each).localname
    etree.cleanup_namespaces(copied)
    return etree.tostring(copied, encoding="unicode")


def _schedule(running: Running, wanted: Facets) -> list[str]:
    if not wanted or not reachable(running.uri):
        return []
    return schedule(running.uri, running.domain.UUIDString(), wanted)


def _pin_vcpu(running: Running, number: str, _key: str, cpus: str) -> bool:
    if not all(int(number) < _count(root, "vcpu", 1) for root in (running.live, running.definition)):
        return False  # a vCPU that only the next boot brings or takes away: while it runs it stays where it is
    running.domain.pinVcpuFlags(int(number), running.cpumap(cpus), LIVE)
    return True


def _pin_emulator(running: Running, _name: str, _key: str, cpus: str) -> bool:
    running.domain.pinEmulator(running.cpumap(cpus), LIVE)
    return True


def _pin_iothread(running: Running, number: str, _key: str, cpus: str) -> bool:
    if not all(int(number) <= _count(root, "iothreads", 0) for root in (running.live, running.definition)):
        return False
    running.domain.pinIOThread(int(number), running.cpumap(cpus), LIVE)
    return True


def _count(root: etree._Element, tag: str, default: int) -> int:
    text = (root.findtext(tag) or "").strip()
    return int(text) if text.isdigit() else default


def _bandwidth(running: Running, tag: str, _key: str, value: str) -> bool:
    if tag not in BANDWIDTH or not value.lstrip("-").isdigit():
        return False
    running.domain.setSchedulerParametersFlags({BANDWIDTH[tag]: int(value)}, LIVE)
    return True


def _memory_limit(running: Running, tag: str, _key: str, value: str) -> bool:
    kib = kib_of(*value.split(" ", 1)) if value else libvirt.VIR_DOMAIN_MEMORY_PARAM_UNLIMITED
    running.domain.setMemoryParameters({tag: kib}, LIVE)
    return True


def _describe(running: Running, _name: str, key: str, text: str) -> bool:
    kind = libvirt.VIR_DOMAIN_METADATA_TITLE if key == "title" else libvirt.VIR_DOMAIN_METADATA_DESCRIPTION
    running.domain.setMetadata(kind, text or None, None, None, LIVE)
    return True


def _metadata(running: Running, name: str, _key: str, text: str) -> bool:
    if not text:
        running.domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, None, None, name, LIVE)
        return True
    element = parse_xml(text)
    if not etree.QName(element).namespace:
        return False  # libvirt addresses metadata by namespace alone
    told = _without_namespace(element)
    running.domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, told, element.prefix or "user", name, LIVE)
    return True


def _interface(running: Running, index: str, _key: str, _value: str) -> bool:
    new, old = running.definition.findall("devices/interface"), running.live.findall("devices/interface")
    if int(index) >= min(len(new), len(old)):
        return False
    device = copy.deepcopy(new[int(index)])
    if device.get("type") != old[int(index)].get("type") and "direct" in (
        device.get("type"),
        old[int(index)].get("type"),
    ):
        return False  # a macvtap becomes no tap while it is open
    for tag in ("alias", "address", "target"):
        child = old[int(index)].find(tag)
        if child is not None and device.find(tag) is None:
            device.append(copy.deepcopy(child))
    running.domain.updateDeviceFlags(etree.tostring(device, encoding="unicode"), LIVE)
    return True


def _disk(running: Running, dev: str, _key: str, _value: str) -> bool:
    disk = running.definition.find(f"devices/disk/target[@dev='{dev}']/..")
    was = running.live.find(f"devices/disk/target[@dev='{dev}']/..")
    if disk is None or was is None or disk.get("device") not in REMOVABLE:
        return False
    flags = LIVE | libvirt.VIR_DOMAIN_DEVICE_MODIFY_FORCE  # the guest may hold the tray
    running.domain.updateDeviceFlags(etree.tostring(disk, encoding="unicode"), flags)
    return True


_APPLIES: Final[tuple[tuple[re.Pattern[str], Apply], ...]] = tuple(
    (re.compile(pattern + r"\Z"), apply)
    for pattern, apply in (
        (r"cputune\.vcpupin\[(\d+)\]", _pin_vcpu),
        (r"cputune\.emulatorpin", _pin_emulator),
        (r"cputune\.iothreadpin\[(\d+)\]", _pin_iothread),
        (r"cputune\.(\w+)", _bandwidth),
        (r"memtune\.(hard_limit|soft_limit|swap_hard_limit)", _memory_limit),
        (r"title|description", _describe),
        (r"metadata\[(.+)\]", _metadata),
        (r"devices\.interface\[(\d+)\]\.(?:source|link)", _interface),
        (r"devices\.disk\[(\w+)\]\.source", _disk),
    )
)
