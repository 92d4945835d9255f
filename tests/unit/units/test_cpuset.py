"""CpuSet against Python's own set, and against the kernel's documented list and mask forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietcore.errors import UnitError
from quietcore.units import CpuSet
from quietcore.units.cpuset import MOST

NUMBERS = st.frozensets(st.integers(0, 300))


@given(NUMBERS, NUMBERS)
def test_set_algebra_is_pythons(one: frozenset[int], other: frozenset[int]) -> None:
    left, right = CpuSet(one), CpuSet(other)
    assert set(left | right) == one | other
    assert set(left & right) == one & other
    assert set(left - right) == one - other
    assert set(left ^ right) == one ^ other
    assert (left <= right) == (one <= other)
    assert (left < right) == (one < other)
    assert left.isdisjoint(right) == one.isdisjoint(other)
    assert set(left.complement(right)) == other - one
    assert set(left.union([right, left])) == one | other


@given(NUMBERS)
def test_the_list_form_reads_back(numbers: frozenset[int]) -> None:
    assert CpuSet.parse(str(CpuSet(numbers))) == CpuSet(numbers)
    assert CpuSet.parse_libvirt(str(CpuSet(numbers))) == CpuSet(numbers)


@given(NUMBERS)
def test_the_mask_form_reads_back_and_is_pythons_hexadecimal(numbers: frozenset[int]) -> None:
    cpus = CpuSet(numbers)
    assert CpuSet.from_mask(cpus.mask()) == cpus
    assert int(cpus.mask().replace(",", ""), 16) == sum(1 << cpu for cpu in numbers)


@given(NUMBERS, st.randoms())
def test_equal_sets_are_equal_values_and_print_the_same(numbers: frozenset[int], random: object) -> None:
    shuffled = list(numbers)
    random.shuffle(shuffled)
    assert CpuSet(shuffled) == CpuSet(numbers)
    assert hash(CpuSet(shuffled)) == hash(CpuSet(numbers))
    assert str(CpuSet(shuffled)) == str(CpuSet(numbers))


@given(NUMBERS)
def test_a_set_is_a_sorted_collection(numbers: frozenset[int]) -> None:
    cpus = CpuSet(numbers)
    assert list(cpus) == sorted(numbers)
    assert len(cpus) == len(numbers)
    assert bool(cpus) == bool(numbers)
    assert all(cpu in cpus for cpu in numbers)
    assert [cpu for low, high in cpus.runs() for cpu in range(low, high + 1)] == sorted(numbers)


@given(low=st.integers(0, 40), length=st.integers(0, 60), used=st.integers(1, 8), more=st.integers(0, 8))
def test_a_group_takes_the_first_of_each(low: int, length: int, used: int, more: int) -> None:
    group = used + more
    taken = CpuSet.parse(f"{low}-{low + length}:{used}/{group}")
    assert set(taken) == {cpu for cpu in range(low, low + length + 1) if (cpu - low) % group < used}


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("", ""),
        ("  ", ""),
        ("0", "0"),
        ("1,2,10-20", "1-2,10-20"),
        ("10-20,1,2,2", "1-2,10-20"),
        ("0-3,8", "0-3,8"),
        (" 0 - 3 ".replace(" ", ""), "0-3"),
        ("0-3, 5", "0-3,5"),
        ("0-1023:2/256", "0-1,256-257,512-513,768-769"),  # the example of kernel-parameters.rst
        ("0-15:2/4", "0-1,4-5,8-9,12-13"),
        ("3-3", "3"),
        ("00-01", "0-1"),
    ],
)
def test_the_kernels_list_form(text: str, canonical: str) -> None:
    assert str(CpuSet.parse(text)) == canonical


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("N", "7"),
        ("2-N", "2-7"),
        ("N-N", "7"),
        ("all", "0-7"),
        ("0-N:1/2", "0,2,4,6"),
        ("0,N", "0,7"),
        ("all:1/4", "0,4"),
        ("ALL", "0-7"),
    ],
)
def test_the_last_cpu_has_a_name_where_the_number_of_cpus_is_known(text: str, canonical: str) -> None:
    assert str(CpuSet.parse(text, count=8)) == canonical
    with pytest.raises(UnitError, match="needs the number of CPUs"):
        CpuSet.parse(text)


@pytest.mark.parametrize(
    ("mask", "canonical"),
    [
        ("0", ""),
        ("1", "0"),
        ("ff", "0-7"),
        ("0xFF", "0-7"),
        ("1,00000000", "32"),
        ("00000000,00000001", "0"),
        ("80000000,00000000,00000001", "0,95"),
        ("1,0", "32"),
    ],
)
def test_the_kernels_mask_form(mask: str, canonical: str) -> None:
    assert str(CpuSet.from_mask(mask)) == canonical


@pytest.mark.parametrize(
    ("text", "mask"), [("", "0"), ("0-31", "ffffffff"), ("32", "1,00000000"), ("0,64", "1,00000000,00000001")]
)
def test_masks_are_written_in_groups_of_32_bits(text: str, mask: str) -> None:
    assert CpuSet.parse(text).mask() == mask


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("0-7,^3", "0-2,4-7"), ("^3", ""), ("0-3,^1-2", "0,3"), ("^1,0-3", "0-3"), ("0-3,,5", "0-3,5")],
)
def test_libvirts_form_takes_cpus_away(text: str, canonical: str) -> None:
    assert str(CpuSet.parse_libvirt(text)) == canonical


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("a", "'a' in 'a'"),
        ("1,,2", "'' in '1,,2'"),
        ("1,", "'' in '1,'"),
        ("-1", "'-1' in '-1'"),
        ("1-2-3", "'1-2-3' in '1-2-3'"),
        ("1:2/4", "'1:2/4' in '1:2/4'"),
        ("5-2", "'5-2' in '5-2'"),
        ("0-7:0/4", "'0-7:0/4' in '0-7:0/4'"),
        ("0-7:5/4", "'0-7:5/4' in '0-7:5/4'"),
        ("0-4096", "4096 in '0-4096'"),
        ("0-99999999999", "99999999999 in '0-99999999999'"),
        ("\u0661", "'\u0661' in '\u0661'"),
        ("1\n2", r"'1\n2' in '1\n2'"),
    ],
)
def test_a_text_that_is_no_list_is_refused_with_the_item_at_fault(text: str, given: str) -> None:
    with pytest.raises(UnitError) as refused:
        CpuSet.parse(text)
    assert refused.value.given == given


@pytest.mark.parametrize("text", ["^", "^^3", "0-7,^", "0-3,^x"])
def test_a_libvirt_text_that_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(UnitError):
        CpuSet.parse_libvirt(text)


@pytest.mark.parametrize("mask", ["", "0x", "g", "1,", ",1", "1,000000000", "-1", "1 2"])
def test_a_text_that_is_no_mask_is_refused(mask: str) -> None:
    with pytest.raises(UnitError, match="not a CPU mask"):
        CpuSet.from_mask(mask)


@pytest.mark.parametrize(
    ("value", "hint"),
    [(0, 'write "0"'), ([2, 3], 'write "2,3"'), (None, ""), (True, ""), (-1, ""), ([], ""), (1.5, "")],
)
def test_a_value_that_is_no_text_is_refused_with_the_text_that_was_meant(value: object, hint: str) -> None:
    with pytest.raises(UnitError, match="written as text") as refused:
        CpuSet.parse(value)
    assert refused.value.hint == hint


@pytest.mark.parametrize("number", [-1, MOST, True, 1.0, "1"])
def test_a_number_that_is_no_cpu_is_refused(number: object) -> None:
    with pytest.raises(UnitError, match="not a CPU number"):
        CpuSet([number])


def test_a_cpu_set_equals_only_cpu_sets() -> None:
    assert CpuSet([1]) != {1}
    assert repr(CpuSet([1, 2])) == "CpuSet('1-2')"


@pytest.mark.parametrize(("numbers", "told"), [((), "no vCPU"), ((1,), "vCPU 1"), ((1, 2, 3), "vCPUs 1-3")])
def test_a_sentence_has_the_noun_in_the_number_of_the_set(numbers: tuple[int, ...], told: str) -> None:
    assert CpuSet(numbers).counted("vCPU") == told


@pytest.mark.parametrize("text", ["9" * 5000, f"0-{'9' * 5000}", f"0-7:1/{'9' * 5000}", f"0-7:{'9' * 5000}/8"])
def test_a_number_of_thousands_of_digits_is_refused_as_any_other(text: str) -> None:
    with pytest.raises(UnitError, match="not a CPU number"):
        CpuSet.parse(text)


def test_a_mask_of_more_cpus_than_a_kernel_has_is_refused() -> None:
    assert len(CpuSet.from_mask("f" * (MOST // 4))) == MOST
    with pytest.raises(UnitError, match="not a CPU mask"):
        CpuSet.from_mask("1" + "0" * (MOST // 4))
