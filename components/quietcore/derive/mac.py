"""MAC addresses as hashes of names: the same node always has the same address."""

from hashlib import sha256

QEMU_OUI = "52:54:00"  # the locally administered prefix that libvirt and QEMU use for guests


def mac_of(stack: str, node: str, interface: int) -> str:
    """The MAC address of a node's interface (numbered from 0)."""
    digest = sha256(f"{stack}/{node}/{interface}".encode()).hexdigest()
    return ":".join([QEMU_OUI, digest[0:2], digest[2:4], digest[4:6]])
