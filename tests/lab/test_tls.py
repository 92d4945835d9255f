"""Domains on a host that is reached by TLS alone: the certificates of the plugin's side are in `pkipath`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("libvirt")
sys.path.insert(0, str(Path(__file__).parent))

import libvirt
from certificates import authority, certify
from plugin_desk import Desk, guest

from quietcore import lab as labs
from quietcore.errors import QuietcoreError
from quietcore.lab import namespaces, processes
from quietcore.lab.layout import HostDir, lab_dir
from quietcore.lab.state import HostState

pytestmark = [pytest.mark.lab, pytest.mark.engine]
PLAN = labs.Plan(name=f"s{os.getpid()}", hosts=1, pages=0)
LISTEN = """
listen_tls = 1
listen_addr = "{address}"
key_file = "{pki}/serverkey.pem"
cert_file = "{pki}/servercert.pem"
ca_file = "{pki}/cacert.pem"
"""


@dataclass(frozen=True)
class Secured:
    """A host that listens for TLS, and the folder of a client that it trusts."""

    host: HostState
    pki: Path

    def uri(self, pki: Path) -> str:
        return f"qemu+tls://{self.host.address}/system?pkipath={pki}"


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    try:
        (host,) = labs.up(PLAN, labs.Silent()).hosts
    except QuietcoreError as error:
        pytest.skip(str(error))
    pki = authority(tmp_path_factory.mktemp("tls") / "ca")
    certify(pki, "server", host.name, "serverAuth", host.address)
    certify(pki, "client", "pulumi", "clientAuth")
    made = Secured(host, pki)
    try:
        listen(lab_dir(PLAN.name).host(host.name), LISTEN.format(address=host.address, pki=pki))
        assert processes.await_condition(lambda: answers(made.uri(pki)), seconds=30)
        yield made
    finally:
        labs.down(PLAN.name, labs.Silent())


def listen(host: HostDir, lines: str) -> None:
    """Start the host's libvirtd anew with these lines and an open port."""
    running = processes.recorded(host.pids / "libvirtd")
    assert running is not None
    processes.end([running])
    with (host.etc_libvirt / "libvirtd.conf").open("a") as file:
        file.write(lines)
    command = namespaces.command(host, ["libvirtd", "--listen"])
    processes.start(host.pids / "libvirtd", command, log=host.log / "libvirtd.out")


def answers(uri: str) -> bool:
    try:
        libvirt.open(uri).close()
    except libvirt.libvirtError:
        return False
    return True


@pytest.fixture
def desk(tmp_path: Path, secured: Secured, pulumi: Callable[..., Any]) -> Iterator[Desk]:
    folder = tmp_path / "project"
    folder.mkdir()
    desk = Desk(folder, secured.host, pulumi, uri=secured.uri(secured.pki)).start()
    desk.domains["plc"] = guest(name="plc")
    desk.up()
    yield desk
    desk.uri, desk.domains = secured.uri(secured.pki), {}
    desk.run("destroy", "--yes", "--skip-preview").ok()
    assert desk.virsh("list", "--all", "--name").split() == []


def test_pins_are_previewed_and_changed_in_the_running_guest(desk):
    pid = desk.pid("plc")
    assert desk.clean()
    desk.domains["plc"] = guest(name="plc", pin="0")
    assert "vCPU 1 pinned to CPU 0 instead of 1 (live)" in desk.preview().output
    desk.up()
    assert (desk.pid("plc"), desk.threads("plc")["CPU 1/TCG"][0]) == (pid, "0")
    assert desk.clean()


def test_scheduling_waits_for_a_boot_and_says_so(desk):
    before = desk.threads("plc")["CPU 1/TCG"]
    desk.domains["plc"] = guest(name="plc", priority=2)
    assert "vCPU 1 scheduled rr 2 instead of rr 1 (at next boot)" in desk.preview().output
    desk.up()
    assert desk.threads("plc")["CPU 1/TCG"] == before
    assert "waits for a restart of the guest: vCPU 1 scheduled rr 2 instead of rr 1" in desk.preview().output
    desk.virsh("destroy", "plc")
    desk.up()
    assert desk.threads("plc")["CPU 1/TCG"][1] == "rr 2"
    assert desk.clean()


def test_a_server_of_another_authority_is_an_error_that_names_host_and_reason(tmp_path, secured, pulumi):
    strange = authority(tmp_path / "strange")
    certify(strange, "client", "pulumi", "clientAuth")
    folder = tmp_path / "project"
    folder.mkdir()
    desk = Desk(folder, secured.host, pulumi, uri=secured.uri(strange)).start()
    desk.domains["plc"] = guest(name="plc")
    reason = f"{desk.uri}) cannot be reached: authentication failed: Failed to verify peer's certificate"
    assert f"not observed: {secured.host.address} ({reason}" in desk.preview().output
    refused = desk.run("up", "--yes", "--skip-preview")
    assert refused.returncode != 0
    assert f"error: {secured.host.address} ({reason}" in refused.output
    assert desk.virsh("list", "--all", "--name").split() == []
