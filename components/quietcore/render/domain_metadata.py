"""What a domain's own XML cannot say and its ``<metadata>`` does: what is inside the guest, and when it may restart.

libvirt keeps one element per namespace and hands it back unchanged, so each subject has a namespace of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from quietcore.render.xml_text import Tag, tag
from quietcore.spec import GuestSpec, KernelCmdline, TunedProfileSpec
from quietcore.spec.cmdline import ISOLCPUS_FLAGS
from quietcore.units import CpuSet, Duration

if TYPE_CHECKING:
    from lxml.etree import _Element

GUEST_NAMESPACE: Final = "urn:quietcore:guest:1"
POLICY_NAMESPACE: Final = "urn:quietcore:policy:1"
NAMESPACES: Final = (GUEST_NAMESPACE, POLICY_NAMESPACE)

Restart = Literal["never", "when-needed"]


def guest_facts(guest: GuestSpec) -> Tag:
    """The element that carries a ``GuestSpec``; ``lift_guest`` reads it back."""
    return Tag(
        "quietcore-guest:guest",
        {
            "xmlns:quietcore-guest": GUEST_NAMESPACE,
            **({"kernel": guest.kernel} if guest.kernel else {}),
            **({"isolated": str(guest.isolated)} if guest.isolated else {}),
            **({"cmdline": str(guest.cmdline)} if guest.cmdline is not None else {}),
        },
        (_tuned(guest.tuned),) if guest.tuned else (),
    )


def restart_policy(restart: Restart, shutdown_timeout: Duration) -> Tag:
    """The element by which the libvirt plugin knows whether an update may restart the guest; seconds, rounded up."""
    seconds = -(-shutdown_timeout.microseconds // 1_000_000)
    return Tag(
        "quietcore:policy",
        {"xmlns:quietcore": POLICY_NAMESPACE, "restart": restart, "shutdownTimeout": str(seconds)},
    )


def lift_guest(domain: _Element) -> GuestSpec | None:
    """Read the inside of a guest from ``<domain>``: its facts element and its own kernel command line.

    A domain that boots a kernel directly boots with ``os/cmdline``, whatever its metadata says. Without the facts
    element the isolated set is the command line's. None where neither is there. Raises UnitError.
    """
    facts = domain.find(f"metadata/{{{GUEST_NAMESPACE}}}guest")
    booted = domain.findtext("os/cmdline")
    cmdline = None if booted is None else KernelCmdline.parse(booted)
    if facts is None:
        if cmdline is None:
            return None
        return GuestSpec(isolated=_isolcpus(cmdline, domain.findtext("vcpu")), cmdline=cmdline)
    told = facts.get("cmdline")
    if cmdline is None and told is not None:
        cmdline = KernelCmdline.parse(told)
    return GuestSpec.model_validate(
        {
            "kernel": facts.get("kernel"),
            "isolated": facts.get("isolated", ""),
            "cmdline": cmdline,
            "tuned": _lift_tuned(facts.find(f"{{{GUEST_NAMESPACE}}}tuned")),
        }
    )


def _isolcpus(cmdline: KernelCmdline, vcpus: str | None) -> CpuSet:
    """The CPUs of ``isolcpus``; the guest's vCPU count is what the kernel's ``N`` and ``all`` mean there."""
    items = [item for item in (cmdline.get("isolcpus") or "").split(",") if item not in ISOLCPUS_FLAGS]
    return CpuSet.parse(",".join(items), count=int(vcpus) if vcpus and vcpus.strip().isdigit() else 1)


def _tuned(profile: TunedProfileSpec) -> Tag:
    cmdline = " ".join(profile.cmdline) if profile.cmdline else None
    settings = (tag("quietcore-guest:sysctl", name=name, value=value) for name, value in sorted(profile.sysctl.items()))
    return tag(
        "quietcore-guest:tuned",
        *settings,
        name=profile.name,
        role=profile.role,
        include=profile.include,
        cmdline=cmdline,
    )


def _lift_tuned(element: _Element | None) -> TunedProfileSpec | None:
    if element is None:
        return None
    return TunedProfileSpec.model_validate(
        {
            "name": element.get("name", ""),
            "role": element.get("role", "guest"),
            "include": element.get("include"),
            "sysctl": {str(one.get("name")): str(one.get("value")) for one in element},
            "cmdline": KernelCmdline.parse(element.get("cmdline", "")).parameters,
        }
    )
