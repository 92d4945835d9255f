"""When another URI is another host, as far as URIs alone tell it; the lab's tests ask real hosts."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("libvirt")
import libvirt

from quietcore.plugins.handler import Unreachable
from quietcore.plugins.libvirt.whereabouts import move_between
from quietcore.plugins.provider import Move


def silent(uri: str) -> Any:
    raise Unreachable(f"{uri} does not answer")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("qemu:///system", "qemu:///system"),
        ("qemu+ssh://root@hv1/system?keyfile=/k", "qemu+tls://hv1/system"),
        ("qemu+ssh://HV1/system", "qemu+ssh://hv1/system?no_verify=1"),
    ],
)
def test_the_same_host_by_another_way_is_known_without_asking(old, new):
    assert move_between(old, new, silent) == Move()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("qemu+ssh://hv1/system", "qemu+ssh://hv2/system"),
        ("qemu+ssh://hv1:2201/system", "qemu+ssh://hv1:2202/system"),
        ("qemu:///system", "qemu+unix:///system?socket=/other"),
    ],
)
def test_what_only_the_hosts_can_tell_is_a_warning_where_they_are_silent(old, new):
    move = move_between(old, new, silent)
    assert not move.elsewhere
    assert move.warning.startswith(f"cannot tell whether {new} is another host than {old}")


@pytest.mark.parametrize("new", ["qemu+ssh://hv1/session", "xen+ssh://hv1/system"])
def test_another_driver_or_instance_has_other_domains(new):
    assert move_between("qemu+ssh://hv1/system", new, silent).elsewhere


def test_hosts_with_the_same_name_and_uuid_are_one():
    assert (
        move_between("test+unix:///default", "test:///default", lambda _uri: libvirt.open("test:///default")) == Move()
    )
