"""OpenShift's PerformanceProfile in YAML, both ways (performance.openshift.io/v2; v1 and v1alpha1 read alike).

Field names and types: the custom resource's Go types, which the API server holds a profile to before any webhook does.
So a CPU set that is written as a number is refused here as it is there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from quietcore.errors import QuietcoreError
from quietcore.render.yaml_document import Path, YamlDocument, documents
from quietcore.render.yaml_text import yaml_text
from quietcore.spec.performance_profile import (
    HardwareTuning,
    PerformanceProfileSpec,
    ProfileDevice,
    ProfilePages,
    WorkloadHints,
)
from quietcore.units import CpuSet

KIND: Final = "PerformanceProfile"
GROUP: Final = "performance.openshift.io"

_CPUS: Final = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*\Z", re.ASCII)  # k8s.io/utils/cpuset: no strides, no blanks
_T = TypeVar("_T")


class ProfileError(QuietcoreError, ValueError):
    """A profile that the API server would refuse; ``where`` names the file, the line and the field."""


def lift(text: str, name: str = "") -> PerformanceProfileSpec:
    """The one profile in a text. Raises YamlError, and ProfileError where there is none or more than one."""
    found = [document for document in documents(text, name) if is_profile(document)]
    if len(found) != 1:
        given = f"{len(found) or 'no'} PerformanceProfile{'s' if len(found) > 1 else ''}"
        raise ProfileError("not a profile", where=name, given=given, allowed="one document of that kind")
    return lift_document(found[0])


def is_profile(document: YamlDocument) -> bool:
    """Whether a document says that it is a PerformanceProfile."""
    data = document.data
    if not isinstance(data, Mapping) or data.get("kind") != KIND:
        return False
    return str(data.get("apiVersion", GROUP)).partition("/")[0] == GROUP


def lift_document(document: YamlDocument) -> PerformanceProfileSpec:
    """The profile of a document. Raises ProfileError that names the line of a field of the wrong type."""
    reader = _Reader(document)
    meta, spec = reader.mapping(("metadata",)), reader.mapping(("spec",))
    values = {
        "name": reader.text(meta, "name") or "",
        "annotations": reader.labels(meta, "annotations") or {},
        **_cpu(reader, reader.mapping((*spec, "cpu"))),
        **_pages(reader, reader.mapping((*spec, "hugepages"))),
        **_network(reader, reader.mapping((*spec, "net"))),
        "hints": _hints(reader, reader.mapping((*spec, "workloadHints"))),
        "hardware_tuning": _tuning(reader, spec),
        "realtime_kernel": reader.truth(reader.mapping((*spec, "realTimeKernel")), "enabled"),
        "kernel_page_size": reader.text(spec, "kernelPageSize"),
        "topology_policy": reader.text(reader.mapping((*spec, "numa")), "topologyPolicy"),
        "node_selector": reader.labels(spec, "nodeSelector"),
        "machine_config_label": reader.labels(spec, "machineConfigLabel"),
        "pool_selector": reader.labels(spec, "machineConfigPoolSelector"),
        "kernel_args": reader.texts(spec, "additionalKernelArgs"),
        "irqs_off_isolated": reader.truth(spec, "globallyDisableIrqLoadBalancing"),
    }
    return PerformanceProfileSpec(**values, unread=tuple(reader.unread(spec)))


def _cpu(reader: _Reader, at: Path) -> dict[str, Any]:
    return {
        "reserved": reader.cpus(at, "reserved"),
        "isolated": reader.cpus(at, "isolated"),
        "offlined": reader.cpus(at, "offlined"),
        "shared": reader.cpus(at, "shared"),
        "vswitch": reader.cpus(at, "ovsDpdk"),
        "balance_isolated": reader.truth(at, "balanceIsolated"),
    }


def _pages(reader: _Reader, at: Path) -> dict[str, Any]:
    pages = (
        ProfilePages(
            size=reader.text(each, "size") or "",
            count=reader.number(each, "count") or 0,
            node=reader.number(each, "node"),
        )
        for each in reader.items(at, "pages")
    )
    return {"default_page_size": reader.text(at, "defaultHugepagesSize"), "pages": tuple(pages)}


def _network(reader: _Reader, at: Path) -> dict[str, Any]:
    devices = (
        ProfileDevice(
            interface=reader.text(each, "interfaceName"),
            vendor=reader.text(each, "vendorID"),
            device=reader.text(each, "deviceID"),
        )
        for each in reader.items(at, "devices")
    )
    return {"user_level_networking": reader.truth(at, "userLevelNetworking"), "devices": tuple(devices)}


def _hints(reader: _Reader, at: Path) -> WorkloadHints:
    return WorkloadHints(
        real_time=reader.truth(at, "realTime"),
        high_power=reader.truth(at, "highPowerConsumption"),
        per_pod_power=reader.truth(at, "perPodPowerManagement"),
        mixed_cpus=reader.truth(at, "mixedCpus"),
    )


def _tuning(reader: _Reader, spec: Path) -> HardwareTuning | None:
    at = (*spec, "hardwareTuning")
    if reader.value(at) is None:
        return None
    reader.mapping(at)
    return HardwareTuning(isolated=reader.number(at, "isolatedCpuFreq"), reserved=reader.number(at, "reservedCpuFreq"))


@dataclass
class _Reader:
    """Typed reads by path, which remember what was read."""

    document: YamlDocument
    seen: set[Path] = field(default_factory=set)

    def value(self, path: Path) -> Any:
        here = self.document.data
        for part in path:
            if isinstance(here, Mapping):
                here = here.get(part)
            else:
                here = here[part] if isinstance(here, list) and isinstance(part, int) else None
        self.seen.add(path)
        return here

    def mapping(self, path: Path) -> Path:
        self._typed(path, dict, "a mapping")
        return path

    def text(self, at: Path, key: str | int) -> str | None:
        return self._typed((*at, key), str, "text", _quoted)

    def truth(self, at: Path, key: str) -> bool | None:
        return self._typed((*at, key), bool, "true or false")

    def number(self, at: Path, key: str) -> int | None:
        value = self._typed((*at, key), int, "a whole number")
        if isinstance(value, bool) or (value is not None and value < 0):
            raise self.fault((*at, key), value, "a whole number from 0")
        return value

    def cpus(self, at: Path, key: str) -> CpuSet | None:
        text = self.text(at, key)
        if text is None:
            return None
        if text and not _CPUS.match(text):
            raise self.fault((*at, key), text, 'a list such as "0-3,8", without blanks or strides')
        try:
            return CpuSet.parse(text)
        except QuietcoreError as fault:
            raise self.fault((*at, key), text, fault.allowed or fault.what) from None

    def items(self, at: Path, key: str) -> list[Path]:
        path = (*at, key)
        return [self.mapping((*path, index)) for index in range(len(self._typed(path, list, "a list") or ()))]

    def texts(self, at: Path, key: str) -> tuple[str, ...]:
        path = (*at, key)
        texts = [self.text(path, index) for index in range(len(self._typed(path, list, "a list") or ()))]
        return tuple(text for text in texts if text is not None)

    def labels(self, at: Path, key: str) -> dict[str, str] | None:
        path = (*at, key)
        labels = self._typed(path, dict, "a mapping")
        return None if labels is None else {label: self.text(path, label) or "" for label in labels}

    def unread(self, spec: Path) -> Iterator[str]:
        """The outermost paths below the spec that nothing asked for, as a reader writes them."""
        yield from (_written(path) for path in self._unread(spec))

    def _unread(self, path: Path) -> Iterator[Path]:
        value = self.value(path) if path in self.seen else None
        inner: Sequence[Any] = list(value) if isinstance(value, Mapping) else []
        if isinstance(value, list):
            inner = range(len(value))
        for part in inner:
            below = (*path, part)
            if below in self.seen:
                yield from self._unread(below)
            else:
                yield below

    def _typed(self, path: Path, kind: type[_T], allowed: str, hint: Callable[[Any], str] = lambda _: "") -> _T | None:
        value = self.value(path)
        if value is not None and not isinstance(value, kind):
            raise self.fault(path, value, allowed, hint(value))
        return value

    def fault(self, path: Path, given: object, allowed: str, hint: str = "") -> ProfileError:
        shown = given if isinstance(given, str) else _shown(given)
        where = f"{self.document.place(path)}, {_written(path)}"
        return ProfileError("field of the wrong kind", where=where, given=shown, allowed=allowed, hint=hint)


def _shown(value: object) -> str:
    kinds = {bool: str(value).lower(), dict: "a mapping", list: "a list"}
    return kinds.get(type(value), str(value))


def _quoted(value: object) -> str:
    return f'write it in quotes: "{_shown(value)}"' if isinstance(value, int | float) else ""


def _written(path: Path) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def render(profile: PerformanceProfileSpec) -> str:
    """The profile as YAML; ``lift`` reads it back to an equal value, but for what it could not read."""
    body = {
        "cpu": _cpu_data(profile),
        "hardwareTuning": _tuning_data(profile.hardware_tuning),
        "hugepages": _pages_data(profile),
        "realTimeKernel": _kept({"enabled": profile.realtime_kernel}),
        "kernelPageSize": profile.kernel_page_size,
        "additionalKernelArgs": list(profile.kernel_args) or None,
        "globallyDisableIrqLoadBalancing": profile.irqs_off_isolated,
        "numa": _kept({"topologyPolicy": profile.topology_policy}),
        "net": _network_data(profile),
        "workloadHints": _hints_data(profile.hints),
        "machineConfigLabel": profile.machine_config_label,
        "machineConfigPoolSelector": profile.pool_selector,
        "nodeSelector": profile.node_selector,
    }
    meta = _kept({"name": profile.name or None, "annotations": profile.annotations or None})
    return yaml_text({"apiVersion": f"{GROUP}/v2", "kind": KIND, "metadata": meta or {}, "spec": _kept(body) or {}})


def _cpu_data(profile: PerformanceProfileSpec) -> dict[str, Any] | None:
    sets = {
        "reserved": profile.reserved,
        "isolated": profile.isolated,
        "offlined": profile.offlined,
        "shared": profile.shared,
        "ovsDpdk": profile.vswitch,
    }
    written = {key: None if cpus is None else str(cpus) for key, cpus in sets.items()}
    return _kept({**written, "balanceIsolated": profile.balance_isolated})


def _tuning_data(tuning: HardwareTuning | None) -> dict[str, Any] | None:
    if tuning is None:
        return None
    return _kept({"isolatedCpuFreq": tuning.isolated, "reservedCpuFreq": tuning.reserved}) or {}


def _pages_data(profile: PerformanceProfileSpec) -> dict[str, Any] | None:
    pages = [_kept({"size": each.size, "count": each.count, "node": each.node}) for each in profile.pages]
    return _kept({"defaultHugepagesSize": profile.default_page_size, "pages": pages or None})


def _network_data(profile: PerformanceProfileSpec) -> dict[str, Any] | None:
    devices = [
        _kept({"interfaceName": each.interface, "vendorID": each.vendor, "deviceID": each.device}) or {}
        for each in profile.devices
    ]
    return _kept({"userLevelNetworking": profile.user_level_networking, "devices": devices or None})


def _hints_data(hints: WorkloadHints) -> dict[str, Any] | None:
    return _kept(
        {
            "realTime": hints.real_time,
            "highPowerConsumption": hints.high_power,
            "perPodPowerManagement": hints.per_pod_power,
            "mixedCpus": hints.mixed_cpus,
        }
    )


def _kept(data: Mapping[str, Any]) -> dict[str, Any] | None:
    """Without what is not said; None where nothing is."""
    return {key: value for key, value in data.items() if value is not None} or None
