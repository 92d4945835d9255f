from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Invoke
from tests.lint.sample import DOMAIN, good, write

GUIDE = """<domain type='kvm'>
  <name>rt</name>
  <memory unit='GiB'>4</memory>
  <memoryBacking>
    <hugepages><page size='1' unit='GiB'/></hugepages>
    <nosharepages/>
    <locked/>
  </memoryBacking>
  <vcpu placement='static'>4</vcpu>
  <cputune>
    <emulatorpin cpuset='0-3'/>
    <vcpupin vcpu='0' cpuset='4'/>
    <vcpupin vcpu='1' cpuset='5'/>
    <vcpupin vcpu='2' cpuset='6'/>
    <vcpupin vcpu='3' cpuset='7'/>
    <vcpusched vcpus='0-4' scheduler='fifo' priority='1'/>
  </cputune>
  <numatune><memory mode='strict' nodeset='1'/></numatune>
  <features><pmu state='off'/></features>
  <cpu mode='host-passthrough'><feature policy='require' name='tsc-deadline'/></cpu>
  <devices><memballoon model='none'/></devices>
</domain>
"""
"""In the shape of libvirt's page on real-time guests, which names a fifth vCPU."""


def test_the_fifth_vcpu_of_libvirts_guide_is_found(invoke: Invoke, tmp_path: Path) -> None:
    write(tmp_path, {"rt.xml": GUIDE})
    done = invoke("lint", "rt.xml", "--select", "D09")
    assert done.exit_code == 1
    assert done.stdout.startswith(
        "error[D09]: vcpusched names a missing vCPU or no real-time policy\n"
        '  where:   rt.xml:16, domain "rt", cputune.vcpusched.vcpus\n'
        "  given:   vCPUs 0-4 of 4; missing: 4\n"
        "  allowed: within 0-3\n"
        "  hint:    write 0-3\n"
        "  more:    quietcore explain D09\n"
    )
    assert done.stdout.endswith("judged 1 file (1 domain): 1 error\n")


def test_a_good_host_is_judged_in_one_line(invoke: Invoke, tmp_path: Path) -> None:
    write(tmp_path, good())
    done = invoke("lint", "hv1")
    assert done.exit_code == 0
    assert done.stdout == "judged 4 files (1 machine, 1 domain, 1 guest inside): no findings\n"


def test_what_was_not_judged_is_listed_with_what_would_help(invoke: Invoke, tmp_path: Path) -> None:
    write(tmp_path, {"plc.xml": DOMAIN, "notes.txt": "call Ada\n"})
    done = invoke("lint", ".")
    assert done.exit_code == 0
    assert "not judged:\n  notes.txt: no kind of file that is known here\n" in done.stdout
    assert "isolated CPUs not known, so D06, D07 were not judged; add its /proc/cmdline\n" in done.stdout


def test_many_strange_files_are_told_by_their_number(invoke: Invoke, tmp_path: Path) -> None:
    write(tmp_path, {f"notes/{index:02}.txt": "call Ada\n" for index in range(20)})
    done = invoke("lint", "notes")
    listed = (
        "not judged (--json lists all):\n  notes/00.txt: no kind of file that is known here; 19 other files alike\n\n"
    )
    assert listed in done.stdout
    assert len(json.loads(invoke("lint", "notes", "--json").stdout)["not_judged"]) == 20


def test_what_says_the_most_is_told_before_what_is_many(invoke: Invoke, tmp_path: Path) -> None:
    write(tmp_path, {f"hv1/{index:02}.txt": "call Ada\n" for index in range(20)} | {"hv1/zz.xml": "<network/>"})
    write(tmp_path, {f"hv1/p{index:02}.yaml": f"kind: Strange{index}\napiVersion: v1\n" for index in range(14)})
    assert invoke("lint", "hv1").stdout.splitlines()[:5] == [
        "not judged (--json lists all):",
        "  hv1/zz.xml: XML with <network>, which is neither a domain nor libvirt's capabilities",
        "  hv1/p00.yaml: a Strange0, of which no rule speaks; 13 other files alike",
        "  hv1/00.txt: no kind of file that is known here; 19 other files alike",
        "",
    ]


def test_the_answer_as_json(invoke: Invoke, tmp_path: Path) -> None:
    write(tmp_path, {"rt.xml": GUIDE})
    done = invoke("lint", "rt.xml", "--json", "--select", "D09")
    data = json.loads(done.stdout)
    assert done.exit_code == 1
    assert (data["schema"], data["files"], data["subjects"]) == (1, 1, {"domain": 1})
    (finding,) = data["findings"]
    assert (finding["code"], finding["file"], finding["line"]) == ("D09", "rt.xml", 16)


def test_a_domain_may_come_from_a_pipe(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "quietcore.cli", "lint", "-"], input=GUIDE.encode(), capture_output=True, check=False
    )
    assert done.returncode == 1
    assert b"where:   stdin:16, " in done.stdout


def test_warnings_fail_where_that_is_asked_for(invoke: Invoke, tmp_path: Path) -> None:
    write(tmp_path, good() | {"hv1/plc.xml": DOMAIN.replace("<controller type='usb' model='none'/>", "")})
    assert invoke("lint", "hv1", "--select", "D33").exit_code == 0
    assert invoke("lint", "hv1", "--select", "D33", "--strict").exit_code == 1


@pytest.mark.parametrize("option", ["--select", "--ignore"])
def test_a_code_that_no_rule_has_is_a_mistake(invoke: Invoke, tmp_path: Path, option: str) -> None:
    write(tmp_path, good())
    done = invoke("lint", "hv1", option, "D09,Q1")
    assert done.exit_code == 2
    assert "no rule has a code like Q1" in done.stderr


def test_without_anything_to_judge_the_usage_is_told(invoke: Invoke) -> None:
    done = invoke("lint")
    assert done.exit_code == 2
    assert "give files, folders or --host URI" in done.stderr


def test_a_missing_path_is_the_environments_fault(invoke: Invoke) -> None:
    done = invoke("lint", "nowhere")
    assert done.exit_code == 2
    assert done.stderr == (
        "error: no such file or folder\n  given:   nowhere\n  hint:    give files or folders that exist\n"
    )


def test_a_host_of_libvirt_is_judged(invoke: Invoke) -> None:
    pytest.importorskip("libvirt")
    done = invoke("lint", "--host", "test:///default")
    assert done.exit_code == 0
    assert done.stdout == "judged 2 files (1 machine, 1 domain): no findings\n"
    assert "neither local nor over ssh" in done.stderr


def test_a_host_that_does_not_answer_is_told(invoke: Invoke) -> None:
    pytest.importorskip("libvirt")
    done = invoke("lint", "--host", "qemu+unix:///system?socket=/nowhere/sock")
    assert done.exit_code == 2
    assert done.stderr.startswith("error: libvirt does not answer\n")


def test_neither_pulumi_nor_libvirt_nor_grpc_is_imported(tmp_path: Path) -> None:
    write(tmp_path, good())
    program = (
        "import sys\nfrom quietcore.cli import quietcore\n"
        "quietcore(['lint', 'hv1'], standalone_mode=False)\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("no findings\n")
    loaded = set(done.stderr.split())
    assert not {"pulumi", "pulumi_libvirt", "pulumi_policy", "libvirt", "grpc"} & loaded
