"""Other ways to write the same files: each gives texts that mean what the given ones mean."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import PurePath
from random import Random
from typing import Any, Final

import yaml
from lxml import etree

from quietcore.errors import QuietcoreError
from quietcore.lint import Text
from quietcore.lint.kind import Kind, Unrecognised, kind_of
from quietcore.render.yaml_document import documents
from quietcore.units import CpuSet

Rewrite = Callable[[str, Kind, Random], str]

SETS: Final = re.compile(r"^(isolcpus|nohz_full|rcu_nocbs|irqaffinity|kthread_cpus|systemd\.cpu_affinity)=(.*)$")
ORDERED: Final = ("hugepagesz", "hugepages", "default_hugepagesz", "console", "earlycon", "mitigations", "--")
CPU_KEYS: Final = frozenset({"reservedSystemCPUs", "isolated", "reserved", "offlined", "shared"})
UNORDERED: Final = ("domain", "cputune", "memoryBacking", "features", "pm", "cpu", "clock", "iothreadids", "topology")
IN_ANY_ORDER: Final = (*UNORDERED, "cells", "cpus", "host")


def rewritten(texts: Iterable[Text], how: Rewrite, chance: Random) -> list[Text]:
    """The texts, each written in another way where it is of a kind that has one."""
    return [_rewritten(text, how, chance) for text in texts]


def _rewritten(text: Text, how: Rewrite, chance: Random) -> Text:
    content = (text.content or b"").decode()
    try:
        kind = kind_of(content, text.name)
    except Unrecognised:
        return text
    return replace(text, content=how(content, kind, chance).encode())


def reordered(text: str, kind: Kind, chance: Random) -> str:
    """Attributes, elements, keys, sections and parameters in another order, where their readers take any."""
    match kind:
        case Kind.DOMAIN | Kind.CAPABILITIES:
            return _xml(text, lambda root: [_shuffle(element, chance) for element in root.iter()])
        case Kind.YAML | Kind.CPU_SUMMARY:
            return _dumped([shuffled(data, chance) for data in _data(text)], chance)
        case Kind.CPU_TABLE:
            rows = json.loads(text)["cpus"]
            chance.shuffle(rows)
            return json.dumps({"cpus": [shuffled(row, chance) for row in rows]})
        case Kind.CMDLINE if "\n" not in text.strip():
            return _parameters(text, chance)
        case Kind.TUNED:
            head, *sections = re.split(r"^(?=\[)", text, flags=re.MULTILINE)
            chance.shuffle(sections)
            return "".join([head, *(f"{section.rstrip()}\n" for section in sections)])
    return text


def reformatted(text: str, kind: Kind, chance: Random) -> str:
    """Other indentation, quotes, comments, flow or block, and spaces."""
    match kind:
        case Kind.DOMAIN | Kind.CAPABILITIES:
            return _xml(text, lambda root: _indented(root, chance))
        case Kind.YAML:
            return _dumped(_data(text), chance)
        case Kind.CPU_TABLE | Kind.CPU_SUMMARY:
            return json.dumps(json.loads(text), indent=chance.choice([None, 1, 8]))
        case Kind.CMDLINE if "\n" not in text.strip():
            return chance.choice(["  ", " ", "\t"]).join(_words(text)) + chance.choice(["", "\n", " \n\n"])
        case Kind.TUNED | Kind.TUNED_VARIABLES:
            return "".join(_setting(line, chance) for line in text.splitlines())
    return text


def respelled(text: str, kind: Kind, chance: Random) -> str:
    """CPU lists as ranges, one by one or with repetitions; masks with and without leading zeros."""
    match kind:
        case Kind.DOMAIN | Kind.CAPABILITIES:
            pattern = re.compile(r"(cpuset|vcpus|nodeset|siblings)=(['\"])([0-9,-]+)\2")
            return pattern.sub(lambda found: f"{found[1]}={found[2]}{_list(found[3], chance)}{found[2]}", text)
        case Kind.YAML:
            return _dumped([_with_lists(data, chance) for data in _data(text)], chance)
        case Kind.CMDLINE if "\n" not in text.strip():
            return " ".join(_respelled_parameter(word, chance) for word in _words(text))
        case Kind.TUNED | Kind.TUNED_VARIABLES:
            pattern = re.compile(r"^(isolated_cores[ \t]*=[ \t]*)([0-9,-]+)$", re.MULTILINE)
            return pattern.sub(lambda found: found[1] + _list(found[2], chance), text)
    return text


def saved_by_windows(text: str, kind: Kind, chance: Random) -> str:
    """Line ends of Windows."""
    return re.sub(r"\r?\n", "\r\n", text)


def all_of_them(text: str, kind: Kind, chance: Random) -> str:
    """Every other way at once."""
    for how in (respelled, reordered, reformatted, saved_by_windows):
        text = how(text, kind, chance)
    return text


REWRITES: Final[tuple[Rewrite, ...]] = (reordered, reformatted, respelled, saved_by_windows)


def moved(texts: Iterable[Text], old: str, new: str) -> list[Text]:
    """The texts in a folder of another name."""
    home = PurePath(old)

    def there(path: str) -> str:
        return str(new / PurePath(path).relative_to(home))

    return [replace(text, name=there(text.name), machine=there(text.machine)) for text in texts]


def shuffled(value: Any, chance: Random) -> Any:
    """The same data with the keys of every mapping in another order."""
    if isinstance(value, dict):
        keys = chance.sample(list(value), len(value))
        return {key: shuffled(value[key], chance) for key in keys}
    return [shuffled(item, chance) for item in value] if isinstance(value, list) else value


def _xml(text: str, change: Callable[[Any], object]) -> str:
    root = etree.fromstring(text.encode(), etree.XMLParser(remove_blank_text=True))
    change(root)
    return etree.tostring(root, encoding="unicode")


def _shuffle(element: Any, chance: Random) -> None:
    if not isinstance(element.tag, str):
        return
    pairs = chance.sample(list(element.attrib.items()), len(element.attrib))
    element.attrib.clear()
    element.attrib.update(pairs)
    if element.tag in IN_ANY_ORDER:
        element[:] = chance.sample(list(element), len(element))


def _indented(root: Any, chance: Random) -> None:
    for element in list(root.iter()):
        if len(element) and chance.random() < 0.3:
            element.insert(chance.randrange(len(element) + 1), etree.Comment(" <vcpu>99</vcpu> "))
    etree.indent(root, chance.choice(["", " ", "\t", "      "]))


def _data(text: str) -> list[Any]:
    return [document.data for document in documents(text)]


def _dumped(every: list[Any], chance: Random) -> str:
    if chance.random() < 0.4:
        return "\n---\n".join(json.dumps(data, indent=chance.choice([None, 3])) for data in every)
    flow, indent, width = chance.random() < 0.3, chance.choice([2, 4, 7]), chance.choice([40, 200])
    dumped = [
        yaml.safe_dump(data, default_flow_style=flow, indent=indent, width=width, sort_keys=False) for data in every
    ]
    return "# kind: comment\n" * chance.randrange(2) + "---\n".join(dumped)


def _words(text: str) -> list[str]:
    return re.findall(r'(?:[^\s"]|"[^"]*")+', text)


def _parameters(text: str, chance: Random) -> str:
    """Those that stand alone under their name in another order; the others keep their places."""
    words = _words(text)
    named = [word.partition("=")[0].replace("-", "_") for word in words]
    count = Counter(named)
    free = [at for at, name in enumerate(named) if count[name] == 1 and name not in ORDERED and "." not in name]
    for at, word in zip(free, chance.sample([words[at] for at in free], len(free)), strict=True):
        words[at] = word
    return " ".join(words)


def _respelled_parameter(word: str, chance: Random) -> str:
    found = SETS.match(word)
    if found is None:
        mask = re.match(r"^(tuned\.non_isolcpus=)0*([0-9a-f]+)$", word)
        return f"{mask[1]}{mask[2].zfill(chance.choice([1, 8]))}" if mask else word
    flags = [part for part in found[2].split(",") if part.isidentifier()]
    rest = [part for part in found[2].split(",") if part not in flags]
    listed = _list(",".join(rest), chance)
    return f"{found[1]}={','.join([*flags, listed])}" if listed else word


def _list(text: str, chance: Random) -> str:
    """The CPU list in another form; one that only its machine can read stays as it is."""
    try:
        cpus = CpuSet.parse(text)
    except QuietcoreError:
        return text
    one_by_one = [str(cpu) for cpu in cpus]
    return chance.choice([text, str(cpus), ",".join(one_by_one), ",".join(chance.sample(one_by_one, len(one_by_one)))])


def _with_lists(value: Any, chance: Random) -> Any:
    if isinstance(value, dict):
        return {
            key: _list(each, chance) if key in CPU_KEYS and isinstance(each, str) else _with_lists(each, chance)
            for key, each in value.items()
        }
    return [_with_lists(each, chance) for each in value] if isinstance(value, list) else value


def _setting(line: str, chance: Random) -> str:
    """A line of an INI file with spaces, an empty line or a comment about it; a continued one stays as it is."""
    if not line.strip() or line[0] in " \t#;[":
        return f"{line}\n"
    key, sign, value = line.partition("=")
    gap = chance.choice(["", " ", "  "])
    return f"{key.rstrip()}{gap}{sign}{gap}{value.strip()}\n" + chance.choice(["", "\n", "# isolated_cores=1\n"])
