"""What files are called and how they are written changes no finding, nor does a stranger beside them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePath
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.corpus.test_corpus import FOLDERS, expected, files_of
from tests.property.rewriting import REWRITES, Rewrite, all_of_them, moved, rewritten
from tests.property.strategies import sites

from quietcore.lint import Options, Text, Verdict, lint_texts
from quietcore.lint.text import texts_of
from quietcore.spec import Finding

EACH = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
ROUNDS = {"ci": 4, "nightly": 40}.get(os.environ.get("HYPOTHESIS_PROFILE", "dev"), 1)
NONE = Options()


def texts(folder: Path) -> list[Text]:
    return list(texts_of(files_of(folder)))


def told(given: Iterable[Text], options: Options = NONE) -> list[tuple[str, str, str]]:
    """Codes and places, as often as they are told; the lines and the words may differ."""
    return places(lint_texts(given, options))


def places(verdict: Verdict) -> list[tuple[str, str, str]]:
    return sorted((found.code, found.file, found.where) for found in verdict.findings)


@EACH
def test_how_files_are_written_changes_no_finding(folder: Path) -> None:
    options, _ = expected(folder)
    given = texts(folder)
    before = told(given, options)
    for number in range(ROUNDS):
        # All at once shows whether any does; the others, one at a time, then tell which.
        chance = Random(f"{folder.name} {number}")
        for how in (all_of_them, chance.choice(REWRITES)):
            assert told(rewritten(given, how, chance), options) == before, how.__name__


@EACH
def test_another_machine_name_changes_no_finding_but_its_place(folder: Path) -> None:
    options, _ = expected(folder)
    elsewhere = moved(texts(folder), str(folder), "/srv/box-7")
    back = [
        (code, file.replace("/srv/box-7", str(folder)), where.replace("box-7", folder.name))
        for code, file, where in told(elsewhere, options)
    ]
    assert sorted(back) == told(texts(folder), options)


@EACH
def test_other_names_of_domains_and_objects_change_no_finding_but_its_place(folder: Path) -> None:
    options, _ = expected(folder)
    names = sorted({name for text in texts(folder) for name in names_in(text.content or b"")}, key=len, reverse=True)
    new = {name: f"zz-{number}-renamed" for number, name in enumerate(names)}
    renamed = [
        Text(with_names(text.name, new), with_names(text.machine, new), in_content(text.content or b"", new))
        for text in texts(folder)
    ]
    old = {given: name for name, given in new.items()}
    back = [(code, with_names(file, old), with_names(where, old)) for code, file, where in told(renamed, options)]
    assert sorted(back) == told(texts(folder), options)


def names_in(content: bytes) -> list[str]:
    """The names of domains and pods that stand nowhere else with another meaning."""
    text = content.decode()
    domains = re.findall(r"^\s*<name>([^<]+)</name>", text, re.MULTILINE) if text.lstrip().startswith("<") else []
    pods = re.findall(r"^kind: (?:Pod|Deployment|StatefulSet)\nmetadata:\n  name: (\S+)$", text, re.MULTILINE)
    return [*domains, *pods]


def in_content(content: bytes, new: dict[str, str]) -> bytes:
    text = content.decode()
    for name, other in new.items():
        text = text.replace(f"<name>{name}</name>", f"<name>{other}</name>").replace(
            f"\n  name: {name}\n", f"\n  name: {other}\n"
        )
    return text.encode()


def with_names(text: str, new: dict[str, str]) -> str:
    for name, other in new.items():
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", other, text)
    return text


def test_of_two_machines_each_has_the_findings_that_it_has_alone() -> None:
    plain = [folder for folder in FOLDERS if expected(folder)[0] == NONE]
    alone = {folder: lint_texts(texts(folder)).findings for folder in plain}
    for number in range(ROUNDS):
        chance = Random(number)
        for one in plain:
            other = chance.choice([each for each in plain if each != one and not (pooled(each) and pooled(one))])
            both = lint_texts([*texts(other), *texts(one)]).findings
            assert by_text(both) == by_text((*alone[one], *alone[other])), (one.name, other.name)


def pooled(folder: Path) -> bool:
    """Whether it holds a profile, which speaks of all machines of its pool."""
    return any("kind: PerformanceProfile" in path.read_text() for path in files_of(folder))


def by_text(findings: Iterable[Finding]) -> list[str]:
    return sorted(map(repr, findings))


@given(sites(), st.sampled_from(REWRITES), st.randoms(use_true_random=False))
def test_how_a_site_is_written_changes_no_finding(site: dict[str, str], how: Rewrite, chance: Random) -> None:
    before = as_texts(site)
    after = rewritten(before, how, chance)
    chance.shuffle(after)
    assert told(after) == told(before)


@given(sites(), sites())
def test_a_second_site_beside_the_first_changes_no_finding(one: dict[str, str], other: dict[str, str]) -> None:
    here, there = as_texts(one), [*map(on_another_host, as_texts(other))]
    assert told([*there, *here]) == sorted([*told(here), *told(there)])


def as_texts(site: dict[str, str]) -> list[Text]:
    return [Text(f"/site/{name}", str(PurePath("/site", name).parent), text.encode()) for name, text in site.items()]


def on_another_host(text: Text) -> Text:
    return replace(text, name=text.name.replace("/hv1", "/hv2"), machine=text.machine.replace("/hv1", "/hv2"))
