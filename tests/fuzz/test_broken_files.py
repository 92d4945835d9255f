"""Whatever is in a file, lifting it gives a value or one clear error that tells the place, soon."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.formats import EVERY_SEED, FORMATS
from tests.fuzz.mangling import bounded, mangled

from quietcore.errors import QuietcoreError
from quietcore.lint import Text, lint_texts
from quietcore.render.yaml_document import decoded

NAME = "dir/broken-file"
SECONDS = 10


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
def test_a_broken_file_is_read_or_refused_with_its_name(name: str, data: st.DataObject) -> None:
    form = FORMATS[name]
    content = data.draw(mangled(form.seeds))
    refused: QuietcoreError | None = None
    with bounded(SECONDS):
        try:
            form.lift(decoded(content, NAME), NAME)
        except QuietcoreError as fault:
            refused = fault
    assert refused is None or (NAME in str(refused) and refused.what), refused


@given(st.lists(mangled(EVERY_SEED), min_size=1, max_size=3))
def test_broken_files_among_others_are_told_and_the_others_judged(contents: list[bytes]) -> None:
    texts = [Text(f"hv1/{number}", "hv1", content) for number, content in enumerate(contents)]
    good = Text("hv2/cmdline", "hv2", b"root=/dev/vda1 isolcpus=2-7 nohz_full=2-7\n")
    with bounded(SECONDS):
        both = lint_texts([*texts, good])
        alone = lint_texts([good])
    assert set(alone.findings) <= set(both.findings)
    assert all(reason for _, reason in both.unjudged)


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_judged_or_told_to_be_left_alone(content: bytes) -> None:
    with bounded(SECONDS):
        verdict = lint_texts([Text("hv1/any", "hv1", content)])
    assert verdict.judged or verdict.unjudged or verdict.findings
