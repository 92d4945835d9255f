"""Hosts that do not answer: previewed all the same, told by name, and never left half-done."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rising import HOSTS, RisingProject, rising_project

pytestmark = [pytest.mark.lab, pytest.mark.engine]
NODES = 'node("plc-a", "hv1", shutdown_timeout="0s")\nnode("plc-b", "hv2", shutdown_timeout="0s")\n'
TWO_STEPS = """
import pathlib, time

def wait(identity):
    pathlib.Path("asked").touch()
    while not pathlib.Path("go").exists():
        time.sleep(0.01)
    return "defined after " + identity

first = node("plc-a", "hv1", shutdown_timeout="0s")
libvirt.Domain("later", name="later", type="qemu", memory=16, vcpu=1, running=False,
    description=first.domain.id.apply(lambda identity: identity if pulumi.runtime.is_dry_run() else wait(identity)),
    opts=pulumi.ResourceOptions(provider=hosts["hv1"].provider))
"""


@pytest.fixture
def site(tmp_path, pulumi, engine_env, lab) -> Iterator[RisingProject]:
    project = rising_project(tmp_path / "site", pulumi, engine_env, lab)
    project.write(NODES)
    yield project
    project.end()


def socket(site: RisingProject, host: str) -> Path:
    return site.on(host) / "run/libvirt/libvirt-sock"


@contextmanager
def away(site: RisingProject, *hosts: str) -> Iterator[None]:
    """Take the hosts' sockets away for a while."""
    for host in hosts:
        socket(site, host).rename(socket(site, host).with_name("away"))
    try:
        yield
    finally:
        for host in hosts:
            socket(site, host).with_name("away").rename(socket(site, host))


def unobserved(output: str) -> set[str]:
    """Which hosts a preview says it could not observe."""
    lines = [line for line in output.splitlines() if "not observed" in line and "cannot be reached" in line]
    return {host for host in HOSTS if any(f"/{host}/run/libvirt/libvirt-sock" in line for line in lines)}


def refusals(output: str) -> str:
    return "\n".join(line for line in output.splitlines() if "cannot be reached" in line)


def test_a_new_site_previews_without_any_host_and_says_that_none_was_observed(site):
    with away(site, *HOSTS):
        seen = site.preview().ok()
        assert unobserved(seen.output) == set(HOSTS)
        assert "plc-a" in seen.output
        ran = site.pulumi("up", "--yes", "--skip-preview")
    assert ran.returncode != 0
    # The engine ends at the first failure: which host that is, is chance.
    assert any(f"(qemu+unix:///system?socket={socket(site, host)}) cannot" in refusals(ran.output) for host in HOSTS)
    assert "Failed to connect socket" in refusals(ran.output)
    assert "No such file or directory" in refusals(ran.output)
    for host in HOSTS:
        assert site.domains(host) == site.volumes(host) == []
        assert site.host(host).listAllStoragePools() == []
    assert not [one for one in site.state()["resources"] if one["type"].startswith("libvirt:")]
    assert not site.state().get("pending_operations")
    site.up()
    assert site.steps() == {}


def test_a_site_that_is_up_previews_from_its_state_and_changes_nothing_while_no_host_answers(site):
    site.up()
    before = site.state()["resources"]
    site.write(NODES.replace('"hv2",', '"hv2", priority=7,'))
    with away(site, *HOSTS):
        seen = site.preview().ok()
        assert unobserved(seen.output) == set(HOSTS)
        assert "vCPU 1 scheduled fifo 7 instead of fifo 1 (live)" in seen.output
        ran = site.pulumi("up", "--yes", "--skip-preview")
        assert ran.returncode != 0
        assert str(socket(site, "hv2")) in refusals(ran.output)
    assert {one["urn"] for one in site.state()["resources"]} == {one["urn"] for one in before}
    assert not site.state().get("pending_operations")
    site.up()
    assert site.steps() == {}


def test_of_two_hosts_one_that_is_down_is_left_alone_and_made_when_it_is_back(site):
    os.kill(site.libvirtd("hv2"), signal.SIGKILL)
    ran = site.pulumi("up", "--yes", "--skip-preview")
    assert ran.returncode != 0
    assert str(socket(site, "hv2")) in refusals(ran.output)
    assert "Connection refused" in refusals(ran.output)
    site.repair()
    assert (site.domains("hv2"), site.volumes("hv2"), site.host("hv2").listAllStoragePools()) == ([], [], [])
    assert not site.state().get("pending_operations")
    kept = {one["urn"].rsplit("::", 1)[1] for one in site.state()["resources"] if one["type"].startswith("libvirt:")}
    assert not [name for name in kept if name.startswith(("hv2-", "plc-b"))]
    assert set(site.domains("hv1")) == kept & {"plc-a"}
    assert site.ailments() == {}
    site.up()
    assert (site.domains("hv1"), site.domains("hv2")) == (["plc-a"], ["plc-b"])
    assert site.steps() == {}


def test_a_libvirtd_that_was_restarted_between_two_steps_is_reached_again_by_the_same_plugin(site):
    site.write(TWO_STEPS)
    with site.rising() as running:
        site.await_that((site.folder / "asked").exists)
        before = site.plugins()
        os.kill(site.libvirtd("hv1"), signal.SIGKILL)
        site.repair()
        (site.folder / "go").touch()
        site.await_that(lambda: "later" in site.domains("hv1"))
        assert site.plugins() == before or running.poll() is not None
        assert running.wait(120) == 0, site.said()
    assert site.domains("hv1") == ["later", "plc-a"]
