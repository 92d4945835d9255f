"""What a preview of new resources makes the plugin import: each host has a process of its own, and pays for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("libvirt")

PREVIEW = '''
import sys
from quietcore.plugins.libvirt import __main__
from quietcore.plugins.libvirt.provider import libvirt_provider
from quietcore.plugins.properties import encode
from quietcore.plugins.protocol import provider_pb2
from quietcore.plugins.server import Servicer

TUNE = """<cputune><vcpupin vcpu="0" cpuset="1"/><vcpusched vcpus="0" scheduler="fifo" priority="1"/></cputune>"""
SHEET = f"""<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="@*|node()"><xsl:copy><xsl:apply-templates select="@*|node()"/></xsl:copy></xsl:template>
<xsl:template match="/domain"><xsl:copy><xsl:apply-templates select="@*|node()"/>{TUNE}</xsl:copy></xsl:template>
</xsl:stylesheet>"""
POOL = {"name": "pool", "type": "dir", "target": {"path": "/srv/pool"}}
VOLUME = {"name": "disk", "pool": "pool", "size": 1 << 30}
SEED = {"name": "seed", "pool": "pool", "userData": "#cloud-config\\nhostname: plc\\n"}
DOMAIN = {"name": "plc", "type": "test", "arch": "i686", "memory": 32, "vcpu": 1, "xml": {"xslt": SHEET}}


class Silent:
    """Hears what the plugin says."""

    def log(self, *_said): pass
    def status(self, *_said): pass


servicer = Servicer(libvirt_provider(), Silent())
servicer.Configure(provider_pb2.ConfigureRequest(args=encode({"uri": "test:///default"})), None)
for kind, props in (("pool:Pool", POOL), ("volume:Volume", VOLUME), ("cloudInitDisk:CloudInitDisk", SEED),
                    ("domain:Domain", DOMAIN)):
    urn = f"urn:pulumi:lab::plant::libvirt:index/{kind}::one"
    checked = servicer.Check(provider_pb2.CheckRequest(urn=urn, news=encode(props)), None)
    assert not checked.failures, checked.failures
    made = servicer.Create(provider_pb2.CreateRequest(urn=urn, properties=checked.inputs, preview=True), None)
    assert made.properties.fields["name"].string_value == props["name"]
print(*sys.modules)
'''


def modules() -> set[str]:
    run = subprocess.run([sys.executable, "-c", PREVIEW], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


@pytest.fixture(scope="module")
def imported() -> set[str]:
    return modules()


def test_the_plugin_starts_and_previews_a_new_domain_without_importing_pydantic(imported):
    assert "quietcore.plugins.libvirt.held" in imported  # it has looked at the host's other domains
    assert "pydantic" not in imported


def test_nothing_that_speaks_http_or_makes_a_seed_is_imported_for_a_preview(imported):
    assert not imported & {"http.client", "urllib.request", "pycdlib"}
