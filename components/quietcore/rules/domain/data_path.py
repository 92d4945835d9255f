"""Rules on how a real-time guest's data reaches disk and network."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.rules.examples import domain
from quietcore.rules.realtime import of_domain
from quietcore.rules.rule import Doc, Example, Hit, Rule, Scope
from quietcore.rules.sources import source
from quietcore.spec import Disk, DomainSpec, Interface, Severity

PAST_THE_CACHE = ("none", "directsync")
OF_THE_HOST = ("file", "block")
NO_SNAPSHOT = (None, "no", "manual")
EMULATED_BY_DEFAULT = ("bridge", "ethernet", "direct", "internal", "mcast", "client", "server", "udp")


def _disks(disk: Disk) -> DomainSpec:
    return domain(devices=domain().devices.model_copy(update={"disks": (disk,)}))


def _cards(card: Interface) -> DomainSpec:
    return domain(devices=domain().devices.model_copy(update={"interfaces": (card,)}))


def _place(disk: Disk, number: int) -> str:
    return f"devices.disk[{disk.target or number}]"


@of_domain
def _cached(domain: DomainSpec) -> Iterator[Hit]:
    for number, disk in enumerate(domain.devices.disks):
        if disk.type in OF_THE_HOST and disk.cache not in PAST_THE_CACHE:
            given = f'"{disk.cache}"' if disk.cache else "nothing: QEMU writes back through the host's cache"
            yield Hit(where=f"{_place(disk, number)}.driver.cache", given=given, allowed='"none"')


D39: Rule[DomainSpec] = Rule(
    code="D39",
    title="disk goes through the host's page cache",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_cached,
    doc=Doc(
        what="Disks of a real-time domain that are files or block devices of the host bypass its page cache: cache "
        "none, or directsync. Network disks have a cache of their own and are not judged; nor is the format, though "
        "raw costs the least, and io may be threads or native.",
        why="The host writes its cache back in bursts, at times of its own. The guest's disk then stops, and the "
        "write-back threads compete for memory bandwidth with the real-time load.",
        fix="write cache='none' in the disk's <driver>",
        sources=(source("RHEL-V", "virt-install with cache=none"),),
        bad=Example(
            text="<disk type='file' device='disk'>\n  <driver name='qemu' type='raw' cache='writeback'/>\n"
            "  <target dev='vda' bus='virtio'/>\n</disk>",
            subject=lambda: _disks(Disk(target="vda", cache="writeback")),
        ),
        good=Example(
            text="<disk type='file' device='disk'>\n  <driver name='qemu' type='raw' cache='none'/>\n"
            "  <target dev='vda' bus='virtio'/>\n</disk>",
            subject=lambda: _disks(Disk(target="vda", cache="none")),
        ),
    ),
)


@of_domain
def _through_the_emulator(domain: DomainSpec) -> Iterator[Hit]:
    for number, card in enumerate(domain.devices.interfaces):
        if why := _carried(card):
            yield Hit(where=f"devices.interface[{number}]", given=why, allowed="passthrough, or virtio with vhost")


def _carried(card: Interface) -> str:
    """Why the emulator carries each packet of a card; "" where it does not, or where the XML cannot tell."""
    if card.type == "user":
        return "user-mode networking, which QEMU does itself"
    if card.type in ("hostdev", "vdpa", "vhostuser"):
        return ""
    if card.model is None:
        return "no model: QEMU emulates a card" if card.type in EMULATED_BY_DEFAULT else ""
    if not card.model.startswith("virtio"):
        return f'model "{card.model}", which QEMU emulates'
    return 'driver "qemu" instead of vhost' if card.driver == "qemu" else ""


D40: Rule[DomainSpec] = Rule(
    code="D40",
    title="emulator carries the guest's packets",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_through_the_emulator,
    doc=Doc(
        what="No network interface of a real-time domain is served by the emulator: neither an emulated card, nor "
        "user-mode networking, nor virtio without vhost. The real-time traffic itself wants a device that is passed "
        "through (SR-IOV); which interface carries it the XML does not say, so virtio with vhost is not told.",
        why="The emulator's threads run on housekeeping CPUs, behind whatever the host does there, and each packet "
        "waits for them. A device that is passed through reaches the guest without the host.",
        fix="pass a PCI function through for real-time traffic; write <model type='virtio'/> for the rest",
        sources=(source("K-HW"), source("LV-FMT", '"Network interfaces"')),
        bad=Example(
            text="<interface type='bridge'>\n  <model type='e1000e'/>\n</interface>",
            subject=lambda: _cards(Interface(type="bridge", model="e1000e")),
        ),
        good=Example(
            text="<interface type='hostdev' managed='yes'>\n  ...\n</interface>",
            subject=lambda: _cards(Interface(type="hostdev")),
        ),
    ),
)


@of_domain
def _stopped(domain: DomainSpec) -> Iterator[Hit]:
    for number, disk in enumerate(domain.devices.disks):
        if disk.snapshot not in NO_SNAPSHOT:
            yield Hit(where=f"{_place(disk, number)}.snapshot", given=f'"{disk.snapshot}"', allowed='"no"')


D49: Rule[DomainSpec] = Rule(
    code="D49",
    title="disk is set up for snapshots of the running guest",
    severity=Severity.WARNING,
    scope=Scope.VALUE,
    subject=DomainSpec,
    judge=_stopped,
    doc=Doc(
        what="No disk of a real-time domain asks for internal or external snapshots. Live migration and suspend stop "
        "the guest in the same way; the XML speaks of them where CPU and sleep states are told (D17, D35).",
        why="A snapshot, a migration and a managed save stop all vCPUs at once, for as long as memory and disk take.",
        fix="write snapshot='no', and copy the disk while the guest is off",
        sources=(source("RHEL-V"), source("LV-FMT", '"Hard drives, floppy disks, CDROMs", snapshot')),
        bad=Example(
            text="<disk type='file' device='disk' snapshot='external'>",
            subject=lambda: _disks(Disk(target="vda", cache="none", snapshot="external")),
        ),
        good=Example(
            text="<disk type='file' device='disk' snapshot='no'>",
            subject=lambda: _disks(Disk(target="vda", cache="none", snapshot="no")),
        ),
    ),
)
