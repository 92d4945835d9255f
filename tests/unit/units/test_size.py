import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietcore.errors import UnitError
from quietcore.units import Size

BYTES = st.integers(0, 1 << 50)


@given(BYTES)
def test_a_size_reads_back(count: int) -> None:
    assert Size.parse(str(Size(count))) == Size(count)


@given(BYTES, BYTES, st.integers(0, 1000))
def test_sizes_add_multiply_and_compare_as_their_bytes(one: int, other: int, times: int) -> None:
    assert (Size(one) + Size(other)).bytes == one + other
    assert (Size(one) * times).bytes == one * times
    assert (Size(one) < Size(other)) == (one < other)
    assert (Size(one) >= Size(other)) == (one >= other)
    assert (hash(Size(one)) == hash(Size(other))) or one != other


@pytest.mark.parametrize(
    ("text", "canonical", "count"),
    [
        ("0B", "0B", 0),
        ("1B", "1B", 1),
        ("1024B", "1KiB", 1024),
        ("512 MiB", "512MiB", 512 << 20),
        (" 2GiB ", "2GiB", 2 << 30),
        ("2048MiB", "2GiB", 2 << 30),
        ("1536MiB", "1536MiB", 1536 << 20),
        ("1TiB", "1TiB", 1 << 40),
    ],
)
def test_a_size_prints_in_the_largest_unit_that_divides_it(text: str, canonical: str, count: int) -> None:
    assert str(Size.parse(text)) == canonical
    assert Size.parse(text).bytes == count


@pytest.mark.parametrize(
    ("text", "hint"),
    [("2GB", 'write "2GiB"'), ("2G", 'write "2GiB"'), ("2gb", 'write "2GiB"'), ("2m", 'write "2MiB"'), ("2 XB", "")],
)
def test_a_unit_that_means_two_things_is_refused_with_the_one_that_was_meant(text: str, hint: str) -> None:
    with pytest.raises(UnitError, match="not a unit of size") as refused:
        Size.parse(text)
    assert refused.value.hint == hint


@pytest.mark.parametrize("value", ["", "2", "GiB", "-1GiB", "1.5GiB", "2GiB!", 2, None, True, "\u0662GiB"])
def test_a_value_that_is_no_size_is_refused(value: object) -> None:
    with pytest.raises(UnitError, match="not a size"):
        Size.parse(value)


@pytest.mark.parametrize("count", [-1, 1.0, True, "1"])
def test_bytes_are_whole_and_not_negative(count: object) -> None:
    with pytest.raises(UnitError, match="not a size in bytes"):
        Size(count)


def test_a_size_in_another_unit_must_divide() -> None:
    assert Size.parse("2GiB").in_unit("MiB") == 2048
    with pytest.raises(UnitError, match="not in whole GiB"):
        Size.parse("1536MiB").in_unit("GiB")


@pytest.mark.parametrize(("size", "kernel"), [("2MiB", "2M"), ("1GiB", "1G"), ("1048576KiB", "1G"), ("64KiB", "64K")])
def test_the_kernel_spells_page_sizes_its_own_way(size: str, kernel: str) -> None:
    assert Size.parse(size).kernel() == kernel


def test_there_are_short_ways_to_write_small_units() -> None:
    assert Size.kib(4) == Size.parse("4KiB")
    assert Size.mib(2) == Size.parse("2MiB")
    assert Size.mib(2) != 2 << 20
