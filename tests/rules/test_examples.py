"""Every rule's own examples: the bad one breaks it and nothing else, the good one breaks nothing."""

import pytest

from quietcore.rules.catalogue import CATALOGUE, by_code
from quietcore.rules.docs import printed
from quietcore.rules.judge import findings
from quietcore.rules.rule import Rule

EACH = pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.code)


@EACH
def test_the_bad_example_hits_this_rule_and_no_other(rule: Rule) -> None:
    assert {finding.code for finding in findings(rule.doc.bad.subject())} == {rule.code}


@EACH
def test_the_good_example_hits_no_rule_at_all(rule: Rule) -> None:
    assert findings(rule.doc.good.subject()) == []


@EACH
def test_a_finding_says_where_what_was_given_and_what_to_do(rule: Rule) -> None:
    for finding in findings(rule.doc.bad.subject()):
        assert finding.where
        assert finding.given
        assert finding.hint
        assert finding.severity is rule.severity


@EACH
def test_the_doc_is_in_sentences_and_names_its_sources(rule: Rule) -> None:
    assert rule.doc.what.rstrip(")").endswith(".")
    assert rule.doc.why.rstrip(")").endswith(".")
    assert rule.doc.sources
    assert rule.doc.bad.text != rule.doc.good.text or rule.code == "S03"


@EACH
def test_the_title_names_the_bad_pattern(rule: Rule) -> None:
    assert not rule.title.startswith("no-")
    assert " must " not in rule.title
    assert not rule.title.endswith(".")


@EACH
def test_a_rule_depends_only_on_rules_of_the_catalogue(rule: Rule) -> None:
    assert [by_code(code).code for code in rule.depends_on] == list(rule.depends_on)


def test_what_a_bad_example_prints_is_the_documented_text() -> None:
    assert printed(by_code("C02")) == (
        "error[C02]: CPU is in two sets of the plan\n"
        "  where:   cpus.isolated\n"
        "  given:   isolated 2-7, housekeeping 0-2; both contain: 2\n"
        "  allowed: each CPU in one set\n"
        "  hint:    set housekeeping to 0-1\n"
        "  more:    quietcore explain C02"
    )
