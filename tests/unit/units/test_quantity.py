"""Amounts as Kubernetes writes them."""

import pytest

from quietcore.errors import UnitError
from quietcore.units import Quantity

MI = 1 << 20


@pytest.mark.parametrize(
    ("text", "nano"),
    [
        ("1", 10**9),
        ("500m", 5 * 10**8),
        ("0.5", 5 * 10**8),
        (".5", 5 * 10**8),
        ("5.", 5 * 10**9),
        ("500Mi", 500 * MI * 10**9),
        ("1.5Gi", 1536 * MI * 10**9),
        ("100M", 10**17),
        ("2e3", 2 * 10**12),
        ("2E3", 2 * 10**12),
        ("1E", 10**27),
        ("1Ei", (1 << 60) * 10**9),
        ("1k", 10**12),
        ("3n", 3),
        ("1e-9", 1),
        ("0.1n", 1),
        ("+1", 10**9),
        ("0", 0),
    ],
)
def test_an_amount_is_read_exactly(text: str, nano: int) -> None:
    assert Quantity.parse(text).nano == nano


@pytest.mark.parametrize(
    "text", ["", ".", "-1", "1K", "1 Gi", "1GiB", "1e", "1e333", "Mi", "1.5.5", "1mi", "0x1", "1\n"]
)
def test_what_kubernetes_refuses_is_refused(text: str) -> None:
    with pytest.raises(UnitError):
        Quantity.parse(text)


def test_the_hint_is_the_spelling_that_was_meant() -> None:
    with pytest.raises(UnitError, match='write "1Gi"'):
        Quantity.parse("1 GiB")


@pytest.mark.parametrize(
    ("text", "printed"),
    [("1024Mi", "1Gi"), ("0.5", "500m"), ("1000", "1000"), ("0", "0"), ("1.0000001", "1000000100n")],
)
def test_an_amount_prints_in_its_shortest_exact_form(text: str, printed: str) -> None:
    assert str(Quantity.parse(text)) == printed
    assert Quantity.parse(printed) == Quantity.parse(text)


def test_thousandths_and_whole_units_are_rounded_up() -> None:
    amount = Quantity.parse("1.0000001")
    assert (amount.milli, amount.whole) == (1001, 2)
    assert (Quantity.parse("1").milli, Quantity.parse("1").whole) == (1000, 1)


def test_amounts_add_and_compare() -> None:
    assert Quantity.parse("500Mi") + Quantity.parse("524Mi") == Quantity.parse("1Gi")
    assert Quantity.parse("1m") < Quantity.of(1)
    assert not Quantity.parse("0")
