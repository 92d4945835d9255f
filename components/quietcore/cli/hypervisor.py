"""One question to one libvirt: opened, asked, closed, and every failure told with the URI and libvirt's own reason."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from quietcore.errors import EnvironmentFault


@contextmanager
def opened(uri: str) -> Iterator[Any]:
    """A read-write connection to `uri`. Raises EnvironmentFault without libvirt-python or without an answer."""
    libvirt = _binding()
    try:
        connection = libvirt.open(uri)
    except libvirt.libvirtError as fault:
        raise unreachable(uri, str(fault)) from None
    try:
        yield connection
    except libvirt.libvirtError as fault:
        raise unreachable(uri, str(fault)) from None
    finally:
        connection.close()


def without_prompt(uri: str) -> str:
    """The URI for a host that nobody watches: an SSH that would ask for a password on the terminal does not answer."""
    scheme = uri.partition("://")[0]
    if not scheme.endswith(("+ssh", "+libssh", "+libssh2")) or "no_tty=" in uri:
        return uri
    return uri + ("&" if "?" in uri else "?") + "no_tty=1"


def unreachable(uri: str, reason: str) -> EnvironmentFault:
    """The failure of a host that does not answer, with the command that asks it outside quietcore."""
    return EnvironmentFault(
        "libvirt does not answer", where=uri, given=reason, hint=f"try `virsh -c '{uri}' version` from this machine"
    )


def _binding() -> Any:
    try:
        import libvirt
    except ImportError:
        raise EnvironmentFault(
            "libvirt-python is not installed",
            hint="pip install 'quietcore[libvirt]' (it needs the packages libvirt-dev, pkg-config and gcc)",
        ) from None
    # Without this, libvirt prints every failure on stderr by itself, before ours.
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    return libvirt
