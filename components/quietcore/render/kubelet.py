"""A kubelet's configuration to YAML and back: KubeletConfiguration (kubelet.config.k8s.io/v1beta1).

Also read: OpenShift's KubeletConfig, which holds a part of one, the JSON that a kubelet serves at /configz, and files
of several documents such as kubeadm's. Types are as strict as the kubelet's own decoder: it takes no number for text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from quietcore.errors import UnitError
from quietcore.render.yaml_document import YamlDocument, YamlError, documents
from quietcore.render.yaml_fields import Fields
from quietcore.render.yaml_text import yaml_text
from quietcore.spec.kubelet import KubeletSpec, MemoryReservation
from quietcore.units import CpuSet, Duration, Quantity

API: Final = "kubelet.config.k8s.io/v1beta1"
KIND: Final = "KubeletConfiguration"
OPENSHIFT_API: Final = "machineconfiguration.openshift.io/v1"
OPENSHIFT_KIND: Final = "KubeletConfig"

KEYS: Final[Mapping[str, str]] = {
    "cpu_manager_policy": "cpuManagerPolicy",
    "cpu_manager_options": "cpuManagerPolicyOptions",
    "cpu_manager_reconcile_period": "cpuManagerReconcilePeriod",
    "reserved_cpus": "reservedSystemCPUs",
    "kube_reserved": "kubeReserved",
    "system_reserved": "systemReserved",
    "kube_reserved_cgroup": "kubeReservedCgroup",
    "system_reserved_cgroup": "systemReservedCgroup",
    "eviction_hard": "evictionHard",
    "merge_eviction": "mergeDefaultEvictionSettings",
    "memory_manager_policy": "memoryManagerPolicy",
    "reserved_memory": "reservedMemory",
    "topology_manager_policy": "topologyManagerPolicy",
    "topology_manager_scope": "topologyManagerScope",
    "topology_manager_options": "topologyManagerPolicyOptions",
    "feature_gates": "featureGates",
    "cgroup_driver": "cgroupDriver",
    "fail_cgroup_v1": "failCgroupV1",
    "cpu_cfs_quota": "cpuCFSQuota",
    "cpu_cfs_quota_period": "cpuCFSQuotaPeriod",
    "fail_swap_on": "failSwapOn",
}
"""The spec's field to the configuration's, in the order in which they are written."""

_LIST: Final = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*\Z", re.ASCII)
_UNITS: Final = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9}
_NANOSECONDS: Final = {**_UNITS, "h": 3600 * 10**9}
_SPAN: Final = re.compile(r"([0-9]{1,12})(?:\.([0-9]{0,12}))?(ns|us|µs|μs|ms|s|m|h)")
_DURATION: Final = re.compile(rf"\+?(?:{_SPAN.pattern})+\Z")


def render(kubelet: KubeletSpec) -> str:
    """The YAML text; ``lift`` reads it back to an equal value."""
    body = {key: _plain(getattr(kubelet, name)) for name, key in KEYS.items()}
    body = {key: value for key, value in body.items() if value is not None and (value or not isinstance(value, dict))}
    if kubelet.eviction_hard is not None:
        body["evictionHard"] = dict(kubelet.eviction_hard)
    body = {key: value for key, value in body.items() if value != []} | kubelet.unknown
    if kubelet.fragment:
        return yaml_text({"apiVersion": OPENSHIFT_API, "kind": OPENSHIFT_KIND, "spec": {"kubeletConfig": body}})
    return yaml_text({"apiVersion": API, "kind": KIND, **body})


def lift(text: str, name: str = "") -> KubeletSpec:
    """The one kubelet configuration in a text. Raises YamlError with line: for no or several, and for wrong types."""
    found = [document for document in documents(text, name) if speaks_of_kubelet(document)]
    if len(found) != 1:
        lines = ", ".join(str(document.line) for document in found)
        raise YamlError(
            "several kubelet configurations" if found else "no kubelet configuration",
            where=name,
            given=f"documents that begin on lines {lines}" if found else "no document of that kind",
            allowed=f"one document of kind {KIND}",
            hint="keep one of them" if found else f"begin it with apiVersion: {API} and kind: {KIND}",
        )
    return lift_document(found[0])


def speaks_of_kubelet(document: YamlDocument) -> bool:
    """Whether ``lift_document`` reads this document."""
    data = document.data
    if not isinstance(data, dict):
        return False
    return data.get("kind") in (KIND, OPENSHIFT_KIND) or list(data) == ["kubeletconfig"]


def lift_document(document: YamlDocument) -> KubeletSpec:
    """The configuration in a document of the kinds that ``speaks_of_kubelet`` knows. Raises YamlError with line."""
    top = Fields(document)
    if document.data.get("kind") == OPENSHIFT_KIND:
        spec = top.within("spec")
        body = spec.within("kubeletConfig") if spec else None
        return _kubelet(body, fragment=True) if body else KubeletSpec(fragment=True)
    body = top.within("kubeletconfig") if "kubeletconfig" in document.data else top
    return _kubelet(body or top, fragment=False)


def duration(text: str) -> Duration:
    """Go's spelling of a span: ``10s``, ``1.5h``, ``500us``. Raises UnitError. Parts of a microsecond round up."""
    if text in ("0", "+0"):
        return Duration(0)
    if not _DURATION.match(text):
        hint = f'write "{text}s" for seconds' if text.isdigit() else ""
        raise UnitError("not a duration", given=repr(text), allowed='such as "10s" or "100ms"', hint=hint)
    nanoseconds = 0
    for whole, part, unit in _SPAN.findall(text):
        factor = _NANOSECONDS[unit]
        nanoseconds += int(whole) * factor + int(part or "0") * factor // 10 ** len(part)
    return Duration(-(-nanoseconds // 1000))


def cpu_list(text: str) -> CpuSet:
    """The kubelet's CPU list (k8s.io/utils/cpuset): ``0-3,8``, without the kernel's strides. Raises UnitError."""
    if not _LIST.match(text):
        raise UnitError("not a CPU list", given=repr(text), allowed='such as "0-3,8", without spaces')
    return CpuSet.parse(text)


def _kubelet(fields: Fields, *, fragment: bool) -> KubeletSpec:
    fields.read.update(("apiVersion", "kind"))
    values = {name: _READERS[name](fields, key) for name, key in KEYS.items()}
    return KubeletSpec(
        **{name: value for name, value in values.items() if value is not None},
        fragment=fragment,
        unknown=fields.rest(),
    )


def _span(fields: Fields, key: str) -> Duration | None:
    """A span; Go writes an absent one as 0s."""
    found = fields.unit(key, duration)
    return found if found is not None and found.microseconds else None


def _cpus(fields: Fields, key: str) -> CpuSet | None:
    return fields.unit(key, cpu_list)


def _texts(fields: Fields, key: str) -> dict[str, str] | None:
    inner = fields.within(key)
    return None if inner is None else {name: inner.text(name) or "" for name in inner.data}


def _flags(fields: Fields, key: str) -> dict[str, bool] | None:
    inner = fields.within(key)
    return None if inner is None else {name: bool(inner.flag(name)) for name in inner.data}


def _amounts(fields: Fields, key: str) -> dict[str, Quantity] | None:
    inner = fields.within(key)
    if inner is None:
        return None
    return {name: inner.parsed(name, inner.text(name) or "", Quantity.parse) for name in inner.data}


def _reservations(fields: Fields, key: str) -> tuple[MemoryReservation, ...]:
    return tuple(MemoryReservation(node=each.whole("numaNode") or 0, limits=_limits(each)) for each in fields.each(key))


def _limits(fields: Fields) -> dict[str, Quantity]:
    """Amounts that may be written as numbers, since their type is Quantity and not text."""
    inner = fields.within("limits")
    if inner is None:
        return {}
    numbers = {name for name, value in inner.data.items() if type(value) in (int, float)}
    return {
        name: inner.parsed(name, str(inner.data[name]) if name in numbers else inner.text(name) or "", Quantity.parse)
        for name in inner.data
    }


_READERS: Final[Mapping[str, Callable[[Fields, str], Any]]] = {
    **dict.fromkeys(KEYS, Fields.text),
    **dict.fromkeys(("merge_eviction", "fail_cgroup_v1", "cpu_cfs_quota", "fail_swap_on"), Fields.flag),
    **dict.fromkeys(("cpu_manager_options", "topology_manager_options", "eviction_hard"), _texts),
    **dict.fromkeys(("kube_reserved", "system_reserved"), _amounts),
    **dict.fromkeys(("cpu_manager_reconcile_period", "cpu_cfs_quota_period"), _span),
    "reserved_cpus": _cpus,
    "reserved_memory": _reservations,
    "feature_gates": _flags,
}


def _plain(value: Any) -> Any:
    """A field's value as the configuration writes it."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, tuple):
        return [{"numaNode": each.node, "limits": _plain(each.limits)} for each in value]
    return str(value) if isinstance(value, (CpuSet, Duration, Quantity)) else value
