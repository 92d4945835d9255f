"""A rule as a reader meets it: ``quietcore explain CODE`` as text, and the page of the reference as Markdown.

``python -m quietcore.rules.docs docs/reference/rules`` writes the pages; a test holds the committed ones to it.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from quietcore.rules.catalogue import CATALOGUE, UNFED, by_code
from quietcore.rules.judge import findings
from quietcore.rules.rule import Example, Rule

LAYERS: Final[Mapping[str, str]] = {
    "C": "CPU plans and kernel command lines",
    "D": "Real-time domains, alone and together on a host",
    "E": "Exemptions",
    "H": "Hosts, pools of nodes and clusters",
    "K": "Kubelets",
    "L": "The assignment lock",
    "S": "The shape of what is declared",
    "T": "tuned profiles",
    "W": "Pods and what they run",
    "X": "Across layers",
}
"""The layer that the first letter of a code stands for."""

WIDTH: Final = 96
_TABLE: Final = ("| code | why |", "|---|---|")


def explain(rule: Rule[Any]) -> str:
    """Give the plain text of a rule, for a terminal: no line wider than 96 columns, but for examples."""
    doc = rule.doc
    parts = [
        f"{rule.code}: {rule.title}",
        f"{rule.severity}, judged {_scope(rule)}" + (f"; silent where {_causes(rule)} speaks" if _causes(rule) else ""),
        *(f"{name}\n{_wrapped(text)}" for name, text in (("What", doc.what), ("Why", doc.why), ("Fix", doc.fix))),
        f"Bad\n{_indented(doc.bad.text)}",
        f"It prints\n{_indented(printed(rule))}",
        f"Good\n{_indented(doc.good.text)}",
        "Sources\n" + "\n".join(_wrapped(f"- {each}", "    ") for each in doc.sources),
    ]
    return "\n\n".join([f"{parts[0]}\n{parts[1]}", *parts[2:]]) + "\n"


def page(rule: Rule[Any]) -> str:
    """Give the Markdown page of a rule."""
    doc = rule.doc
    causes = ", ".join(f"[{code}]({code}.md)" for code in rule.depends_on)
    facts = [f"Severity: {rule.severity}. Judged {_scope(rule)}."]
    facts += [f"Silent where {causes} has a finding at the same place."] if causes else []
    parts = [
        f"# {rule.code}: {rule.title}",
        " ".join(facts),
        f"## What\n\n{doc.what}",
        f"## Why\n\n{doc.why}",
        f"## Fix\n\n{_sentence(doc.fix)}",
        f"## Bad\n\n{_fenced(doc.bad)}\n\nIt prints:\n\n```text\n{printed(rule)}\n```",
        f"## Good\n\n{_fenced(doc.good)}",
        "## Sources\n\n" + "\n".join(f"- {each}" for each in doc.sources),
    ]
    return "\n\n".join(parts) + "\n"


def printed(rule: Rule[Any]) -> str:
    """Give the finding that the rule's bad example prints."""
    return "\n\n".join(finding.text() for finding in findings(rule.doc.bad.subject()))


def index() -> str:
    """Give the table of all rules by layer, as Markdown."""
    parts = [
        "# Rules",
        "Each rule is judged by the components, by the policy pack and by `quietcore check`; "
        "`quietcore explain CODE` prints its page.",
    ]
    for letter, rules in groupby(CATALOGUE, key=lambda rule: rule.code[0]):
        rows = [f"| [{rule.code}]({rule.code}.md) | {rule.title} | {rule.severity} |" for rule in rules]
        parts.append("\n".join([f"## {LAYERS[letter]}\n", "| code | bad pattern | severity |", "|---|---|---|", *rows]))
        unfed = [f"| {code} | {why} |" for code, why in sorted(UNFED.items()) if code[0] == letter]
        if unfed:
            parts.append(
                "\n".join(["Not judged, as nothing that is declared or lifted tells of it:\n", *_TABLE, *unfed])
            )
    return "\n\n".join(parts) + "\n"


def overview() -> str:
    """Give all rules by layer, one line each, for a terminal."""
    blocks = [
        "\n".join([LAYERS[letter], *(f"  {rule.code}  {rule.severity:<8} {rule.title}" for rule in rules)])
        for letter, rules in groupby(CATALOGUE, key=lambda rule: rule.code[0])
    ]
    return "\n\n".join(blocks) + "\n"


def pages() -> dict[str, str]:
    """All files of the reference by name, index and pages."""
    return {"README.md": index(), **{f"{rule.code}.md": page(rule) for rule in CATALOGUE}}


def write(folder: Path) -> list[str]:
    """Write all pages into ``folder``, remove pages of rules that are gone, and return the names that changed."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    gone = [path for path in folder.glob("*.md") if path.name not in wanted]
    for path in gone:
        path.unlink()
    changed = [name for name, text in wanted.items() if not _says(folder / name, text)]
    for name in changed:
        (folder / name).write_text(wanted[name], encoding="utf-8")
    return sorted([*changed, *(path.name for path in gone)])


def _says(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


def _scope(rule: Rule[Any]) -> str:
    return {"value": "on one value", "host": "on a host with all its domains", "site": "on the whole site"}[rule.scope]


def _causes(rule: Rule[Any]) -> str:
    return " or ".join(by_code(code).code for code in rule.depends_on)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _wrapped(text: str, indent: str = "  ") -> str:
    return textwrap.fill(text, WIDTH, initial_indent="  ", subsequent_indent=indent, break_on_hyphens=False)


def _indented(text: str) -> str:
    return textwrap.indent(text.rstrip(), "    ")


def _fenced(example: Example) -> str:
    return f"```{_language(example.text)}\n{example.text.rstrip()}\n```"


def _language(text: str) -> str:
    if text.startswith("<"):
        return "xml"
    if ".yaml\n" in text:
        return "yaml"
    return "python" if "(" in text and not re.search(r"^[a-z]\w*: ", text, re.MULTILINE) else "text"


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference/rules")
    changed = write(target)
    sys.stdout.write("".join(f"{target / name}\n" for name in changed) or f"{target}: nothing changed\n")
