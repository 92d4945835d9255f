import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietcore.errors import UnitError
from quietcore.units import Duration

SPANS = st.integers(0, 10**12)


@given(SPANS)
def test_a_duration_reads_back(microseconds: int) -> None:
    assert Duration.parse(str(Duration(microseconds))) == Duration(microseconds)


@given(SPANS, SPANS)
def test_durations_compare_as_their_microseconds(one: int, other: int) -> None:
    assert (Duration(one) < Duration(other)) == (one < other)
    assert (Duration(one) == Duration(other)) == (one == other)


@pytest.mark.parametrize(
    ("text", "canonical", "seconds"),
    [
        ("0s", "0s", 0.0),
        ("250ms", "250ms", 0.25),
        ("30s", "30s", 30.0),
        ("90s", "1m30s", 90.0),
        ("1h30m", "1h30m", 5400.0),
        ("60m", "1h", 3600.0),
        ("1500us", "1ms500us", 0.0015),
        ("5m", "5m", 300.0),
    ],
)
def test_a_duration_prints_its_units_largest_first(text: str, canonical: str, seconds: float) -> None:
    assert str(Duration.parse(text)) == canonical
    assert Duration.parse(text).seconds == seconds


@pytest.mark.parametrize("value", ["", "30", "s", "1.5s", "-1s", "1 s", "3d", 30, None, "\u0663s"])
def test_a_value_that_is_no_duration_is_refused(value: object) -> None:
    with pytest.raises(UnitError, match="not a duration"):
        Duration.parse(value)


@pytest.mark.parametrize("value", ["30", 30])
def test_a_bare_number_is_refused_with_the_unit_that_it_lacks(value: object) -> None:
    with pytest.raises(UnitError) as refused:
        Duration.parse(value)
    assert refused.value.hint == 'write "30s" for seconds'


@pytest.mark.parametrize("count", [-1, 1.0, True])
def test_microseconds_are_whole_and_not_negative(count: object) -> None:
    with pytest.raises(UnitError):
        Duration(count)
