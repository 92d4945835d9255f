"""What passes and what does not, and why."""

from __future__ import annotations

import pytest
from tests.gate import sample

from quietcore.gate.events import Events, Said, Step, Violation
from quietcore.gate.judgement import all_findings, faults, unobserved, violations
from quietcore.gate.terminal import summary, text
from quietcore.gate.verdict import Kind, Verdict
from quietcore.policy.record import Record
from quietcore.resources.site import HOST
from quietcore.spec.finding import Finding


def kinds(verdict: Verdict) -> list[Kind]:
    return [reason.kind for reason in verdict.reasons]


def test_a_stack_that_was_judged_without_a_finding_passes() -> None:
    assert sample.clean().passed
    assert summary(sample.clean()) == "gate dev: passed; 4 of 10 resources judged"


def test_advice_refuses_nothing() -> None:
    advice = Violation("plant", "naming", "advisory", "names begin with plc-")
    verdict = sample.clean(findings=(sample.WARNING,), violations=(advice,))
    assert verdict.passed
    assert "advice: naming: names begin with plc-" in text(verdict)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"findings": (sample.ERROR,)}, Kind.FINDING),
        ({"violations": (sample.VIOLATION,)}, Kind.POLICY),
        ({"undecided": (sample.UNDECIDED,)}, Kind.UNDECIDED),
        ({"unobserved": (sample.UNOBSERVED,)}, Kind.UNOBSERVED),
        ({"judged": None}, Kind.UNJUDGED),
        ({"faults": (("", "boom"),)}, Kind.ENGINE),
        ({"code": 255}, Kind.ENGINE),
    ],
)
def test_each_of_these_alone_refuses(changes: dict[str, object], kind: Kind) -> None:
    assert kinds(sample.clean(**changes)) == [kind]


def test_offline_lets_hosts_pass_that_do_not_answer_and_says_so() -> None:
    verdict = sample.clean(unobserved=(sample.UNOBSERVED,), offline=True)
    assert verdict.passed
    assert "not observed, as --offline allows: hv1: hv1 cannot be reached" in text(verdict)
    assert "1 host not observed, as --offline allows" in summary(verdict)


def test_offline_lets_nothing_else_pass() -> None:
    left = {Kind.FINDING, Kind.POLICY, Kind.UNDECIDED, Kind.ENGINE}
    assert set(kinds(sample.full(offline=True))) == left


def test_an_undecided_value_is_named_with_its_resource() -> None:
    (reason,) = sample.clean(undecided=(sample.UNDECIDED,)).reasons
    assert reason.subject == "raw"
    assert "xml.xslt" in reason.text


def test_an_exit_code_is_no_second_reason_where_another_explains_it() -> None:
    assert kinds(sample.clean(findings=(sample.ERROR,), code=255)) == [Kind.FINDING]


def test_exemptions_in_force_are_shown() -> None:
    verdict = sample.clean(spared=((sample.EXEMPTION, sample.SPARED),))
    assert verdict.passed
    assert f"exempt: {sample.EXEMPTION}" in text(verdict)


def test_a_finding_of_check_and_pack_is_one_and_keeps_its_file() -> None:
    here = sample.ERROR.at(file="__main__.py")
    assert all_findings([here], Record(findings=[sample.ERROR])) == (here,)


def test_an_exemption_is_unused_only_where_check_and_pack_say_so() -> None:
    unused = Finding(code="E02", title="exemption spares nothing", where="exemption D31", given="D31 finds nothing")
    assert all_findings([], Record(findings=[unused])) == ()
    assert all_findings([unused], Record()) == ()
    assert all_findings(None, Record(findings=[unused])) == (unused,)
    assert all_findings([unused], None) == (unused,)


def test_what_the_pack_reports_is_told_once() -> None:
    record = Record(findings=[sample.ERROR], undecided=[sample.UNDECIDED])
    reported = [sample.ERROR.text(label=False), str(sample.UNDECIDED), "what no finding tells"]
    events = Events(
        violations=tuple(Violation("quietcore", "quietcore-site", "mandatory", f"About it.\n{t}") for t in reported)
    )
    assert [each.text for each in violations(events, record.findings, record)] == ["About it.\nwhat no finding tells"]


def test_what_a_resource_alone_is_told_counts_once_where_its_stack_is_told_the_same() -> None:
    def reported(name: str, code: str) -> tuple[Violation, ...]:
        text = f'About it.\n[{code}] title\n  where:   domain "{name}", cputune.vcpupin[2]'
        events = Events(violations=(Violation("p", "quietcore-resource", "mandatory", text, f"urn::{name}"),))
        return violations(events, [sample.ERROR], Record(findings=[sample.ERROR]))

    assert reported("plc-a", "D06") == ()
    assert len(reported("plc-a", "D07")) == 1
    assert len(reported("plc-b", "D06")) == 1


def test_what_other_policies_report_is_told() -> None:
    assert violations(Events(violations=(sample.VIOLATION,)), [], Record()) == (sample.VIOLATION,)


def test_hosts_that_do_not_answer_are_named_as_the_program_names_them() -> None:
    provider = Step("p", "same", "pulumi:providers:libvirt", "hv1-libvirt", parent="h")
    steps = (
        Step("h", "same", HOST, "hv1"),
        provider,
        Step("d1", "same", sample.DOMAIN, "plc-a", provider="p"),
        Step("d2", "same", sample.DOMAIN, "plc-b", provider="p"),
        Step("d3", "same", sample.DOMAIN, "raw", provider="q"),
        Step("q", "same", "pulumi:providers:libvirt", "elsewhere"),
    )
    said = [Said("warning", "not observed: no route", urn) for urn in ("d1", "d2", "d1", "d3")]
    found = unobserved(Events(steps=steps, said=tuple(said)))
    assert [(each.host, each.why, each.resources) for each in found] == [
        ("hv1", "no route", ("p::d1".rpartition("::")[2], "d2")),
        ("elsewhere", "no route", ("d3",)),
    ]


def test_errors_on_resources_count_and_those_that_a_finding_explains_do_not() -> None:
    said = (
        Said("error", sample.ERROR.text(label=False), "urn::plc-a"),
        Said("error", "no resource plugin", "urn::p"),
        Said("error", "program exited with non-zero exit code: 1"),
    )
    assert faults(Events(said=said), [sample.ERROR], explained=True) == (("p", "no resource plugin"),)
    assert ("", said[2].text) in faults(Events(said=said), [], explained=False)


def test_a_pack_that_dies_leaves_its_last_words() -> None:
    said = tuple(Said("info#err", line) for line in ("Traceback", "RuntimeError: pack broken"))
    assert faults(Events(said=said), [], explained=False, last="x") == (("", "Traceback\nRuntimeError: pack broken"),)
    assert faults(Events(), [], explained=False, last="Previewing\n\nerror: no such thing\n") == (
        ("", "Previewing\nerror: no such thing"),
    )
