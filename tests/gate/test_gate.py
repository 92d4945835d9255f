"""The gate through the real engine: what plain Pulumi lets pass, and what it would be fooled by."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.gate.conftest import Gate

pytestmark = pytest.mark.engine
NODE = 'hv1 = host()\nnode("plc-a", hv1)\n'
HIDDEN = """
hv1 = host()
served = pulumi.ResourceOptions(provider=hv1.provider)
made = libvirt.Volume("made", name="made.qcow2", pool="pool", size=1 << 20, opts=served)
SHEET = '''<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="/domain"><domain type="kvm"><name>raw</name><description>%s</description><memory>524288</memory>
<vcpu>2</vcpu><cputune><vcpupin vcpu="0" cpuset="0"/><vcpupin vcpu="1" cpuset="0"/>
<vcpusched vcpus="1" scheduler="fifo" priority="1"/></cputune></domain></xsl:template></xsl:stylesheet>'''
libvirt.Domain("raw", name="raw", vcpu=2, memory=512, xml={"xslt": made.id.apply(lambda it: SHEET % it)}, opts=served)
"""


@pytest.fixture
def assigned(project: Any, quietcore: Gate) -> Any:
    """Write the program and its assignments, as on a workstation."""

    def write(lines: str) -> None:
        project.write(lines)
        quietcore("check", "dev")

    return write


def reasons(ran: Any) -> list[tuple[str, str]]:
    return [(reason["kind"], reason["subject"]) for reason in ran.json()["reasons"]]


def test_a_clean_program_passes_and_every_output_is_written(project: Any, quietcore: Gate, assigned: Any) -> None:
    assigned(NODE)
    wanted = ("sarif=out/gate.sarif", "junit=out/gate.xml", "out/gate.md", "out/gate.json")
    ran = quietcore("gate", "dev", "--offline", *(word for each in wanted for word in ("-o", each))).ok()
    assert ran.stdout.splitlines()[-1].startswith("gate dev: passed (1 host not observed, as --offline allows); ")
    assert "previewing" in ran.stderr.lower()
    files = {file.name: file.read_text() for file in (project.folder / "out").iterdir()}
    assert set(files) == {"gate.sarif", "gate.xml", "gate.md", "gate.json"}
    assert json.loads(files["gate.json"])["verdict"] == "passed"
    assert "<summary>hv1" in files["gate.md"] or "**hv1, after**" in files["gate.md"]
    assert 'name="plc-a"' in files["gate.xml"]


def test_a_raw_domain_that_says_little_passes_without_its_host(quietcore: Gate, assigned: Any) -> None:
    served = "opts=pulumi.ResourceOptions(provider=host().provider)"
    assigned(f'libvirt.Domain("small", vcpu=1, memory=512, {served})\n')
    quietcore("gate", "dev", "--offline").ok()


def test_a_host_that_was_not_observed_refuses_unless_offline(quietcore: Gate, assigned: Any) -> None:
    assigned(NODE)
    ran = quietcore("gate", "dev", "--json")
    assert ran.returncode == 1
    assert reasons(ran) == [("not-observed", "hv1")]
    shown = quietcore("gate", "dev", "--offline").ok()
    assert "not observed, as --offline allows: hv1: " in shown.stdout


def test_plain_pulumi_passes_a_violation_behind_an_unknown_and_the_gate_does_not(
    project: Any, quietcore: Gate, assigned: Any
) -> None:
    assigned(HIDDEN)
    project.previewed().ok()
    ran = quietcore("gate", "dev", "--offline", "--json")
    assert ran.returncode == 1
    assert ("undecided", "raw") in reasons(ran)
    assert {("raw", "xml.xslt")} == {(each["name"], each["path"]) for each in ran.json()["undecided"]}
    assert "not-judged" not in {kind for kind, _ in reasons(ran)}


def test_a_domain_that_is_declared_only_once_a_value_is_known_is_named(quietcore: Gate, assigned: Any) -> None:
    plain = 'made.id.apply(lambda _: libvirt.Domain("later", name="later", vcpu=1, memory=512, opts=served))\n'
    assigned(HIDDEN.partition("SHEET")[0] + plain)
    ran = quietcore("gate", "dev", "--offline", "--json")
    assert ran.returncode == 1
    assert reasons(ran) == [("undecided", "later")]


def test_a_host_whose_uri_is_not_known_yet_was_not_observed(quietcore: Gate, assigned: Any) -> None:
    uri = "made.id.apply(lambda it: f'qemu+ssh://{it}/system')"
    domain = 'libvirt.Domain("far", vcpu=1, memory=512, opts=pulumi.ResourceOptions(provider=hv2.provider))\n'
    assigned(f'{HIDDEN.partition("SHEET")[0]}hv2 = host("hv2", uri={uri})\n{domain}')
    ran = quietcore("gate", "dev", "--json")
    assert ran.returncode == 1
    assert reasons(ran) == [("not-observed", "hv2")]
    quietcore("gate", "dev", "--offline").ok()


def test_a_domain_on_a_provider_whose_uri_is_not_known_yet_has_no_place_to_be_judged_in(
    quietcore: Gate, assigned: Any
) -> None:
    other = 'far = libvirt.Provider("far", uri=made.id)\n'
    domain = 'libvirt.Domain("raw", vcpu=1, memory=512, opts=pulumi.ResourceOptions(provider=far))\n'
    assigned(HIDDEN.partition("SHEET")[0] + other + domain)
    ran = quietcore("gate", "dev", "--json")
    assert ran.returncode == 1
    assert ("undecided", "far") in reasons(ran)


def test_a_domain_of_another_provider_with_a_hosts_uri_is_on_that_host(quietcore: Gate, assigned: Any) -> None:
    again = 'again = libvirt.Provider("again", uri="qemu+unix:///system?socket=/nonexistent/libvirt-sock")\n'
    shared = (
        HIDDEN.partition("libvirt.Domain(")[0]
        .replace('<vcpupin vcpu="1" cpuset="0"/>', "")
        .replace('<vcpusched vcpus="1" scheduler="fifo" priority="1"/>', "")
    )
    shared = shared.replace("<vcpu>2", "<vcpu>1").replace('cpuset="0"', 'cpuset="2-4"') + again
    domain = 'xml={"xslt": SHEET}, opts=pulumi.ResourceOptions(provider=again))\n'
    assigned(f'{shared}node("plc-a", hv1)\nlibvirt.Domain("raw", name="raw", vcpu=1, memory=512, {domain}')
    ran = quietcore("gate", "dev", "--offline", "--json")
    assert ran.returncode == 1
    assert "D05" in {finding["code"] for finding in ran.json()["findings"]}


def test_options_of_the_engine_in_the_environment_leave_nothing_out(quietcore: Gate, assigned: Any) -> None:
    assigned(HIDDEN)
    ran = quietcore("gate", "dev", "--offline", "--json", env={"PULUMI_OPTION_EXCLUDE": "**raw"})
    assert ran.returncode == 1
    assert ("undecided", "raw") in reasons(ran)


def test_a_mistake_is_refused_with_its_finding(quietcore: Gate, assigned: Any) -> None:
    assigned('hv1 = host()\nnode("plc-a", hv1, pins={0: 1, 1: 2, 2: 1})\n')
    ran = quietcore("gate", "dev", "--offline")
    assert ran.returncode == 1
    assert "error[D06]: real-time vCPU is pinned outside the isolated CPUs" in ran.stdout
    assert ran.stdout.count("[D06]") == 1


def test_the_gate_assigns_nothing(project: Any, quietcore: Gate) -> None:
    project.write(NODE)
    ran = quietcore("gate", "dev", "--offline")
    assert ran.returncode == 1
    assert "error[L01]" in ran.stdout
    assert not (project.folder / "dev.lock.yaml").exists()


@pytest.mark.parametrize(
    "pack", ['raise RuntimeError("pack broken")', "import os\nos._exit(3)"], ids=["raises", "leaves"]
)
def test_a_pack_that_crashes_refuses(quietcore: Gate, assigned: Any, project: Any, pack: str) -> None:
    assigned(NODE)
    write_pack(project.folder, pack)
    ran = quietcore("gate", "dev", "--offline", "--json")
    assert ran.returncode == 1
    assert "not-judged" in {kind for kind, _ in reasons(ran)}


def test_a_policy_that_crashes_in_the_middle_refuses(quietcore: Gate, assigned: Any, project: Any) -> None:
    assigned(NODE)
    write_pack(
        project.folder,
        "from pulumi_policy import EnforcementLevel, PolicyPack, StackValidationPolicy\n"
        "from quietcore.policy import policies\n"
        "def crash(args, report):\n    raise RuntimeError('policy broken')\n"
        "own = StackValidationPolicy('own', 'x', crash, enforcement_level=EnforcementLevel.ADVISORY)\n"
        "PolicyPack('plant', policies=[*policies(), own])\n",
    )
    ran = quietcore("gate", "dev", "--offline", "--json")
    assert ran.returncode == 1
    assert reasons(ran)


def test_a_pack_without_our_policies_has_not_judged(quietcore: Gate, assigned: Any, project: Any) -> None:
    assigned(NODE)
    write_pack(
        project.folder,
        "from pulumi_policy import PolicyPack, ResourceValidationPolicy\n"
        "PolicyPack('plant', policies=[ResourceValidationPolicy('own', 'x', lambda args, report: None)])\n",
    )
    ran = quietcore("gate", "dev", "--offline", "--json")
    assert ran.returncode == 1
    assert ("not-judged", "") in reasons(ran)


def test_another_mandatory_policy_of_the_pack_refuses(quietcore: Gate, assigned: Any, project: Any) -> None:
    assigned(NODE)
    write_pack(
        project.folder,
        "from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy\n"
        "from quietcore.policy import policies\n"
        "def names(args, report):\n    if args.name == 'plc-a': report('no such name')\n"
        "own = ResourceValidationPolicy('names', 'x', names, enforcement_level=EnforcementLevel.MANDATORY)\n"
        "PolicyPack('plant', policies=[*policies(), own])\n",
    )
    ran = quietcore("gate", "dev", "--offline", "--json")
    assert ran.returncode == 1
    assert set(reasons(ran)) == {("policy", "plc-a")}


def test_a_plugin_that_is_missing_refuses_and_is_named(quietcore: Gate, assigned: Any, project: Any) -> None:
    assigned(NODE)
    settings = json.loads((project.folder / "Pulumi.yaml").read_text())
    del settings["plugins"]
    (project.folder / "Pulumi.yaml").write_text(json.dumps(settings))
    ran = quietcore("gate", "dev", "--offline", "--json")
    assert ran.returncode == 1
    assert set(reasons(ran)) == {("engine", "hv1-libvirt"), ("not-judged", "")}
    assert "pulumi-resource-libvirt" in ran.json()["reasons"][0]["text"]


def test_a_program_that_fails_refuses_with_its_line(project: Any, quietcore: Gate, assigned: Any) -> None:
    assigned(NODE)
    project.write(NODE + 'raise ValueError("boom")\n')
    ran = quietcore("gate", "dev", "--offline")
    assert ran.returncode == 1
    assert "ValueError: boom" in ran.stdout
    assert "__main__.py, line" in ran.stdout


def test_a_program_that_only_an_engine_runs_is_judged_by_it_and_the_limit_is_told(
    project: Any, quietcore: Gate, assigned: Any
) -> None:
    assigned("hv1 = host()\n")
    engine = "import os\nassert os.environ.get('PULUMI_DEBUG_COMMANDS'), 'wants an engine'\n"
    (project.folder / "__main__.py").write_text(engine + (project.folder / "__main__.py").read_text())
    ran = quietcore("gate", "dev", "--offline").ok()
    assert "resources within apply() may go unseen" in ran.stderr


def test_an_exemption_in_force_passes_and_is_shown(quietcore: Gate, assigned: Any) -> None:
    exempt = "".join(
        f'Exemption("{code}", code="{code}", resource="plc-a", reason="bench", owner="ops", expires="2099-12-31")\n'
        for code in ("D04", "D06")
    )
    assigned(f"from quietcore import Exemption\n{exempt}hv1 = host()\nnode('plc-a', hv1, pins={{0: 1, 1: 2, 2: 1}})\n")
    ran = quietcore("gate", "dev", "--offline", "-o", "gate.md").ok()
    assert 'exempt: D06 on "plc-a" until 2099-12-31: bench (ops)' in ran.stdout


def test_a_stack_that_is_not_there_is_the_environments_fault(quietcore: Gate, assigned: Any) -> None:
    assigned(NODE)
    ran = quietcore("gate", "prod")
    assert ran.returncode == 2
    assert "pulumi stack init prod" in ran.stderr


def test_an_interrupt_ends_the_engine_in_order(
    project: Any, assigned: Any, engine_env: dict[str, str], tmp_path: Path
) -> None:
    assigned(NODE)
    started, released = tmp_path / "started", tmp_path / "released"
    # The program waits under the engine only, which has this variable; the gate's own look at it comes first.
    waiting = (
        "import os, time\n"
        "if os.environ.get('PULUMI_DEBUG_COMMANDS'):\n"
        f"    open({str(started)!r}, 'w').close()\n"
        f"    while not os.path.exists({str(released)!r}): time.sleep(0.05)\n"
    )
    (project.folder / "__main__.py").write_text(waiting + (project.folder / "__main__.py").read_text())
    gate = subprocess.Popen(
        [sys.executable, "-m", "quietcore.cli", "gate", "dev"],
        cwd=project.folder,
        env=engine_env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while not started.exists():
        assert gate.poll() is None, gate.communicate()[0]
        time.sleep(0.05)
    gate.send_signal(signal.SIGINT)
    released.touch()
    told, _ = gate.communicate(timeout=120)
    assert gate.returncode == 130, told
    assert told.rstrip().endswith("interrupted")


def write_pack(folder: Path, text: str) -> None:
    pack = folder / "policies"
    pack.mkdir()
    settings = {"runtime": {"name": "python", "options": {"virtualenv": sys.prefix}}}
    (pack / "PulumiPolicy.yaml").write_text(json.dumps(settings))
    (pack / "__main__.py").write_text(text)
