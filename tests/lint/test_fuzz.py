"""Whatever a file holds, it is judged, told to be broken, or left alone: never an exception, never a hang."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.lint.sample import CMDLINE, DOMAIN, KUBELET, capabilities

from quietcore.lint import Text, lint_texts

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - {name: c}\n"
PROFILE = (
    "apiVersion: performance.openshift.io/v2\nkind: PerformanceProfile\nmetadata: {name: p}\n"
    "spec:\n  cpu: {isolated: 2-7, reserved: 0-1}\n  hugepages: {pages: [{size: 1G, count: 4}]}\n"
)
TUNED = "[main]\ninclude=realtime\n[variables]\nisolated_cores=2-7\n[sysctl]\nvm.swappiness=10\n"
RUNTIME = '[crio.runtime]\ninfra_ctr_cpuset = "0-1"\n'
LSCPU = '{"cpus": [{"cpu":0,"node":0,"socket":0,"core":0},{"cpu":1,"node":0,"socket":0,"core":0}]}'
SUMMARY = '{"lscpu": [{"field": "On-line CPU(s) list:", "data": "0-7"}]}'
GRUB = f'GRUB_CMDLINE_LINUX="{CMDLINE.strip()}"\n'
SAMPLES = (DOMAIN, capabilities(), CMDLINE, KUBELET, POD, PROFILE, TUNED, RUNTIME, LSCPU, SUMMARY, GRUB)
TOKENS = (
    "<",
    ">",
    '"',
    "'",
    "\0",
    "\n",
    "-",
    "99999999999999999999",
    "é",
    "{",
    "}",
    "[",
    "]",
    ":",
    "=",
    "*a",
    "&a ",
    "$",
)
CORPUS = tuple(path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parents[1].glob("corpus/*/*.*")))


def judge(content: bytes, *others: bytes) -> None:
    texts = [Text(f"m/{index}", "/m", each) for index, each in enumerate((content, *others))]
    verdict = lint_texts(texts)
    for finding in verdict.findings:
        assert finding.text()
        assert finding.code


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(content: bytes) -> None:
    judge(content)


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_a_sample_with_pieces_cut_out_and_put_in(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(SAMPLES) | st.sampled_from(CORPUS))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 40)))
        text = text[:start] + data.draw(st.sampled_from(TOKENS) | st.text(max_size=5)) + text[end:]
    judge(text.encode("utf-8", "replace"), CMDLINE.encode(), capabilities().encode())


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)
ENTITIES = (
    "<!DOCTYPE domain [<!ENTITY a 'x'>"
    + "".join(f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(9))
    + "]>\n<domain><name>&j;</name></domain>"
)


@pytest.mark.parametrize("text", [f"kind: Pod\napiVersion: v1\n{BOMB}", ENTITIES, "[" * 100_000, "{" * 100_000])
def test_bombs_are_refused(text: str) -> None:
    verdict = lint_texts([Text("m/bomb", "/m", text.encode())])
    assert verdict.findings or verdict.unjudged


@pytest.mark.parametrize("mark", ["<domain>" * 5000, "a:\n" + "".join(" " * n + "b:\n" for n in range(1, 3000))])
def test_what_is_nested_too_deep_is_told(mark: str) -> None:
    verdict = lint_texts([Text("m/deep", "/m", mark.encode())])
    assert verdict.findings or verdict.unjudged
