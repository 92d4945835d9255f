"""The CPU of a domain, its features, timers and power states, both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietcore.render.xml_lift import number, switch
from quietcore.render.xml_text import Tag, tag
from quietcore.spec import CpuTopology, DomainSpec

if TYPE_CHECKING:
    from lxml.etree import _Element

_LEVELS = ("sockets", "dies", "clusters", "cores", "threads")


def cpu(domain: DomainSpec) -> list[Tag]:
    """The ``<cpu>`` element; nothing where ``domain`` says nothing of it."""
    model = [tag("model", domain.cpu_model, fallback="forbid")] if domain.cpu_model else []
    topology = [_topology(domain.cpu_topology)] if domain.cpu_topology else []
    features = [tag("feature", policy=policy, name=name) for name, policy in sorted(domain.cpu_features.items())]
    said = [*model, *topology, *features]
    # A model that is named is given in full or not at all: libvirt's check against the host would alter it.
    exact = {"match": "exact", "check": "none"} if domain.cpu_mode == "custom" else {}
    check = {"check": "none"} if domain.cpu_mode == "host-passthrough" else {}
    migratable = None if domain.migratable is None else _on(domain.migratable)
    if not (domain.cpu_mode or said or migratable):
        return []
    return [tag("cpu", *said, mode=domain.cpu_mode, **exact, **check, migratable=migratable)]


def features(domain: DomainSpec) -> list[Tag]:
    """The children of ``<features>`` that rules judge."""
    hints = [tag(name, state="on") for name in domain.kvm_features]
    return [
        *([tag("kvm", *hints)] if hints else []),
        *([] if domain.pmu is None else [tag("pmu", state=_on(domain.pmu))]),
        *([] if domain.vmport is None else [tag("vmport", state=_on(domain.vmport))]),
    ]


def clock(domain: DomainSpec) -> list[Tag]:
    """The ``<clock>`` with the timer that rules judge."""
    if domain.hpet is None:
        return []
    return [tag("clock", tag("timer", name="hpet", present=_yes(domain.hpet)), offset="utc")]


def power(domain: DomainSpec) -> list[Tag]:
    """The ``<pm>`` element: which sleep states the guest is offered."""
    states = {"suspend-to-mem": domain.suspend_to_mem, "suspend-to-disk": domain.suspend_to_disk}
    parts = [tag(name, enabled=_yes(on)) for name, on in states.items() if on is not None]
    return [tag("pm", *parts)] if parts else []


def lift_cpu(root: _Element | None) -> dict[str, Any]:
    """The fields of DomainSpec that ``<cpu>`` tells."""
    if root is None:
        return {}
    model, topology, migratable = root.findtext("model"), root.find("topology"), root.get("migratable")
    return {
        # libvirt reads a model without a mode as a custom CPU.
        "cpu_mode": root.get("mode") or ("custom" if model else None),
        "cpu_model": model,
        "cpu_topology": None if topology is None else _lift_topology(topology),
        "cpu_features": {one.get("name", ""): one.get("policy", "require") for one in root.iterchildren("feature")},
        "migratable": None if migratable is None else migratable == "on",
    }


def lift_features(root: _Element | None) -> dict[str, Any]:
    """The fields of DomainSpec that ``<features>`` tells."""
    if root is None:
        return {}
    kvm = root.find("kvm")
    hints = () if kvm is None else (str(one.tag) for one in kvm if one.get("state") == "on")
    return {
        "pmu": switch(root.find("pmu")),
        "vmport": switch(root.find("vmport")),
        "kvm_features": tuple(sorted(hints)),
    }


def lift_clock(root: _Element | None) -> dict[str, Any]:
    """The fields of DomainSpec that ``<clock>`` tells."""
    timers = () if root is None else root.iterchildren("timer")
    return {"hpet": next((switch(one, "present") for one in timers if one.get("name") == "hpet"), None)}


def lift_power(root: _Element | None) -> dict[str, Any]:
    """The fields of DomainSpec that ``<pm>`` tells."""
    if root is None:
        return {}
    return {
        "suspend_to_mem": switch(root.find("suspend-to-mem"), "enabled"),
        "suspend_to_disk": switch(root.find("suspend-to-disk"), "enabled"),
    }


def _topology(topology: CpuTopology) -> Tag:
    levels = {level: getattr(topology, level) for level in _LEVELS}
    if topology.clusters == 1:
        del levels["clusters"]  # a level that older releases of libvirt refuse
    return tag("topology", **levels)


def _lift_topology(topology: _Element) -> CpuTopology:
    return CpuTopology(**{level: number(topology, level) for level in _LEVELS if topology.get(level) is not None})


def _on(value: bool) -> str:
    return "on" if value else "off"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
