"""YAML from strangers: lines for every key, and what is refused, with its line."""

import pytest

from quietcore.render.yaml_document import DEEPEST, YamlError, decoded, documents

BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join(['*' + old] * 10)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


def test_every_key_and_item_has_its_line() -> None:
    [document] = documents("a: 1\nb:\n  - x\n  - c.d/e: 2\n", "f.yaml")
    assert document.data == {"a": 1, "b": ["x", {"c.d/e": 2}]}
    assert (document.line_of("a"), document.line_of("b[0]"), document.line_of(("b", 1, "c.d/e"))) == (1, 3, 4)
    assert document.line_of("b[7]") is None
    assert document.place("b[1].nothing.there") == "f.yaml, line 4"


def test_several_documents_count_lines_through_and_empty_ones_are_left_out() -> None:
    first, second = documents("a: 1\n---\n# nothing\n---\nb: 2\n")
    assert (first.data, second.data) == ({"a": 1}, {"b": 2})
    assert second.line_of("b") == 5


def test_json_is_yaml() -> None:
    assert documents('{"a": [1, 2.5, true, null, "0-3"]}')[0].data == {"a": [1, 2.5, True, None, "0-3"]}


def test_jsons_surrogate_pairs_are_one_character() -> None:
    assert documents('{"a": "\\ud83d\\ude00", "b": "\\\\\\ud83d\\ude00", "c": "\\\\ud83d"}')[0].data == {
        "a": "\U0001f600",
        "b": "\\\U0001f600",
        "c": "\\ud83d",
    }


def test_scalars_mean_what_they_mean_to_kubernetes() -> None:
    text = 'a: yes\nb: 010\nc: 0x1f\nd: 2024-01-01\ne: 1:30\nf: "1"\ng: ~\nh: 0-3\ni: 1e999\nj: !!str 5'
    dates = {"d": "2024-01-01", "e": "1:30", "h": "0-3"}
    assert documents(text)[0].data == {"a": True, "b": 8, "c": 31, "f": "1", "g": None, "i": "1e999", "j": "5", **dates}


def test_anchors_and_merges_are_read() -> None:
    assert documents("d: &d {x: 1}\ne:\n  <<: *d\n  y: *d\n  x: 3")[0].data["e"] == {"y": {"x": 1}, "x": 3}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb: 2\na: 3", 3, "key is written twice"),
        ("c:\n  a: 1\n  a: 3", 3, "first on line 2"),
        ("a: 1\n2: 3", 2, "key is no text"),
        ("? [a]\n: b", 1, "key is no text"),
        ("a:\n\t- b", 2, "replace the tabs"),
        ("a: 1\nb: \x00", 2, "character"),
        ("a: 1\nb: \ud800", 2, "half of a pair"),
        ("a: 1\nb: !!python/object:os.system x", 2, "unknown tag"),
        ("a: &a\n- 1\n- *a", 3, "within what it stands for"),
        ("a: *b", 1, "alias of nothing"),
        (BOMB, 4, "unfold without end"),
        ("- " * (DEEPEST + 1), 1, "too deep"),
        ("[" * 100_000, 1, "not a YAML document"),
        ("a: 1\n<<: 5", 2, "merge of what is no mapping"),
    ],
)
def test_a_trap_is_refused_with_file_line_and_hint(text: str, line: int, said: str) -> None:
    with pytest.raises(YamlError) as refused:
        documents(text, "f.yaml")
    assert refused.value.where == f"f.yaml, line {line}"
    assert said in str(refused.value)
    assert refused.value.hint


def test_the_deepest_level_that_is_allowed_is_read() -> None:
    assert documents("- " * DEEPEST + "x")


def test_bytes_that_are_not_utf8_are_refused_with_their_offset() -> None:
    with pytest.raises(YamlError, match="offset 3"):
        decoded(b"a: \xff", "f.yaml")
    assert decoded(b"\xef\xbb\xbfa: 1") == "a: 1"
