"""Requests and limits: resource names with Kubernetes quantities, both ways."""

from __future__ import annotations

from typing import Final

from quietcore.errors import UnitError
from quietcore.render.manifest import Manifest
from quietcore.spec.pod import Amounts
from quietcore.units import Size
from quietcore.units.quantity import Quantity

_PAGES: Final = "hugepages-"


def amounts(found: Manifest) -> Amounts:
    """Read a mapping of resources; those that have no value yet are left out. Raises ManifestError."""
    pages: dict[Size, int] = {}
    devices: dict[str, int] = {}
    cpu, memory = found.at("cpu").quantity(), found.at("memory").quantity()
    for name in found.fields():
        amount = found.at(name).quantity()
        if amount is not None and name.startswith(_PAGES):
            pages[_page(found.at(name), name.removeprefix(_PAGES))] = amount.whole
        elif amount is not None and "/" in name:
            devices[name] = amount.whole
    return Amounts(
        cpu=None if cpu is None else cpu.milli,
        memory=None if memory is None else memory.whole,
        hugepages=pages,
        devices=devices,
    )


def resources(given: Amounts) -> dict[str, str]:
    """Write what ``amounts`` reads."""
    written = {} if given.cpu is None else {"cpu": str(Quantity(given.cpu * 1_000_000))}
    if given.memory is not None:
        written["memory"] = str(Quantity.of(given.memory))
    for size, amount in sorted(given.hugepages.items()):
        written[_PAGES + str(Quantity.of(size.bytes))] = str(Quantity.of(amount))
    return written | {name: str(Quantity.of(count)) for name, count in sorted(given.devices.items())}


def _page(found: Manifest, text: str) -> Size:
    try:
        return Size(Quantity.parse(text).whole)
    except UnitError as fault:
        raise found.fault("hugepages-<size>, such as hugepages-1Gi", hint=fault.hint, what=fault.what) from None
