from __future__ import annotations

import json
from pathlib import Path

from lxml import etree
from tests.cli.conftest import Invoke
from tests.cli.plant import BAD_PROGRAM, write_plant


def rendered(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def prepared(invoke: Invoke) -> None:
    invoke("check", "prod")


def test_every_node_and_host_has_its_files(invoke: Invoke, plant: Path) -> None:
    prepared(invoke)
    done = invoke("render", "prod", "-o", "out")
    assert done.exit_code == 0
    assert done.stdout == ""
    files = rendered(plant / "out")
    assert {"hosts/hv1/cmdline", "hosts/hv1/topology.yaml", "hosts/hv2/cmdline"} <= set(files)
    for name in ("cmdline", "domain.xml", "domain.xslt", "user-data", "meta-data", "network-config"):
        assert f"nodes/plc-a/{name}" in files
    assert "nodes/plc-a/etc/tuned/plc-guest/tuned.conf" in files


def test_the_domain_is_the_effective_one_with_the_paths_that_the_host_will_have(invoke: Invoke, plant: Path) -> None:
    prepared(invoke)
    data = json.loads(invoke("render", "prod", "--json").stdout)
    domain = etree.fromstring(data["files"]["nodes/plc-a/domain.xml"].encode())
    assert [pin.get("cpuset") for pin in domain.iterfind("cputune/vcpupin")] == ["0", "1", "2"]
    assert [source.get("file") for source in domain.iterfind("devices/disk/source")] == [
        "/var/lib/libvirt/quietcore/plant-prod/plc-a-root.qcow2",
        "/var/lib/libvirt/quietcore/plant-prod/plc-a-seed.iso",
    ]


def test_the_same_program_gives_the_same_bytes(invoke: Invoke, plant: Path) -> None:
    prepared(invoke)
    assert invoke("render", "prod").stdout_bytes == invoke("render", "prod").stdout_bytes


def test_printed_files_stand_below_their_paths(invoke: Invoke, plant: Path) -> None:
    prepared(invoke)
    text = invoke("render", "prod").stdout
    assert text.startswith("# --- hosts/hv1/cmdline\nisolcpus=managed_irq,domain,1-3,5-7 ")
    assert "\n\n# --- nodes/plc-a/domain.xml\n<domain " in text


def test_a_file_that_nothing_stands_for_any_more_is_told_and_kept(invoke: Invoke, plant: Path) -> None:
    prepared(invoke)
    invoke("render", "prod", "-o", "out")
    (plant / "out/nodes/old").mkdir()
    (plant / "out/nodes/old/domain.xml").write_text("<domain/>\n")
    assert "stale: out/nodes/old/domain.xml" in invoke("render", "prod", "-o", "out").stderr
    assert (plant / "out/nodes/old/domain.xml").exists()


def test_a_program_with_errors_renders_and_says_that_up_will_not_do_this(invoke: Invoke, tmp_path: Path) -> None:
    write_plant(tmp_path, BAD_PROGRAM)
    invoke("check", "prod")
    done = invoke("render", "prod")
    assert done.exit_code == 1
    assert "nodes/plc-b/domain.xml" in done.stdout
    assert "this is not what `up` will do: quietcore check prod" in done.stderr


BROKEN = """
import pulumi_libvirt as libvirt
libvirt.Domain("odd", name="odd", memory=1024, vcpu=2, xml={"xslt": "<xsl:nonsense"})
"""


def test_a_stylesheet_that_is_none_is_told_with_its_domain(invoke: Invoke, tmp_path: Path) -> None:
    write_plant(tmp_path, BROKEN)
    done = invoke("render", "prod")
    assert done.exit_code == 2
    assert done.stderr.startswith('error: stylesheet cannot be applied\n  where:   Domain "odd", xml.xslt\n')
