"""docs/reference/cli.md names every verb and every option that there is."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from quietcore.cli import VERBS, quietcore

PAGE = (Path(__file__).resolve().parents[2] / "docs/reference/cli.md").read_text(encoding="utf-8")
OURS = [verb for verb in VERBS if verb != "lab"]


def section(verb: str) -> str:
    return PAGE.split(f"\n## {verb}\n", 1)[1].split("\n## ", 1)[0]


def options(command: click.Command) -> set[str]:
    own = {name for parameter in command.params if isinstance(parameter, click.Option) for name in parameter.opts}
    below = command.commands.values() if isinstance(command, click.Group) else ()
    return own.union(*(options(each) for each in below)) - {"--help", "-h", "--output"}


@pytest.mark.parametrize("verb", OURS)
def test_the_page_names_every_option_of_a_verb(verb: str) -> None:
    command = quietcore.get_command(click.Context(quietcore), verb)
    assert command is not None
    assert {option for option in options(command) if option not in section(verb)} == set()


def test_the_page_lists_every_verb() -> None:
    assert [verb for verb in VERBS if f"`{verb}`" not in PAGE] == []
