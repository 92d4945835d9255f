from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from quietcore.cli.looking import Way, looked
from quietcore.errors import EnvironmentFault


def test_this_machines_own_files_are_read_to_the_byte() -> None:
    way = Way.of("qemu:///system")
    assert way is not None
    found = dict(looked(way))
    assert found["/proc/cmdline"] == Path("/proc/cmdline").read_bytes()
    assert found["/uname"].startswith(b"Linux ")
    assert all(content for content in found.values())


@pytest.mark.parametrize(
    "uri", ["test:///default", "qemu+tls://hv1/system", "qemu+unix:///system?socket=/x", "xen:///"]
)
def test_other_ways_to_a_host_are_none_into_it(uri: str) -> None:
    assert Way.of(uri) is None


def test_ssh_goes_as_libvirts_own_uri_says() -> None:
    way = Way.of("qemu+ssh://ada@hv1:2222/system?keyfile=/k&known_hosts=/h&no_tty=1")
    assert way is not None
    said = " ".join(way.command)
    assert said.startswith("ssh -T -o BatchMode=yes ")
    assert said.endswith("-i /k -o UserKnownHostsFile=/h -p 2222 -- ada@hv1 sh -s")


def test_a_port_that_is_none_is_told() -> None:
    with pytest.raises(EnvironmentFault, match="not a URI"):
        Way.of("qemu+ssh://hv1:port/system")


@pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh client here")
def test_a_host_without_a_shell_is_told_with_the_command_to_try() -> None:
    way = Way.of("qemu+ssh://127.0.0.1:1/system")
    assert way is not None
    with pytest.raises(EnvironmentFault) as told:
        list(looked(way))
    assert "refused" in told.value.given
    assert told.value.hint.startswith("try `ssh ")
