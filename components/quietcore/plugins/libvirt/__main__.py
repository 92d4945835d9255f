"""`python -m quietcore.plugins.libvirt ENGINE_ADDRESS`: what the engine starts."""

from __future__ import annotations

import sys

from quietcore.plugins.launch import launch
from quietcore.plugins.libvirt.provider import libvirt_provider


def main() -> None:
    """Serve the libvirt plugin until the engine is done with it."""
    launch(libvirt_provider(), sys.argv[1:])


if __name__ == "__main__":
    main()
