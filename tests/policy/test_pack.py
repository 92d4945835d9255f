"""The real engine with the real pack refuses what ``quietcore check`` refuses, for the same reasons."""

import re
from pathlib import Path

import pytest
import yaml

import quietcore

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.engine
CODE = re.compile(r"\[([A-Z]\d\d)\]")

BAD = {
    "pins that overlap": ('node("a", host(), pins={0: 0, 1: 2, 2: 2})', "D04"),
    "real-time pins outside the isolated set": ('node("a", host(), pins={0: 0, 1: 1, 2: 3})', "D06"),
    "priority 99": ('node("a", host(), priority=99)', "D11"),
    "memory that is not in whole pages": ('node("a", host(), memory="1500MiB", page_size="1GiB")', "D24"),
    "a CPU that another domain holds": (
        'hv1 = host()\nnode("a", hv1, pins={0: 0, 1: 2, 2: 3})\nnode("b", hv1, pins={0: 0, 1: 3, 2: 4})',
        "D05",
    ),
    "a core that is split": ('node("a", host(topology="smt.yaml"), pins={0: 0, 1: 2, 2: 3})', "C05"),
    "a topology file with a typo": ('host(topology="typo.yaml")', "S01"),
    "isolated as an integer": ('host(cpus=CpuPlan(housekeeping="0-1", isolated=0))', "S02"),
    "an Output where a plain value belongs": ('node("a", host(), rt_vcpus=pulumi.Output.from_input("1"))', "S03"),
    "an unknown key": ('node("a", host(), memry="1GiB")', "S01"),
}
SMT = 'cells:\n- {id: 0, cpus: 0-7, memory: 32GiB, pages: {1GiB: 12}}\ncores: ["0,4", "1,5", "2,6", "3,7"]\n'


@pytest.mark.parametrize("mistake", BAD)
def test_preview_and_check_refuse_the_same_program_for_the_same_reasons(project, mistake):
    lines, code = BAD[mistake]
    (project.folder / "smt.yaml").write_text(SMT)
    (project.folder / "typo.yaml").write_text("cells:\n- {id: 0, cpu: 0-7, memory: 32GiB}\n")
    project.write(lines)
    checked = project.checked()
    previewed = project.previewed()
    assert code in checked
    assert previewed.returncode != 0
    assert set(CODE.findall(previewed.output)) == checked


def test_a_good_program_previews_with_its_host_out_of_reach(project):
    project.write('node("a", host())')
    previewed = project.previewed().ok()
    assert "to create" in previewed.output


def test_all_mistakes_stand_in_one_preview(project):
    project.write('hv1 = host()\nnode("a", hv1, priority=99)\nnode("b", hv1, memry="1GiB")\n')
    assert set(CODE.findall(project.previewed().output)) >= {"D11", "S01"}


RAW = """
SHEET = '''<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="@*|node()"><xsl:copy><xsl:apply-templates select="@*|node()"/></xsl:copy></xsl:template>
<xsl:template match="/domain"><xsl:copy><xsl:apply-templates select="@*|node()"/><cputune>
<vcpupin vcpu="0" cpuset="0"/><vcpupin vcpu="1" cpuset="2"/>
<vcpusched vcpus="1" scheduler="fifo" priority="99"/></cputune></xsl:copy></xsl:template></xsl:stylesheet>'''
libvirt.Domain("raw", name="raw", vcpu=2, memory=2048, xml={"xslt": SHEET},
               opts=pulumi.ResourceOptions(provider=host().provider))
"""


def test_a_raw_domain_with_the_mistake_in_its_stylesheet_is_refused_by_the_pack(project):
    project.write(RAW)
    previewed = project.previewed()
    assert previewed.returncode != 0
    assert re.search(r"mandatory.*quietcore-resource", previewed.output)
    assert "priority 99" in previewed.output


def test_without_the_pack_the_raw_domain_would_pass(project):
    project.write(RAW)
    project.pulumi("preview", cwd=project.folder).ok()


def test_a_refused_component_does_not_hide_a_raw_domain_from_the_pack(project):
    project.write(RAW + 'node("a", host("hv2"), memry="1GiB")\n')
    previewed = project.previewed()
    assert "S01" in CODE.findall(previewed.output)
    assert "priority 99" in previewed.output


def test_the_pack_has_the_version_of_the_package():
    settings = yaml.safe_load((ROOT / "policies" / "PulumiPolicy.yaml").read_text())
    assert settings["version"] == quietcore.__version__
