"""What programs are told: all findings at once, the same from components and from raw resources."""

import pytest

BAD = """
hv1 = host()
hv2 = host("hv2", cpus=CpuPlan(housekeeping="0-2", isolated="2-7"))
host("hv3", cpus=CpuPlan(housekeeping="0-1", isolated=0))
host("hv4", topology="missing.yaml")
node("a", hv1, priority=99, pins={0: 0, 1: 2, 2: 2})
node("b", hv1, pins={0: 0, 1: 1, 2: 3}, memory="1500MiB")
node("c", hv1, memry="1GiB")
node("d", hv1, rt_vcpus=pulumi.Output.from_input("1"))
node("e", hv1, pins={0: 0, 1: 2, 2: 4})
"""


def test_all_mistakes_of_a_program_are_told_at_once(project):
    run = project.run(BAD)
    told = {(finding.code, finding.where) for finding in run.findings}
    assert told >= {
        ("C02", 'host "hv2", cpus.isolated'),
        ("D04", 'node "a", pins[2]'),
        ("D06", 'node "b", pins[1]'),
        ("D11", 'node "a", priority'),
        ("D24", 'node "b", memory'),
        ("S01", 'node "c", memry'),
        ("S02", 'host "hv3", cpus.isolated'),
        ("S03", 'node "d", rt_vcpus'),
        ("S05", "topology missing.yaml"),
    }
    assert any(finding.code == "D05" for finding in run.findings)


def test_a_good_program_is_told_nothing(project):
    assert project.run('hv1 = host()\nnode("a", hv1)\nnode("b", hv1)\n').findings == []


def test_every_finding_names_the_users_own_file(project):
    assert {finding.file for finding in project.run(BAD).findings} == {"__main__.py"}


def test_a_refused_node_registers_no_domain(project):
    run = project.run('hv1 = host()\nnode("c", hv1, memry="1GiB")\n')
    assert not [found for found in run.resources if found.type.endswith(":Domain")]


RAW = """
hv1 = host()
SCHED = '''<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="@*|node()"><xsl:copy><xsl:apply-templates select="@*|node()"/></xsl:copy></xsl:template>
<xsl:template match="/domain"><xsl:copy><xsl:apply-templates select="@*|node()"/><cputune>
<vcpupin vcpu="0" cpuset="0"/><vcpupin vcpu="1" cpuset="1"/>
<vcpusched vcpus="1" scheduler="fifo" priority="99"/></cputune></xsl:copy></xsl:template></xsl:stylesheet>'''
libvirt.Domain("raw", name="raw", vcpu=2, memory=2048, xml={"xslt": SCHED},
               opts=pulumi.ResourceOptions(provider=hv1.provider))
"""


@pytest.mark.parametrize("code", ["D06", "D11"])
def test_a_raw_domain_with_the_mistake_in_its_stylesheet_is_caught_too(project, code):
    assert code in {finding.code for finding in project.run(RAW).findings}


MISFITS = """
hv1 = host()
node("a", "hv1")
node("b", hv1, tuned="plc-guest")
node("c", hv1, authorized_keys="ssh-ed25519 AAAA user@example")
node("d", hv1, cloud_config="#cloud-config", memry="1GiB")
host("hv2", cpus="2-7")
host("hv3", facts="tcg")
node("e", hv1, pins={0: 0, 1: 2, 2: 99999})
TunedProfile("bare", role="guest", sysctl="vm.stat_interval=10")
"""


def test_a_thing_of_another_kind_is_a_finding_and_ends_no_program(project):
    run = project.run(MISFITS)
    assert run.failure is None
    assert {(finding.code, finding.where) for finding in run.findings} >= {
        ("S02", 'node "a", host'),
        ("S02", 'node "b", tuned'),
        ("S02", 'node "c", authorized_keys'),
        ("S02", 'node "d", cloud_config'),
        ("S01", 'node "d", memry'),
        ("S02", 'host "hv2", cpus'),
        ("S02", 'host "hv3", facts'),
        ("S02", 'node "e", pins[2]'),
        ("S02", 'tuned profile "bare", sysctl'),
    }


def test_a_name_where_a_component_belongs_is_answered_with_what_to_give(project):
    run = project.run('node("b", host(), tuned="plc-guest")\n')
    (told,) = [finding for finding in run.findings if finding.where == 'node "b", tuned']
    assert (told.given, told.allowed) == ("str 'plc-guest'", "a TunedProfile")
    assert told.hint == "give the TunedProfile itself, not its name"
