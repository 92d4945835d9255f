"""The libvirt plugin as one value: its version, its handlers, its configuration."""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Callable
from typing import Any, Final, cast

from quietcore.plugins.connection import Connections
from quietcore.plugins.handler import Failure, Handler, Props
from quietcore.plugins.provider import Move, Provider

VERSION: Final = "0.5.4"
"""The SDK release whose tokens and properties this serves."""

DEFAULT_URI: Final = "qemu:///system"

HANDLERS: Final = {  # in the order in which programs come to need them
    "libvirt:index/pool:Pool": ("pool", "PoolHandler"),
    "libvirt:index/volume:Volume": ("volume", "VolumeHandler"),
    "libvirt:index/cloudInitDisk:CloudInitDisk": ("cloudinit_disk", "CloudInitDiskHandler"),
    "libvirt:index/network:Network": ("network", "NetworkHandler"),
    "libvirt:index/domain:Domain": ("domain", "DomainHandler"),
}

UNSUPPORTED: Final = {
    "libvirt:index/ignition:Ignition": "Ignition is not supported by this plugin: give the guest its first "
    "configuration with CloudInitDisk, or put the Ignition file in a Volume of your own",
    "libvirt:index/combustion:Combustion": "Combustion is not supported by this plugin: give the guest its first "
    "configuration with CloudInitDisk, or put the Combustion script in a Volume of your own",
}


def libvirt_provider() -> Provider:
    """Put the plugin together; nothing is imported or connected until the engine asks for it."""
    connections = Connections()
    return Provider(
        name="libvirt",
        version=VERSION,
        handlers={token: _lazily(*where) for token, where in HANDLERS.items()},
        connect=connections.get,
        host=connections.host,
        default_uri=lambda: os.environ.get("LIBVIRT_DEFAULT_URI") or DEFAULT_URI,
        schema=_schema,
        check_config=_check_config,
        move=functools.partial(_move, connect=connections.get),
        unsupported=UNSUPPORTED,
    )


def _lazily(module: str, name: str) -> Callable[[], Handler]:
    def make() -> Handler:
        found = importlib.import_module(f"quietcore.plugins.libvirt.{module}")
        return cast("Handler", getattr(found, name)())

    return make


def _move(old: str, new: str, connect: Callable[[str], Any]) -> Move:
    from quietcore.plugins.libvirt.whereabouts import move_between

    return move_between(old, new, connect)


def _schema() -> str:
    from quietcore.plugins.libvirt.schema import schema_json

    return schema_json(VERSION)


def _check_config(props: Props) -> list[Failure]:
    uri: Any = props.get("uri")
    if isinstance(uri, str) and uri and "://" not in uri:
        return [
            Failure(
                "uri",
                f"not a libvirt URI: given {uri!r}; allowed such as qemu:///system, qemu+ssh://HOST/system, "
                "qemu+unix:///system?socket=PATH, qemu+tls://HOST/system",
            )
        ]
    return []
