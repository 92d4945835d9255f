"""What a guest is told at its first boot: user data, meta data and network configuration of cloud-init's NoCloud.

A guest that boots from its own disk gets its kernel command line from a boot-loader drop-in and reboots once; tuned
keeps the profile that was activated before, and applies it again on the way up. A guest that is booted directly has
its command line from the domain. Keys: https://cloudinit.readthedocs.io/en/latest/reference/modules.html.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from quietcore.render import tuned_conf
from quietcore.render.yaml_text import yaml_text
from quietcore.spec import KernelCmdline, RtNodeSpec, TunedProfileSpec

CMDLINE: Final = "/etc/quietcore/cmdline"
"""The one place in the guest where its kernel command line is written; boot loader and reboot read it."""

GRUB_DROP_IN: Final = "/etc/default/grub.d/60-quietcore.cfg"

_GRUB: Final = f"""# written by quietcore: adds its command line to what the image itself puts there
GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX $(cat {CMDLINE})"
"""

# A device rule or the distribution's preset enables it; at the first boot it may have come before its device.
_AGENT: Final = "systemctl start --no-block qemu-guest-agent"

# Debian and its kin read the drop-in; Fedora and its kin keep the command line with each kernel.
_BOOT_LOADER: Final = (
    f'if command -v update-grub; then update-grub; else grubby --update-kernel=ALL --args="$(cat {CMDLINE})"; fi'
)

# cloud-init asks once per instance, so the guest reboots at most once for what it was told.
_REBOOT: Final = {
    "mode": "reboot",
    "message": "quietcore: rebooting once, for the kernel command line",
    "condition": f"! grep -qFf {CMDLINE} /proc/cmdline",
}

CloudConfig = Mapping[str, Any]


@dataclass(frozen=True)
class Seed:
    """The three texts of a seed image. The instance id follows from the other two: changed data runs again."""

    user_data: str
    meta_data: str
    network_config: str


def seed(
    node: RtNodeSpec,
    profile: TunedProfileSpec | None,
    cmdline: KernelCmdline,
    *,
    macs: Sequence[str],
    authorized_keys: Sequence[str] = (),
    extra: CloudConfig | None = None,
) -> Seed:
    """Give the seed of a node. ``macs`` are its interfaces' in order; ``extra`` is cloud-config merged over ours.

    Changed data takes effect at the next boot, as a new instance: cloud-init then also makes new SSH host keys.
    """
    user_data = render(node, profile, cmdline, authorized_keys=authorized_keys, extra=extra)
    network = network_config(macs)
    return Seed(user_data, meta_data(node, user_data, network), network)


def render(
    node: RtNodeSpec,
    profile: TunedProfileSpec | None,
    cmdline: KernelCmdline,
    *,
    authorized_keys: Sequence[str] = (),
    extra: CloudConfig | None = None,
) -> str:
    """Give the user data: mappings of ``extra`` merge into ours, lists follow ours, other values replace ours."""
    disk = node.boot == "disk" and bool(cmdline.parameters)
    files = tuned_conf.render(profile, node.rt_vcpus) if profile else {}
    if disk:
        files = {CMDLINE: f"{cmdline}\n", GRUB_DROP_IN: _GRUB, **files}
    commands = [*(_activate(profile) if profile else []), *([_BOOT_LOADER] if disk else [])]
    config = {
        "ssh_authorized_keys": list(authorized_keys),
        "write_files": [_file(path, text) for path, text in files.items()],
        "runcmd": [_AGENT, *commands],
        "power_state": _REBOOT if disk else {},
    }
    ours = {key: value for key, value in config.items() if value}
    why = f"# written by quietcore: makes real-time node {node.name} of this guest"
    return f"#cloud-config\n{why}\n{yaml_text(_merged(ours, extra or {}))}"


def meta_data(node: RtNodeSpec, user_data: str, network: str) -> str:
    """Give the meta data: the name, and an instance id that changes when what the guest is told changes."""
    digest = sha256(f"{node.name}\0{user_data}\0{network}".encode()).hexdigest()[:12]
    return yaml_text({"instance-id": f"{node.name}-{digest}", "local-hostname": node.name})


def network_config(macs: Sequence[str]) -> str:
    """Give the network configuration (version 2): an address by DHCP on each interface, the first one's route first.

    Interfaces are named net0, net1, ... in the order of the domain: some renderers of cloud-init match by name too, so
    without ``set-name`` they would configure none. Those after the first do not hold up the boot.
    """
    ethernets = {f"net{number}": _ethernet(mac, number) for number, mac in enumerate(macs)}
    return yaml_text({"version": 2, "ethernets": ethernets})


def _activate(profile: TunedProfileSpec) -> list[str]:
    """Activate the profile; tuned-adm starts tuned where it does not run, and tuned keeps the choice over reboots."""
    link = f"ln -sfn ../{profile.name} {tuned_conf.ROOT}/profiles/{profile.name}"
    return [
        # Later releases of tuned look for profiles in a folder of their own.
        f"test ! -d {tuned_conf.ROOT}/profiles || {link}",
        "systemctl enable tuned",
        f"tuned-adm profile {profile.name}",
    ]


def _file(path: str, text: str) -> dict[str, Any]:
    mode = {"permissions": "0755"} if tuned_conf.executable(path) else {}
    return {"path": path, **mode, "content": text}


def _ethernet(mac: str, number: int) -> dict[str, Any]:
    later = {"dhcp4-overrides": {"route-metric": 100 * (number + 1)}, "optional": True} if number else {}
    found = {"match": {"macaddress": mac.lower()}, "set-name": f"net{number}"}
    return {**found, "dhcp4": True, "accept-ra": False, **later}


def _merged(ours: CloudConfig, theirs: CloudConfig) -> dict[str, Any]:
    merged = dict(ours)
    for key, value in theirs.items():
        had = merged.get(key)
        if isinstance(had, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(had, value)
        elif isinstance(had, list) and isinstance(value, (list, tuple)):
            merged[key] = [*had, *value]
        else:
            merged[key] = value
    return merged
