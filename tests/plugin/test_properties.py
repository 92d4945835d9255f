"""Property bags, from plain values to the wire and back."""

from __future__ import annotations

from typing import Any

from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from quietcore.plugins.handler import UNKNOWN
from quietcore.plugins.properties import OUTPUT, SECRET, SIGNATURE, UNKNOWN_TEXTS, decode, encode

WHOLE = st.integers(-(2**53), 2**53)  # what the wire's floats hold exactly
BROKEN = st.integers(-(2**40), 2**40).map(lambda number: number + 0.25)
LEAVES = st.none() | st.booleans() | WHOLE | BROKEN | st.text() | st.just(UNKNOWN)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
PROPS = st.dictionaries(st.text(min_size=1), VALUES)


@given(PROPS, st.data())
def test_what_is_encoded_decodes_to_the_same_with_its_secrets(props, data):
    hidden = data.draw(st.sets(st.sampled_from(sorted(props)))) if props else set()
    over_the_wire = struct_pb2.Struct.FromString(encode(props, hidden).SerializeToString())
    assert decode(over_the_wire) == (props, frozenset(hidden))


def test_a_set_travels_as_a_list_in_order():
    assert decode(encode({"cpus": {3, 1, 2}, "pair": (1, "")}))[0] == {"cpus": [1, 2, 3], "pair": [1, ""]}


def test_every_kind_of_unknown_is_one():
    fields = {f"p{index}": text for index, text in enumerate(sorted(UNKNOWN_TEXTS))}
    assert set(decode(encode(fields))[0].values()) == {UNKNOWN}


def test_a_secret_deep_within_makes_its_property_secret():
    deep: dict[str, Any] = {"a": [{"b": {SIGNATURE: SECRET, "value": "key"}}], "c": {SIGNATURE: OUTPUT, "secret": True}}
    assert decode(encode(deep)) == ({"a": [{"b": "key"}], "c": UNKNOWN}, {"a", "c"})
