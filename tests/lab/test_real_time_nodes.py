"""Real-time nodes on real hypervisors: made, changed live, hurt by hand, healed, removed."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab_project import LabProject

from quietcore.lab.evidence import outside
from quietcore.lab.threads import threads_of
from quietcore.resources.program import run_program

pytestmark = pytest.mark.lab

TWO = 'node("plc-a", "hv1")\nnode("plc-b", "hv2")\n'


@pytest.fixture
def site(tmp_path, pulumi, lab, monkeypatch):
    """The two nodes, up; destroyed afterwards whatever the test did."""
    monkeypatch.setenv("QUIETCORE_LAB", lab.name)
    monkeypatch.delenv("CI", raising=False)
    project = LabProject(tmp_path / "site", pulumi, lab)
    project.env["CI"] = ""
    project.write(TWO)
    try:
        project.up()
        yield project
    finally:
        project.pulumi("cancel", "--yes")
        project.pulumi("destroy", "--yes", "--skip-preview")


def test_what_runs_is_what_was_declared(site):
    for node in run_program(site.folder, "dev", frozen=True).site.nodes:
        domain = site.domain(node.domain.name, node.host.name)
        assert [one for one in outside(domain, node.domain) if not one.holds] == []


def test_a_preview_straight_after_finds_nothing_to_do(site):
    assert site.steps() == {}
    site.preview("--expect-no-changes").ok()


def test_a_priority_is_changed_live_in_the_same_process(site):
    before = site.process("plc-a")
    site.write('node("plc-a", "hv1", priority=7)\nnode("plc-b", "hv2")\n')
    previewed = site.preview().ok()
    assert "live" in previewed.output
    site.up()
    assert site.process("plc-a") == before
    vcpu = threads_of(site.domain("plc-a"))["vcpu 1"]
    assert (vcpu.policy, vcpu.priority) == ("fifo", 7)
    assert site.steps() == {}


def test_a_node_put_before_the_others_changes_none_of_them(site):
    site.write('node("new", "hv2", vcpus=1, rt_vcpus="")\n' + TWO)
    assert {name for name in site.steps() if name in ("plc-a", "plc-b")} == set()


def test_a_removed_node_changes_no_other(site):
    site.write('node("plc-b", "hv2")\n')
    assert set(site.steps().values()) == {"delete"}


def test_memory_waits_for_the_next_boot_and_nothing_restarts(site):
    before = site.process("plc-a")
    site.write('node("plc-a", "hv1", memory="192MiB")\nnode("plc-b", "hv2")\n')
    assert "at next boot" in site.preview().ok().output
    site.up()
    assert site.process("plc-a") == before
    again = site.preview("--expect-no-changes").ok()
    assert "waits for a restart" in again.output


def test_memory_restarts_a_node_whose_policy_allows_it(site):
    before = site.process("plc-a")
    site.write('node("plc-a", "hv1", memory="192MiB", restart="when-needed")\nnode("plc-b", "hv2")\n')
    site.up()
    assert site.process("plc-a") != before
    assert site.domain("plc-a").maxMemory() == 192 * 1024
    assert site.steps() == {}


def moved(site):
    site.domain("plc-a").pinVcpu(1, (True, False))


def stopped(site):
    site.domain("plc-a").destroy()


def edited(site):
    connection = site.host("hv1")
    text = connection.lookupByName("plc-a").XMLDesc(2)
    connection.defineXML(text.replace("<memballoon model='none'/>", "<memballoon model='virtio'/>"))


def undefined(site):
    site.domain("plc-a").destroy()
    site.domain("plc-a").undefine()


@pytest.mark.parametrize("harm", [moved, stopped, edited, undefined])
def test_what_hands_changed_is_seen_by_a_plain_preview_and_healed_by_up(site, harm):
    harm(site)
    assert set(site.steps()) & {"plc-a"} == {"plc-a"}
    looked = site.pulumi("refresh", "--preview-only", "--expect-no-changes")
    assert looked.returncode != 0
    assert "Resources:" in looked.output  # the host was looked at: a command line that is refused fails as well
    site.up()
    assert site.steps() == {}
    (node,) = [one for one in run_program(site.folder, "dev", frozen=True).site.nodes if one.domain.name == "plc-a"]
    assert [one for one in outside(site.domain("plc-a"), node.domain) if not one.holds] == []


def test_destroy_leaves_foreign_objects_as_they_were(site):
    connection = site.host("hv1")
    foreign = connection.defineXML(
        "<domain type='qemu'><name>foreign</name><memory unit='MiB'>32</memory><os><type>hvm</type></os></domain>"
    )
    network = connection.networkDefineXML("<network><name>foreign</name><bridge name='qcforeign'/></network>")
    pool = connection.storagePoolLookupByName("site-dev")
    volume = pool.createXML("<volume><name>foreign.img</name><capacity unit='MiB'>1</capacity></volume>")
    file = _outside(site, volume.path())
    file.write_bytes(b"foreign" * 1000)
    before = (foreign.XMLDesc(), network.XMLDesc(), file.read_bytes())
    site.pulumi("destroy", "--yes", "--skip-preview").ok()
    try:
        assert [one.name() for one in connection.listAllDomains()] == ["foreign"]
        assert (foreign.XMLDesc(), network.XMLDesc(), file.read_bytes()) == before
        assert [one.name for one in file.parent.iterdir()] == ["foreign.img"]
    finally:
        foreign.undefine()
        network.undefine()
        file.unlink()


def _outside(site, path):
    return Path(site.lab.dir) / "hv1" / "var-lib-libvirt" / Path(path).relative_to("/var/lib/libvirt")
