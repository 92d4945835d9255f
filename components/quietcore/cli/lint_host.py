"""A running host's files over libvirt, and over ssh where the connection goes over ssh."""

from __future__ import annotations

from collections.abc import Iterator

from quietcore.cli.hypervisor import opened
from quietcore.lint.text import Text


def texts_of_host(uri: str) -> Iterator[Text]:
    """Capabilities and every domain of the host at ``uri``. Raises EnvironmentFault where it does not answer."""
    with opened(uri) as connection:
        name = connection.getHostname()
        yield Text(f"{name}: capabilities", f"/{name}", connection.getCapabilities().encode())
        for domain in connection.listAllDomains():
            yield Text(f"{name}: {domain.name()}", f"/{name}", domain.XMLDesc().encode())
