"""What to do about messages of libvirt's that tell nobody what to do."""

from __future__ import annotations

import pytest

pytest.importorskip("libvirt")

from quietcore.plugins.libvirt.faults import hint_for


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("Timed out during operation: cannot acquire state change lock", "remove the domain's files from /run/libvirt"),
        ("Network not found: no network with matching name 'cell'", "virsh net-list --all"),
        ("could not get preferred machine for /usr/bin/qemu-system-x86_64 type=kvm", "type='qemu'"),
        ("something else", ""),
    ],
)
def test_a_message_has_its_way_out(message, words):
    assert words in hint_for(message)
    assert bool(words) == bool(hint_for(message))
