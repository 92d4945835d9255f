"""The devices of a domain, as far as real-time rules care."""

from __future__ import annotations

from quietcore.spec.spec import Spec, Tuple


class Disk(Spec):
    """``devices/disk`` that is a disk, not a CD-ROM or floppy. ``type`` is where it lies: "file", "block", "network".

    ``target`` is its name in the guest. ``cache`` and ``snapshot`` are None where the XML does not say.
    """

    target: str = ""
    type: str = "file"
    cache: str | None = None
    snapshot: str | None = None


class Interface(Spec):
    """``devices/interface``: ``type`` is what it is plugged into, ``model`` what the guest sees, ``driver`` who moves
    its packets; None where the XML does not say."""

    type: str
    model: str | None = None
    driver: str | None = None


class Devices(Spec):
    """What the XML lists under ``devices``. Empty: nothing of the kind is listed.

    ``usb`` is the model of the USB controller: "none" for no USB at all, None where no controller is listed, so that
    libvirt adds one on x86. ``needless`` names display, sound and polled input elements, sorted, each once.
    ``watchdogs`` holds the action of each.
    """

    usb: str | None = None
    needless: Tuple[str] = ()
    rng: bool = False
    usb_hostdevs: int = 0
    disks: Tuple[Disk] = ()
    interfaces: Tuple[Interface] = ()
    watchdogs: Tuple[str] = ()
