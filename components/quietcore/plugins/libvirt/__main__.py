"""`python -m quietcore.plugins.libvirt ENGINE_ADDRESS`: what the engine starts."""

from __future__ import annotations

import os

# libvirt forks for ssh. gRPC's handlers for forks would run in that child, which never uses gRPC: their threads wake up
# on closed descriptors, and what they say lands in the stream that libvirt reads.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

import sys
from typing import TYPE_CHECKING

from quietcore.plugins.fork_server import serve

if TYPE_CHECKING:
    from quietcore.plugins.provider import Provider


def main() -> None:
    """Serve the libvirt plugin until the engine is done with it."""
    serve("libvirt", _provider, sys.argv[1:])


def _provider() -> Provider:
    from quietcore.plugins.libvirt.provider import libvirt_provider

    return libvirt_provider()


if __name__ == "__main__":
    main()
