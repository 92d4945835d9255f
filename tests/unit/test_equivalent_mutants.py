"""The list of mutants that change nothing: each with a reason, each once, and with its own name."""

from typing import Any

import pytest
from tests.mutation.equivalent import equivalent, listed
from tests.mutation.mutants import mutants
from tests.mutation.session import place


def test_a_mutant_that_changes_nothing_is_listed_with_its_reason() -> None:
    text = "# a comment\n\nkernel/pages.py:held:not (a -- b) -- both ways raise\n"
    assert equivalent(text) == {"kernel/pages.py:held:not (a -- b)": "both ways raise"}


@pytest.mark.parametrize(
    "line", ["kernel/pages.py:held:not (a)", "kernel/pages.py:held:not (a) -- ", "a:b:c -- d\n" * 2]
)
def test_a_mutant_without_a_reason_or_listed_twice_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"equivalent\.txt:[12]: "):
        equivalent(line)


def test_the_list_that_is_kept_can_be_read() -> None:
    assert all(place.count(":") >= 2 for place in listed())


def test_each_mutant_of_a_function_has_a_name_of_its_own() -> None:
    source = "def f(a):\n    return 1 if a else 2 if a else 3\n"
    assert [mutant.change for mutant in mutants(source, "f.py")] == ["not (a)", "not (a) #2"]


def test_words_are_no_mutants_but_the_place_of_a_finding_is_one() -> None:
    source = (
        "def f(a):\n"
        "    said = 'x' if a else 'y'\n"
        "    kept = 'x' if a else 'y'\n"
        "    one, two = (1, 2) if a == 3 else (2, 1)\n"
        "    if kept:\n"
        "        yield Hit(where='p' if a < 1 else 'q', given=said, allowed=one, hint=f'{a == 2}{two}')\n"
    )
    assert [mutant.change for mutant in mutants(source, "f.py")] == [
        "not (kept)", "not (a)", "not (a < 1)", "LtE in a < 1",
    ]  # fmt: skip


def test_a_type_is_no_mutant() -> None:
    assert list(mutants("def f(a: int | None) -> A | B:\n    return a\n", "f.py")) == []


def test_a_mutant_of_a_decorator_takes_the_place_of_what_it_has_made() -> None:
    source = "def only(f):\n    def held(a):\n        return f(a) if a else 0\n    return held\n"
    names: dict[str, Any] = {}
    exec(compile(source, "f.py", "exec"), names)
    double = names["only"](lambda a: 2 * a)
    (mutant,) = mutants(source, "f.py")
    assert double(3) == 6
    place(names["only"], mutant.code)
    assert double(3) == 0


def test_a_condition_loses_each_of_its_parts_where_that_is_asked_for() -> None:
    source = "def f(a, b):\n    return a and any(b)\n"
    assert [mutant.change for mutant in mutants(source, "f.py", halves=True)] == [
        "without a in a and any(b)",
        "without any(b) in a and any(b)",
        "or in a and any(b)",
        "all in any(b)",
    ]
