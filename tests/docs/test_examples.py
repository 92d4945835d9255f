"""Every example is clean, renders, and says in its README who has which CPU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import Ran
from tests.docs.pages import ROOT, sections

EXAMPLES = sorted(folder for folder in (ROOT / "examples").iterdir() if (folder / "Pulumi.yaml").exists())
each = pytest.mark.parametrize("example", EXAMPLES, ids=lambda folder: folder.name)


@each
def test_an_example_is_clean_and_its_lock_is_committed(example: Path, copy: Path, shell) -> None:
    shown, code = shell(f"quietcore -C examples/{example.name} check dev --frozen", cwd=copy)
    assert code == 0, shown
    assert shown.splitlines()[-1].endswith(": no findings")


@each
def test_an_example_renders_a_domain_for_every_node(example: Path, copy: Path, shell) -> None:
    shown, code = shell("quietcore render dev -o out", cwd=copy / "examples" / example.name)
    assert code == 0, shown
    assert list((copy / "examples" / example.name / "out").rglob("domain.xml"))


@each
def test_an_example_shows_its_map_and_one_mistake(example: Path) -> None:
    blocks = [(section, block) for section in sections(example / "README.md") for block in section.blocks]
    assert any("quietcore show dev" in command for section, _ in blocks for command in section.commands)
    assert any(block.language == "diff" for _, block in blocks)
    declares_nodes = "RtNode(" in (example / "__main__.py").read_text()
    assert [file.name for file in example.glob("*.lock.yaml")] == ["dev.lock.yaml"] * declares_nodes


def test_the_index_names_every_example() -> None:
    index = (ROOT / "examples/README.md").read_text()
    assert [example.name for example in EXAMPLES if f"({example.name}/README.md)" not in index] == []


@each
@pytest.mark.engine
def test_an_example_previews_with_the_policy_pack_though_its_hosts_do_not_exist(
    example: Path, copy: Path, pulumi: Callable[..., Ran]
) -> None:
    pytest.importorskip("libvirt")
    folder = copy / "examples" / example.name
    pulumi("stack", "init", "dev", cwd=folder).ok()
    seen = pulumi("preview", "--policy-pack", "../../policies", "--suppress-progress", cwd=folder).ok()
    assert "to create" in seen.output
