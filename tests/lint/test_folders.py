from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.lint.sample import CMDLINE, DOMAIN, INSIDE, KUBELET, capabilities, good, write

from quietcore.errors import EnvironmentFault
from quietcore.lint import Options, Verdict, lint


def judged(folder: Path, files: Mapping[str, str], options: Options | None = None) -> Verdict:
    return lint([write(folder, files)], options or Options())


def codes(verdict: Verdict) -> list[str]:
    return sorted({finding.code for finding in verdict.findings})


def test_a_good_host_with_its_guest_has_no_findings_and_nothing_is_missing(tmp_path: Path) -> None:
    verdict = judged(tmp_path, good())
    assert verdict.findings == ()
    assert verdict.unjudged == ()
    assert verdict.missing == ()
    assert dict(verdict.subjects) == {"machine": 1, "domain": 1, "guest inside": 1}


def test_a_guest_is_judged_against_the_machine_of_its_folder(tmp_path: Path) -> None:
    moved = DOMAIN.replace("cpuset='4'", "cpuset='1'").replace(
        "vcpupin vcpu='0' cpuset='1'", "vcpupin vcpu='0' cpuset='0'"
    )
    verdict = judged(tmp_path, good() | {"hv1/plc.xml": moved})
    assert codes(verdict) == ["D06"]
    assert verdict.findings[0].file == str(tmp_path / "hv1/plc.xml")
    assert verdict.findings[0].line == 14


def test_a_folder_named_after_a_domain_speaks_of_its_inside(tmp_path: Path) -> None:
    verdict = judged(tmp_path, good() | {"hv1/plc/cmdline": INSIDE.replace("1-3", "2-3").replace("=0 ", "=0-1 ")})
    assert codes(verdict) == ["D46"]
    assert verdict.findings[0].file == str(tmp_path / "hv1/plc/cmdline")


def test_the_same_folder_without_that_domain_is_a_machine_of_its_own(tmp_path: Path) -> None:
    files = {name: text for name, text in good().items() if name != "hv1/plc.xml"}
    assert judged(tmp_path, files).subjects["machine"] == 2


def test_domains_of_one_name_on_two_hosts_are_two(tmp_path: Path) -> None:
    bad = DOMAIN.replace("vcpus='1-3'", "vcpus='1-4'")
    files = {f"{host}/plc.xml": bad for host in ("hv1", "hv2")}
    found = [finding for finding in judged(tmp_path, files).findings if finding.code == "D09"]
    assert [finding.file for finding in found] == [str(tmp_path / f"{host}/plc.xml") for host in ("hv1", "hv2")]


def tuned(name: str, include: str, recommend: str = "[]") -> str:
    return (
        f"apiVersion: tuned.openshift.io/v1\nkind: Tuned\nmetadata: {{name: {name}}}\nspec:\n  profile:\n"
        f'  - name: {name}\n    data: "[main]\\nsummary=of the site\\ninclude={include}\\n"\n'
        f"  recommend: {recommend}\n"
    )


def test_a_patch_on_a_patch_that_another_file_holds_takes_effect(tmp_path: Path) -> None:
    profile = (
        "apiVersion: performance.openshift.io/v2\nkind: PerformanceProfile\nmetadata: {name: cell}\nspec:\n"
        "  cpu: {isolated: 2-7, reserved: 0-1}\n  nodeSelector: {node-role.kubernetes.io/worker-cnf: ''}\n"
    )
    files = {
        "site/profile.yaml": profile,
        "site/base.yaml": tuned("cell-base", "openshift-node-performance-cell"),
        "site/power.yaml": tuned("power-patch", "cell-base", "[{profile: power-patch, priority: 15}]"),
    }
    assert codes(judged(tmp_path, files)) == []


def test_files_of_a_file_system_speak_of_the_machine_whose_root_it_is(tmp_path: Path) -> None:
    files = {
        "hv1/proc/cmdline": CMDLINE,
        "hv1/etc/libvirt/qemu/plc.xml": DOMAIN,
        "hv1/var/lib/kubelet/config.yaml": KUBELET.replace("0-1", "0-4"),
        "hv1/capabilities.xml": capabilities(),
    }
    verdict = judged(tmp_path, files)
    assert verdict.subjects["machine"] == 1
    assert codes(verdict) == []


def test_no_cpu_is_promised_to_a_guest_and_to_pods(tmp_path: Path) -> None:
    verdict = judged(tmp_path, good() | {"hv1/kubelet.yaml": KUBELET})
    assert codes(verdict) == ["X01"]
    (finding,) = verdict.findings
    assert (finding.file, finding.line) == (str(tmp_path / "hv1/plc.xml"), 12)
    assert f"{tmp_path / 'hv1/kubelet.yaml'} reserves 0-1" in finding.given


def test_a_folder_with_nothing_but_a_tuned_profile_belongs_to_the_machine_above(tmp_path: Path) -> None:
    tuned = "[main]\ninclude=realtime-virtual-guest\n"
    verdict = judged(tmp_path, good() | {"hv1/ours/tuned.conf": tuned})
    assert "T01" in codes(verdict)
    assert verdict.subjects["machine"] == 1


def test_what_runs_is_believed_before_what_is_to_run(tmp_path: Path) -> None:
    grub = f'GRUB_CMDLINE_LINUX="{CMDLINE.strip().replace("2-7", "3-7")}"\n'
    verdict = judged(tmp_path, good() | {"hv1/grub": grub})
    assert verdict.findings == ()
    reason = f"a second cmdline of hv1, whose cmdline is taken from {tmp_path / 'hv1/cmdline'}"
    assert verdict.unjudged == ((str(tmp_path / "hv1/grub"), reason),)


def test_pods_beside_a_kubelet_are_its_pods(tmp_path: Path) -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c}]}\n"
    files = {"w/kubelet.yaml": KUBELET, "w/lscpu.json": '{"cpus":[]}', "w/pod.yaml": pod, "x/pod.yaml": pod}
    assert judged(tmp_path, files).subjects["pod"] == 2


def test_a_list_holds_objects_of_any_kind(tmp_path: Path) -> None:
    pod = "- apiVersion: v1\n  kind: Pod\n  metadata: {name: a}\n  spec: {containers: [{name: c}]}\n"
    other = "- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: b}\n"
    verdict = judged(tmp_path, {"w/all.yaml": f"apiVersion: v1\nkind: List\nitems:\n{pod}{other}"})
    assert verdict.subjects["pod"] == 1
    assert verdict.unjudged == ((str(tmp_path / "w/all.yaml"), "a ConfigMap, of which no rule speaks"),)


def test_what_is_not_known_is_told_and_hurts_nobody(tmp_path: Path) -> None:
    verdict = judged(tmp_path, good() | {"hv1/README": "Read me.\n", "hv1/.git/config": "[core]\n"})
    assert verdict.findings == ()
    assert verdict.unjudged == ((str(tmp_path / "hv1/README"), "no kind of file that is known here"),)


def test_binary_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "disk").write_bytes(b"QFI\xfb\0\0\0")
    (tmp_path / "latin").write_bytes("isolcpus=1 root=/dev/sda é".encode("latin-1"))
    reasons = [reason for _, reason in lint([tmp_path]).unjudged]
    assert reasons == ["not text", "not UTF-8 text"]


BROKEN = [
    ("d.xml", "<domain>\n<name>a</nam></domain>", "S06", 2),
    ("d.xml", "<domain>\n<name>a</name>\n<vcpu>many</vcpu></domain>", "S06", 3),
    ("k.yaml", "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\ncpuCFSQuota: 7\n", "S07", 3),
    ("p.yaml", "apiVersion: v1\nkind: Pod\nspec:\n  containers: 3\n", "S07", 4),
    ("c.conf", "[crio.runtime]\nx = \n", "S08", 2),
    ("t.conf", "[main]\ninclude=realtime\nnonsense\n  more\n", "S08", 4),
    ("grub", 'GRUB_TIMEOUT=1\nGRUB_CMDLINE_LINUX="ro\n', "S08", 2),
    ("cpus.json", '{"cpus": [\n{"cpu": 0]}', "S08", 2),
    ("topology.yaml", "cells:\n- id: 0\n  cpus: 0-7\n  memory: 4GiB\n  foo: 1\n", "S01", 5),
]


@pytest.mark.parametrize(("name", "text", "code", "line"), BROKEN)
def test_a_broken_file_is_a_finding_with_its_line_and_the_others_are_judged(
    tmp_path: Path, name: str, text: str, code: str, line: int
) -> None:
    verdict = judged(tmp_path, good() | {f"hv2/{name}": text, "hv1/plc.xml": DOMAIN.replace("'1-3'", "'1-4'")})
    broken = [finding for finding in verdict.findings if finding.file == str(tmp_path / "hv2" / name)]
    assert [(finding.code, finding.line) for finding in broken] == [(code, line)]
    assert "D09" in codes(verdict)


def test_without_the_number_of_cpus_nothing_is_guessed(tmp_path: Path) -> None:
    verdict = judged(tmp_path, {"hv1/plc.xml": DOMAIN})
    assert verdict.findings == ()
    told = "\n".join(verdict.missing)
    assert "isolated CPUs not known, so D06, D07" in told
    assert "topology not known, so D20, D21, D22, D26" in told
    assert "inside of plc: not judged" in told


def test_pages_are_not_counted_where_only_lscpu_speaks(tmp_path: Path) -> None:
    rows = ",".join(f'{{"cpu":{cpu},"node":0,"socket":0,"core":{cpu}}}' for cpu in range(8))
    files = good() | {"hv1/lscpu.json": f'{{"cpus":[{rows}]}}'}
    del files["hv1/capabilities.xml"]
    verdict = judged(tmp_path, files)
    assert verdict.findings == ()
    assert any("memory of the NUMA cells not known" in each and "D26" in each for each in verdict.missing)


def test_cpus_that_are_offline_are_none_of_the_machine(tmp_path: Path) -> None:
    rows = ",".join(
        f'{{"cpu":{cpu},"node":{0 if cpu < 8 else "null"},"socket":0,"core":{cpu % 8},"online":{str(cpu < 8).lower()}}}'
        for cpu in range(16)
    )
    verdict = judged(tmp_path, {"hv1/lscpu.json": f'{{"cpus":[{rows}]}}', "hv1/cmdline": CMDLINE})
    assert verdict.findings == ()


def test_selected_rules_are_told_and_ignored_ones_are_not(tmp_path: Path) -> None:
    bad = good() | {"hv1/plc.xml": DOMAIN.replace("<locked/>", "").replace("'1-3'", "'1-4'")}
    assert codes(judged(tmp_path, bad)) == ["D09", "D27"]
    assert codes(judged(tmp_path, bad, Options(select=("D09",)))) == ["D09"]
    assert codes(judged(tmp_path, bad, Options(ignore=("D09",)))) == ["D27"]
    assert codes(judged(tmp_path, bad, Options(ignore=("D",), select=("D27",)))) == ["D27"]
    assert codes(judged(tmp_path, bad, Options(ignore=("D27",), select=("D",)))) == ["D09"]


def test_a_path_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="no such file"):
        lint([tmp_path / "nowhere"])


def test_the_order_of_the_files_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, good() | {"hv1/plc.xml": DOMAIN.replace("cpuset='4'", "cpuset='1'"), "hv1/other.xml": DOMAIN})
    files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert lint(files).findings == lint(files[::-1]).findings


OFFLINED = """apiVersion: performance.openshift.io/v2
kind: PerformanceProfile
metadata: {name: offlined}
spec:
  cpu: {reserved: "0-1", isolated: "2-7", offlined: "8-15"}
  nodeSelector: {node-role.kubernetes.io/worker-cnf: ""}
  numa: {topologyPolicy: single-numa-node}
  realTimeKernel: {enabled: true}
  workloadHints: {realTime: true}
"""


def test_cpus_that_are_switched_off_already_are_not_invented_by_the_plan(tmp_path: Path) -> None:
    rows = ",".join(
        f'{{"cpu":{cpu},"node":{0 if cpu < 8 else "null"},"socket":0,"core":{cpu % 8},"online":{str(cpu < 8).lower()}}}'
        for cpu in range(16)
    )
    assert codes(judged(tmp_path, {"w/lscpu.json": f'{{"cpus":[{rows}]}}', "w/profile.yaml": OFFLINED})) == []


def test_every_mistake_of_a_topology_file_is_told(tmp_path: Path) -> None:
    text = "cells:\n- id: 0\n  cpus: 0-x\n  memory: 4GiB\n  foo: 1\nbar: 2\n"
    found = judged(tmp_path, {"hv1/topology.yaml": text}).findings
    assert [(finding.code, finding.line) for finding in found] == [("S01", 6), ("S01", 5), ("S02", 3)]


def test_the_last_cpu_is_that_of_the_whole_machine_also_without_smt(tmp_path: Path) -> None:
    cell = "cells:\n- {id: 0, cpus: 0-7, memory: 16GiB, pages: {1GiB: 4}}\ncores: ['0,4', '1,5', '2,6', '3,7']\n"
    line = CMDLINE.replace("2-7", "2-3").strip() + " nosmt\n"
    assert codes(judged(tmp_path, {"hv1/topology.yaml": cell, "hv1/cmdline": line})) == []


def test_what_a_machine_says_of_itself_conditions_rules(tmp_path: Path) -> None:
    files = good() | {
        "hv1/tuned.conf": "[main]\ninclude=realtime-virtual-host\n",
        "hv1/realtime-virtual-host-variables.conf": "isolated_cores=2-7\nisolate_managed_irq=Y\n",
    }
    assert "T05" in codes(judged(tmp_path / "a", files))
    told = files | {
        "hv1/version": "tuned 2.20.0\n",
        "hv1/kernel": "Linux hv1 6.1.0-28-rt-amd64 #1 SMP PREEMPT_RT x86_64\n",
    }
    verdict = judged(tmp_path / "b", told)
    assert "T05" not in codes(verdict)
    assert verdict.missing == ()


TUNED = """apiVersion: tuned.openshift.io/v1
kind: Tuned
metadata: {name: patch}
spec:
  profile:
  - name: performance-patch
    data: |
      [main]
      include=openshift-node-performance-cnf
      [sysctl]
      kernel.sched_rt_runtime_us=950000
  recommend:
  - {machineConfigLabels: {machineconfiguration.openshift.io/role: cnf}, priority: 25, profile: performance-patch}
"""


def test_profiles_within_a_tuned_object_are_judged_too(tmp_path: Path) -> None:
    verdict = judged(tmp_path, {"site/patch.yaml": TUNED})
    assert codes(verdict) == ["T06", "T20"]
    assert {finding.file for finding in verdict.findings} == {str(tmp_path / "site/patch.yaml")}


def test_each_of_several_profiles_is_told_with_its_own_file(tmp_path: Path) -> None:
    clash = OFFLINED.replace("name: offlined", "name: other").replace('"2-7"', '"1-7"')
    verdict = judged(tmp_path, {"site/a.yaml": OFFLINED, "site/b.yaml": clash})
    assert [(each.code, each.file) for each in verdict.findings if each.code == "C02"] == [
        ("C02", str(tmp_path / "site/b.yaml"))
    ]
    assert all(finding.file for finding in verdict.findings)
    assert verdict.subjects["performance profile"] == 2


STARLINGX = (
    "BOOT_IMAGE=/1/vmlinuz-5.10.0-6-rt-amd64 rw ostree_root=/dev/mapper/cgts--vg-root--lv ostree=/ostree/1 "
    "rcu_nocbs=2-15 nohz_full=4-15 isolcpus=nohz,domain,managed_irq,4-15 kthread_cpus=0-1 irqaffinity=2-3 "
    "skew_tick=1 nosoftlockup nmi_watchdog=0\n"
)


def test_a_line_of_starlingx_speaks_its_dialect_by_itself(tmp_path: Path) -> None:
    kubelet = KUBELET.replace('reservedSystemCPUs: "0-1"', 'reservedSystemCPUs: "0-1,4-15"')
    files = {"node/cmdline": STARLINGX, "node/kubelet.yaml": kubelet}
    assert codes(judged(tmp_path, files)) == []
    assert codes(judged(tmp_path, files, Options(dialect="plain"))) == ["C10", "K03"]


BARE = (
    "apiVersion: v1\nkind: Pod\nmetadata:\n  name: plc\n  annotations: {cpu-quota.crio.io: disable}\nspec:\n"
    "  restartPolicy: Never\n  runtimeClassName: performance-cell\n  containers:\n  - name: rt\n"
    "    resources: {limits: {cpu: 2, memory: 1Gi}}\n"
)


@pytest.mark.parametrize("namespace", ["line-b", "default"])
def test_of_two_pods_of_one_name_the_wrong_one_is_told(tmp_path: Path, namespace: str) -> None:
    bad = BARE.replace("name: plc", f"name: plc\n  namespace: {namespace}").replace("cpu: 2", "cpu: 1500m")
    for files in ({"site/a.yaml": bad, "site/b.yaml": BARE}, {"site/b.yaml": bad, "site/a.yaml": BARE}):
        (found,) = judged(tmp_path / namespace / min(files), files).findings
        assert found.code == "W02"
        assert Path(found.file or "").name == next(Path(name).name for name, text in files.items() if text == bad)
        assert found.where.startswith('Pod "')


def test_a_second_domain_of_a_name_is_left_alone_and_the_first_is_told_in_its_own_file(tmp_path: Path) -> None:
    bad = DOMAIN.replace("vcpus='1-3'", "vcpus='1-4'")
    verdict = judged(tmp_path, {"hv1/a.xml": bad, "hv1/b.xml": DOMAIN})
    (found,) = [finding for finding in verdict.findings if finding.code == "D09"]
    assert found.file == str(tmp_path / "hv1/a.xml")
    assert [file for file, _ in verdict.unjudged] == [str(tmp_path / "hv1/b.xml")]
    assert verdict.judged == 1
