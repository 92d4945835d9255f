"""CPUs and pages that a domain of nobody's program holds are refused where its host answers."""

from __future__ import annotations

import pytest
from lab_project import LabProject

pytestmark = [pytest.mark.lab, pytest.mark.engine]

FOREIGN = """<domain type='qemu'><name>line-4</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
<memoryBacking><hugepages><page size='2' unit='MiB'/></hugepages></memoryBacking>
<cputune><vcpupin vcpu='0' cpuset='1'/></cputune><numatune><memory mode='strict' nodeset='0'/></numatune>
<os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"""

GREEDY = """
SHEET = '''<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="@*|node()"><xsl:copy><xsl:apply-templates select="@*|node()"/></xsl:copy></xsl:template>
<xsl:template match="/domain"><xsl:copy><xsl:apply-templates select="@*|node()"/>
<memoryBacking><hugepages><page size="2" unit="MiB"/></hugepages></memoryBacking>
<numatune><memory mode="strict" nodeset="0"/></numatune></xsl:copy></xsl:template></xsl:stylesheet>'''
host = hosts["hv1"]
libvirt.Domain("greedy", name="greedy", type="qemu", memory=1 << 20, vcpu=1, xml={"xslt": SHEET},
    opts=pulumi.ResourceOptions(provider=host.provider))
"""


@pytest.fixture
def site(tmp_path, pulumi, lab, monkeypatch):
    """An empty site beside a foreign domain that runs on CPU 1 of hv1."""
    monkeypatch.setenv("QUIETCORE_LAB", lab.name)
    project = LabProject(tmp_path / "site", pulumi, lab)
    project.env["CI"] = ""
    foreign = project.host("hv1").createXML(FOREIGN)
    try:
        yield project
    finally:
        project.pulumi("destroy", "--yes", "--skip-preview")
        foreign.destroy()


def test_a_cpu_that_a_foreign_domain_holds_is_refused_by_preview_and_by_up(site):
    site.write('node("plc-a", "hv1")\nnode("plc-b", "hv2")\n')
    for ran in (site.preview(), site.pulumi("up", "--yes", "--skip-preview")):
        assert ran.returncode != 0
        assert "[D05] CPU of a real-time vCPU is held by two domains" in ran.output
        assert 'given:   CPU 1 for vCPU 1, held by vCPU 0 of domain "line-4" (made by nobody\'s program' in ran.output
        assert "hint:    pin it elsewhere, or move the other: virsh -c " in ran.output
    assert [one.name() for one in site.host("hv1").listAllDomains()] == ["line-4"]
    site.host("hv1").lookupByName("line-4").pinVcpu(0, (True, False))
    site.up()
    assert site.steps() == {}


def test_pages_that_a_foreign_domain_holds_are_counted(site):
    site.write(GREEDY)
    for ran in (site.preview(), site.pulumi("up", "--yes", "--skip-preview")):
        assert ran.returncode != 0
        assert "[D26] domains want more hugepages than the host has" in ran.output
        assert "524288 pages of 2MiB wanted in cell 0" in ran.output
        assert '16 by domain "line-4" (made by nobody\'s program; running)' in ran.output
