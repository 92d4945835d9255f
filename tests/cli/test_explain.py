from __future__ import annotations

import json

from tests.cli.conftest import Invoke

from quietcore.rules.catalogue import CATALOGUE


def test_a_rule_is_explained_by_its_code_in_either_case(invoke: Invoke) -> None:
    done = invoke("explain", "c02")
    assert done.exit_code == 0
    assert done.stdout.startswith("C02: CPU is in two sets of the plan\n")
    for part in ("What", "Why", "Fix", "Bad", "It prints", "Good", "Sources"):
        assert f"\n{part}\n" in done.stdout


def test_without_a_code_all_rules_are_listed(invoke: Invoke) -> None:
    listed = invoke("explain").stdout
    assert all(f"  {rule.code}  " in listed for rule in CATALOGUE)


def test_a_code_may_lack_its_zero(invoke: Invoke) -> None:
    assert invoke("explain", "d2").stdout.startswith("D02: ")


def test_an_unknown_code_names_those_of_its_letter_and_no_others(invoke: Invoke) -> None:
    done = invoke("explain", "L99")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr == (
        "error: no rule has this code\n"
        "  given:   'L99'\n"
        "  allowed: L01, L02\n"
        "  hint:    `quietcore explain` lists all rules\n"
    )


def test_a_word_that_is_no_code_is_told_what_one_looks_like(invoke: Invoke) -> None:
    assert "  allowed: a letter of C, D, E, " in invoke("explain", "pins").stderr


def test_all_rules_are_given_as_json(invoke: Invoke) -> None:
    data = json.loads(invoke("explain", "--all", "--json").stdout)
    assert data["schema"] == 1
    assert [rule["code"] for rule in data["rules"]] == [rule.code for rule in CATALOGUE]
    assert all(rule["bad"] and rule["good"] and rule["sources"] and rule["prints"] for rule in data["rules"])
