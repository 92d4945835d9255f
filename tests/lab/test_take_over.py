"""Following docs/how-to/take-over-existing.md: a machine that virsh made comes under a program, and goes on running."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from plugin_desk import Desk, guest

pytestmark = [pytest.mark.lab, pytest.mark.engine]

NETWORK = "<network><name>cell</name><forward mode='nat'/><ip address='10.97.3.1' prefix='24'/></network>"
MACHINE = """<domain type='qemu'><name>press</name><memory unit='MiB'>32</memory><vcpu>2</vcpu>
<cputune><vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='1' cpuset='1'/><emulatorpin cpuset='0'/>
<vcpusched vcpus='1' scheduler='rr' priority='1'/></cputune>
<os><type arch='x86_64' machine='q35'>hvm</type></os><devices><serial type='pty'/>
<interface type='network'><source network='cell'/><model type='virtio'/></interface></devices></domain>"""


@pytest.fixture
def desk(tmp_path, lab, pulumi) -> Iterator[Desk]:
    """A host with a network and a running machine that no program made."""
    folder = tmp_path / "project"
    folder.mkdir()
    made = Desk(folder, lab.hosts[0], pulumi).start()
    for name, xml in (("net", NETWORK), ("machine", MACHINE)):
        (folder / f"{name}.xml").write_text(xml)
    made.virsh("net-define", str(folder / "net.xml"))
    made.virsh("net-start", "cell")
    made.virsh("define", str(folder / "machine.xml"))
    made.virsh("start", "press")
    yield made
    made.run("destroy", "--yes", "--skip-preview")
    if "press" in made.virsh("list", "--all", "--name").split():
        made.virsh("destroy", "press")
        made.virsh("undefine", "press")
    if "cell" in made.virsh("net-list", "--all", "--name").split():
        made.virsh("net-destroy", "cell")
        made.virsh("net-undefine", "cell")


def test_a_machine_that_runs_is_taken_over_in_the_steps_of_the_guide(desk):
    pid, before = desk.pid("press"), desk.virsh("dumpxml", "--inactive", "press")
    said = {"name": "press", "network_interfaces": [{"network_name": "cell"}]}
    desk.options["press"] = {"import_": desk.virsh("domuuid", "press").strip()}

    desk.domains["press"] = guest(pin="0", **said)
    told = desk.preview().output
    assert "press on hv1: vCPU 1 pinned to CPU 0 instead of 1 (live)" in told
    assert "serial 0 removed (at next boot)" in told

    desk.domains["press"] = guest(**said)
    desk.up()
    assert desk.virsh("dumpxml", "--inactive", "press") == before
    desk.options = {}
    assert desk.clean()

    desk.domains["press"] = guest(priority=2, **said, consoles=[{"type": "pty", "target_port": "0"}])
    desk.up()
    assert desk.pid("press") == pid
    assert desk.threads("press")["CPU 1/TCG"] == ("1", "rr 2")
    after = desk.virsh("dumpxml", "--inactive", "press")
    assert 'project="plant" stack="lab" name="press"' in after
    assert re.findall("<uuid.*|<mac .*", after) == re.findall("<uuid.*|<mac .*", before)
    assert desk.clean()


def test_pulumi_import_prints_a_program_that_changes_nothing(desk):
    pid, before = desk.pid("press"), desk.virsh("dumpxml", "press")
    env = {"LIBVIRT_DEFAULT_URI": desk.host.uri}
    program = ""
    for token, name in (("network:Network", "cell"), ("domain:Domain", "press")):
        out = desk.folder / f"{name}.py"
        options = ("--yes", "--skip-preview", "--protect=false", "--out", str(out))
        desk.pulumi("import", f"libvirt:index/{token}", name, name, *options, cwd=desk.folder, env=env).ok()
        program += out.read_text() + "\n"
    (desk.folder / "__main__.py").write_text(program)
    desk.pulumi("preview", "--expect-no-changes", cwd=desk.folder, env=env).ok()
    assert (desk.pid("press"), desk.virsh("dumpxml", "press")) == (pid, before)

    assert '"network_name": "cell"' in program
    program = program.replace('"network_name": "cell"', '"network_name": cell.name')
    (desk.folder / "__main__.py").write_text(program.replace('priority="1"', 'priority="2"'))
    desk.pulumi("up", "--yes", "--skip-preview", cwd=desk.folder, env=env).ok()
    assert desk.pid("press") == pid
    assert desk.threads("press")["CPU 1/TCG"] == ("1", "rr 2")
    desk.pulumi("preview", "--expect-no-changes", cwd=desk.folder, env=env).ok()
    desk.virsh("destroy", "press")  # it has no operating system that would hear a request to shut down
    desk.pulumi("destroy", "--yes", "--skip-preview", cwd=desk.folder, env=env).ok()
    assert desk.virsh("list", "--all", "--name").split() == []
