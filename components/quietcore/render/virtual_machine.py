"""Virtual machines of KubeVirt (kubevirt.io/v1): VirtualMachine and VirtualMachineInstance objects to values and back.

What an instance type or a preference adds is not in the object, and not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from quietcore.render.amounts import amounts, resources
from quietcore.render.manifest import Manifest, manifest_in, manifest_of, manifests, members
from quietcore.render.yaml_document import YamlDocument
from quietcore.render.yaml_text import yaml_text
from quietcore.spec.virtual_machine import VirtualMachineSpec

TEMPLATES: Final[Mapping[str, tuple[str, ...]]] = {
    "VirtualMachine": ("spec", "template", "spec", "domain"),
    "VirtualMachineInstance": ("spec", "domain"),
    "VirtualMachineInstanceReplicaSet": ("spec", "template", "spec", "domain"),
}
"""Where each kind of object keeps the domain."""

_JUDGED: Final = (
    "cpu.cores",
    "cpu.dedicatedCpuPlacement",
    "cpu.numa.guestMappingPassthrough",
    "cpu.realtime",
    "memory.hugepages",
    "resources",
)


def lift(text: str, name: str = "") -> tuple[VirtualMachineSpec, ...]:
    """Every virtual machine of a YAML or JSON file, in order; other objects are left out.

    ``name`` is the file's. Raises YamlError and ManifestError, which name the line.
    """
    return tuple(found for each in manifests(text, name) for found in _lifted(each))


def lift_document(document: YamlDocument) -> tuple[VirtualMachineSpec, ...]:
    """The same from one document of a file. Raises ManifestError, which names the line."""
    return tuple(found for each in members(manifest_in(document)) for found in _lifted(each))


def lift_object(data: Mapping[str, Any], name: str = "") -> tuple[VirtualMachineSpec, ...]:
    """The same from an object as plain data; ``name`` is for errors. Raises ManifestError."""
    return tuple(found for each in members(manifest_of(data, name)) for found in _lifted(each))


def virtual_machine_object(machine: VirtualMachineSpec) -> dict[str, Any]:
    """Give the object. The number of vCPUs is written as cores."""
    cpu: dict[str, Any] = {} if machine.vcpus is None else {"cores": machine.vcpus}
    if machine.dedicated:
        cpu["dedicatedCpuPlacement"] = True
    if machine.isolated_emulator:
        cpu["isolateEmulatorThread"] = True
    if machine.realtime:
        cpu["realtime"] = {"mask": machine.realtime_mask} if machine.realtime_mask else {}
    if machine.guest_mapping:
        cpu["numa"] = {"guestMappingPassthrough": {}}
    domain: dict[str, Any] = {"cpu": cpu}
    if machine.hugepages is not None:
        domain["memory"] = {"hugepages": {"pageSize": machine.hugepages}}
    domain["resources"] = {"requests": resources(machine.requests), "limits": resources(machine.limits)}
    holder: dict[str, Any] = domain
    for key in reversed(TEMPLATES[machine.kind]):
        holder = {key: holder}
    metadata = {"name": machine.name, "namespace": machine.namespace}
    return {"apiVersion": "kubevirt.io/v1", "kind": machine.kind, "metadata": metadata, **holder}


def render(machine: VirtualMachineSpec) -> str:
    """Give the YAML text of the object."""
    return yaml_text(virtual_machine_object(machine))


def _lifted(found: Manifest) -> Iterable[VirtualMachineSpec]:
    kind = found.at("kind").text() or ""
    if kind not in TEMPLATES:
        return
    domain, metadata = found.at(*TEMPLATES[kind]), found.at("metadata")
    cpu = domain.at("cpu")
    mapping = cpu.at("numa", "guestMappingPassthrough")
    yield VirtualMachineSpec(
        name=metadata.at("name").text() or metadata.at("generateName").text() or "",
        namespace=metadata.at("namespace").text() or "default",
        kind=kind,
        vcpus=_vcpus(cpu),
        realtime=_there(cpu.at("realtime")),
        realtime_mask=cpu.at("realtime", "mask").text() or "",
        dedicated=cpu.at("dedicatedCpuPlacement").flag() or False,
        isolated_emulator=cpu.at("isolateEmulatorThread").flag() or False,
        guest_mapping=_there(mapping),
        hugepages=_page_size(domain.at("memory", "hugepages")),
        requests=amounts(domain.at("resources", "requests")),
        limits=amounts(domain.at("resources", "limits")),
        undecided=tuple(_undecided(found, domain)),
    )


def _undecided(found: Manifest, domain: Manifest) -> Iterable[str]:
    """What is not known yet, or stands in an instance type."""
    typed = found.at("spec", "instancetype").value is not None
    for path in _JUDGED:
        if (typed and path != "resources") or domain.at(*path.split(".")).undecided():
            yield path


def _there(found: Manifest) -> bool:
    """Whether an object is given, be it empty."""
    return found.known and found.value is not None and found.fields() is not None


def _page_size(found: Manifest) -> str | None:
    return (found.at("pageSize").text() or "") if found.known and found.value is not None else None


def _vcpus(cpu: Manifest) -> int | None:
    counts = [cpu.at(name).number() for name in ("cores", "sockets", "threads")]
    given = [count for count in counts if count is not None]
    total = 1
    for count in given:
        total *= count
    return total if given else None
