"""docs/reference/components.md names every argument that there is, with the default that it has."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest
from tests.docs.pages import ROOT

import quietcore
from quietcore import spec
from quietcore.resources.arguments import CpuPlan, HostFacts, RtNodeArgs

PAGE = (ROOT / "docs/reference/components.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return re.split(rf"^##+ {title}$", PAGE, flags=re.MULTILINE)[1].split("\n#")[0]


def rows(title: str) -> dict[str, str]:
    """The second cell of each row of a section's tables, by the arguments that the row names."""
    cells = [line.split(" | ") for line in section(title).splitlines() if line.startswith("| `")]
    return {name: row[1] for row in cells for name in re.findall(r"`(\w+)`", row[0])}


@pytest.mark.parametrize("component", ["Host", "RtNode", "TunedProfile"])
def test_the_page_names_every_argument_of_a_component(component: str) -> None:
    parameters = inspect.signature(getattr(quietcore, component).__init__).parameters
    given = {name for name, one in parameters.items() if one.kind is not one.VAR_KEYWORD} - {"self", "opts"}
    facts = set(RtNodeArgs.__annotations__) if component == "RtNode" else set()
    assert set(rows(component)) == given | facts


@pytest.mark.parametrize(("title", "keys"), [("CpuPlan", CpuPlan), ("HostFacts", HostFacts)])
def test_the_page_names_every_key_of_a_dictionary(title: str, keys: Any) -> None:
    assert set(rows(title)) == set(keys.__annotations__)


DEFAULTS = [
    (title, name, field.default)
    for title, kind in (("RtNode", spec.RtNodeSpec), ("HostFacts", spec.HostFacts))
    for name, field in kind.model_fields.items()
    if not field.is_required() and field.default is not None and name != "cmdline"  # that is derived, and told in words
]


@pytest.mark.parametrize(("title", "name", "default"), DEFAULTS)
def test_the_page_gives_a_default_as_it_is(title: str, name: str, default: Any) -> None:
    shown = f"{list(default)}".replace("'", '"') if isinstance(default, tuple) else str(default)
    assert rows(title)[name] in (f"`{shown}`", shown)
