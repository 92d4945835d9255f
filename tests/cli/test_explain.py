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


def test_an_unknown_code_names_the_nearest(invoke: Invoke) -> None:
    done = invoke("explain", "D99")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: no rule has this code\n")
    assert "did you mean" in done.stderr


def test_all_rules_are_given_as_json(invoke: Invoke) -> None:
    data = json.loads(invoke("explain", "--all", "--json").stdout)
    assert data["schema"] == 1
    assert [rule["code"] for rule in data["rules"]] == [rule.code for rule in CATALOGUE]
    assert all(rule["bad"] and rule["good"] and rule["sources"] and rule["prints"] for rule in data["rules"])
