import pytest

from quietcore.errors import QuietcoreError
from quietcore.rules.catalogue import CATALOGUE, by_code

FIRST = {
    "C": ["C02", "C03", "C05", "C09", "C10", "C14"],
    "D": [f"D{number:02}" for number in (2, 3, 4, 5, 6, 7, 9, 11, 20, 22, 23, 26, 31, 32, 46)],
    "T": ["T04", "T06"],
}


def test_codes_are_unique_and_sorted() -> None:
    codes = [rule.code for rule in CATALOGUE]
    assert codes == sorted(set(codes))


def test_titles_are_unique() -> None:
    assert len({rule.title for rule in CATALOGUE}) == len(CATALOGUE)


@pytest.mark.parametrize("code", [code for codes in FIRST.values() for code in codes])
def test_the_rules_of_the_first_proof_are_there(code: str) -> None:
    assert by_code(code).code == code


def test_a_code_is_found_in_either_case() -> None:
    assert by_code(" d06 ") is by_code("D06")


def test_a_code_is_found_without_its_zero() -> None:
    assert by_code("d6") is by_code("D06")


def test_a_wrong_code_is_answered_with_those_of_its_letter() -> None:
    with pytest.raises(QuietcoreError, match="no rule has this code") as refused:
        by_code("L66")
    assert refused.value.given == "'L66'"
    assert refused.value.allowed == "L01, L02"
    assert refused.value.hint == "`quietcore explain` lists all rules"


def test_a_code_like_none_is_answered_with_what_a_code_is() -> None:
    with pytest.raises(QuietcoreError, match="no rule has this code") as refused:
        by_code("nonsense")
    assert refused.value.allowed.endswith(", X, two digits")
