"""CPUs that another domain of the host holds, judged by libvirt's own test driver."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from quietcore.plugins.handler import UNKNOWN, Context, HandlerError, Mark, Severity

libvirt = pytest.importorskip("libvirt")

from quietcore.plugins.libvirt.domain import DomainHandler  # noqa: E402
from quietcore.plugins.libvirt.held import CPU_HELD, PAGES_HELD  # noqa: E402
from quietcore.rules.domain.hosted import D05, D26  # noqa: E402

HANDLER = DomainHandler()
OURS = '<quietcore:owner xmlns:quietcore="urn:quietcore:owner:1" project="plant" stack="{stack}" name="other"/>'
PINNED = '<vcpupin vcpu="0" cpuset="0"/><vcpupin vcpu="1" cpuset="{cpu}"/>{more}'
REAL_TIME = '<vcpusched vcpus="1" scheduler="fifo" priority="1"/>'
SHEET = """<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="@*|node()"><xsl:copy><xsl:apply-templates select="@*|node()"/></xsl:copy></xsl:template>
<xsl:template match="/domain"><xsl:copy><xsl:apply-templates select="@*|node()"/>
<cputune>{tune}</cputune></xsl:copy></xsl:template></xsl:stylesheet>"""


def ours(cpu: str = "1", more: str = REAL_TIME, **inputs: Any) -> dict[str, Any]:
    """A checked domain of two vCPUs; vCPU 1 is real-time on `cpu`."""
    sheet = SHEET.format(tune=PINNED.format(cpu=cpu, more=more))
    plain = {"name": "plc", "type": "test", "arch": "i686", "memory": 32, "vcpu": 2, "xml": {"xslt": sheet}}
    made, failures = HANDLER.check({**plain, **inputs}, None, Mark("plant", "lab", "plc"))
    assert not failures
    return made


class Host:
    """The test driver's host, with a domain of somebody else's on it."""

    def __init__(self) -> None:
        self.connection = libvirt.open("test:///default")
        self.lines: list[tuple[Severity, str]] = []

    def context(self) -> Context:
        return Context(
            urn="urn:pulumi:lab::plant::libvirt:index/domain:Domain::plc",
            mark=Mark("plant", "lab", "plc"),
            uri="test:///default",
            connect=lambda: self.connection,
            log=lambda severity, text: self.lines.append((severity, text)),
            status=lambda _text: None,
        )

    def define(self, cpu: str = "1", more: str = "", owner: str = "", **state: bool) -> Any:
        xml = f"""<domain type='test'><name>other</name><metadata>{owner}</metadata><memory unit='MiB'>32</memory>
        <vcpu>2</vcpu><cputune>{PINNED.format(cpu=cpu, more=more)}</cputune><os><type>hvm</type></os></domain>"""
        domain = self.connection.defineXML(xml)
        if state.get("running", True):
            domain.create()
        domain.setAutostart(int(state.get("autostart", False)))
        return domain


@pytest.fixture
def host() -> Iterator[Host]:
    made = Host()
    yield made
    for domain in made.connection.listAllDomains():
        if domain.name() in ("plc", "other"):
            if domain.isActive():
                domain.destroy()
            domain.undefine()


def refusal(host: Host, inputs: dict[str, Any]) -> str:
    """What create says; preview must say the same, and nothing may be left."""
    with pytest.raises(HandlerError) as told:
        HANDLER.foresee(inputs, None, host.context())
    with pytest.raises(HandlerError) as raised:
        HANDLER.create(inputs, host.context())
    assert str(raised.value) == str(told.value)
    assert "plc" not in [domain.name() for domain in host.connection.listAllDomains()]
    return str(raised.value)


def passes(host: Host, inputs: dict[str, Any]) -> Any:
    HANDLER.foresee(inputs, None, host.context())
    return HANDLER.create(inputs, host.context())


def test_a_refusal_bears_the_rules_own_names():
    assert [(rule.code, rule.title) for rule in (D05, D26)] == [CPU_HELD, PAGES_HELD]


def test_a_real_time_cpu_that_another_domain_is_pinned_to_is_refused_with_its_name_and_the_way_out(host):
    host.define()
    assert refusal(host, ours()).splitlines() == [
        "[D05] CPU of a real-time vCPU is held by two domains",
        '  where:   domain "plc", cputune.vcpupin[1]',
        '  given:   CPU 1 for vCPU 1, held by vCPU 1 of domain "other" (made by nobody\'s program; running) on '
        "test driver",
        "  allowed: CPUs of test driver that no other domain is pinned to: 2,4",
        "  hint:    pin it elsewhere, or move the other: virsh -c 'test:///default' vcpupin other 1 CPU",
        "  more:    quietcore explain D05",
    ]


def test_a_cpu_on_which_another_domain_is_real_time_is_refused_to_any_thread(host):
    host.define(cpu="2", more=REAL_TIME)
    assert "CPU 2 for the emulator, held by vCPU 1" in refusal(host, ours(cpu="4", more='<emulatorpin cpuset="2"/>'))


def test_another_domains_emulator_holds_a_cpu_too(host):
    host.define(cpu="2", more='<emulatorpin cpuset="4"/>')
    assert "held by the emulator of" in refusal(host, ours(cpu="4"))
    assert "emulatorpin other CPU" in refusal(host, ours(cpu="4"))


def test_cpus_without_real_time_may_be_shared(host):
    host.define()
    passes(host, ours(more=""))


def test_a_domain_that_is_off_holds_nothing_unless_it_starts_with_the_host(host):
    other = host.define(running=False)
    HANDLER.foresee(ours(), None, host.context())
    other.setAutostart(1)
    assert "starts with the host" in refusal(host, ours())


def test_a_domain_of_the_same_stack_is_left_to_the_rules(host):
    host.define(owner=OURS.format(stack="lab"))
    passes(host, ours())


def test_a_domain_of_another_stack_is_named_with_it(host):
    host.define(owner=OURS.format(stack="prod"))
    assert 'domain "other" (of plant/prod; running)' in refusal(host, ours())


def test_a_domain_that_is_not_to_run_takes_nothing(host):
    host.define()
    passes(host, ours(running=False))


def test_what_only_up_will_know_is_not_judged(host):
    host.define()
    HANDLER.foresee({**ours(), "xml": {"xslt": UNKNOWN}}, None, host.context())


def test_a_change_is_judged_by_what_it_takes_anew(host):
    made = passes(host, ours(cpu="4"))
    host.define()
    with pytest.raises(HandlerError, match="D05"):
        HANDLER.foresee(ours(), made, host.context())
    with pytest.raises(HandlerError, match="D05"):
        HANDLER.update(made, ours(), host.context())
    HANDLER.foresee(ours(cpu="2"), made, host.context())


def test_a_cpu_that_others_took_later_is_told_and_stops_no_other_change(host):
    made = passes(host, ours())
    host.define()
    HANDLER.read(made, host.context())
    (line,) = [text for severity, text in host.lines if severity is Severity.WARNING]
    assert line.startswith("[D05]")
    HANDLER.foresee(ours(description="a word"), made, host.context())
