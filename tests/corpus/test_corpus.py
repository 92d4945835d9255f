"""Configurations as strangers have them: each folder gives exactly the codes that it expects, and no others.

A folder holds files of one machine, and `expected.yaml`: a comment that says what it is shaped after, and the codes;
or, where files cannot say everything, `options` of the command beside `codes`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from quietcore.lint import Options, Text, lint_texts
from quietcore.lint.text import texts_of
from quietcore.rules.catalogue import by_code

HERE = Path(__file__).parent
FOLDERS = sorted(path.parent for path in HERE.glob("*/expected.yaml"))
EACH = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def expected(folder: Path) -> tuple[Options, list[str]]:
    """What the command is told besides the files, and the codes that it is to tell."""
    data: Any = yaml.safe_load((folder / "expected.yaml").read_text())
    return (Options(**data["options"]), data["codes"]) if isinstance(data, dict) else (Options(), data)


def told(files: list[Path], options: Options) -> list[str]:
    """The codes of the findings, each once."""
    return codes_of(texts_of(files), options)


def codes_of(texts: Iterable[Text], options: Options) -> list[str]:
    return sorted({finding.code for finding in lint_texts(texts, options).findings})


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "expected.yaml")


@EACH
def test_a_configuration_gives_these_findings_and_no_others(folder: Path) -> None:
    options, codes = expected(folder)
    assert told(files_of(folder), options) == codes


@EACH
def test_the_order_of_files_changes_nothing(folder: Path) -> None:
    options, _ = expected(folder)
    assert told(files_of(folder)[::-1], options) == told(files_of(folder), options)


@EACH
def test_another_machine_beside_it_adds_nothing(folder: Path) -> None:
    options, codes = expected(folder)
    other = HERE / ("ordinary-server" if folder.name != "ordinary-server" else "talos-worker")
    assert told([*files_of(folder), *files_of(other)], options) == codes


@EACH
def test_what_files_are_called_changes_nothing(folder: Path) -> None:
    options, codes = expected(folder)
    texts = [text for text in texts_of(files_of(folder)) if Path(text.name).parent == folder]
    if len(texts) < len(files_of(folder)):
        pytest.skip("the places of these files say what they are")
    renamed = [replace(text, name=str(folder / f"{index:02}")) for index, text in enumerate(texts)]
    assert codes_of(renamed, options) == codes


@EACH
@pytest.mark.parametrize("how", ["line ends of Windows", "blank lines at the end", "a mark at the beginning"])
def test_how_files_are_saved_changes_nothing(folder: Path, how: str) -> None:
    options, codes = expected(folder)
    saved = [replace(text, content=as_saved(text.content or b"", how)) for text in texts_of(files_of(folder))]
    assert codes_of(saved, options) == codes


def as_saved(content: bytes, how: str) -> bytes:
    match how:
        case "line ends of Windows":
            return content.replace(b"\n", b"\r\n")
        case "blank lines at the end":
            return content + b"\n\n\n"
        case _:
            return b"\xef\xbb\xbf" + content


@EACH
def test_each_folder_says_what_it_is_shaped_after_and_names_rules_that_are_there(folder: Path) -> None:
    _, codes = expected(folder)
    assert (folder / "expected.yaml").read_text().startswith("# ")
    assert codes == sorted(codes)
    assert [by_code(code).code for code in codes] == codes


def test_there_are_enough_of_them_bad_and_good() -> None:
    good = [folder for folder in FOLDERS if not expected(folder)[1]]
    assert len(FOLDERS) >= 40
    assert len(good) >= 15
