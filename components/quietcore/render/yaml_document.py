"""YAML and JSON from strangers: plain data with the line of every key; refuses what is a trap or says a thing twice.

The one reader for every file that others wrote. It reads events, never nodes, so that depth and aliases are counted
before they cost anything. Scalars mean what they mean to Kubernetes' reader: dates stay text, ``yes`` is true.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import inf, isinf
from typing import Any, Final

import yaml

from quietcore.errors import QuietcoreError

DEEPEST: Final = 100  # levels of nesting; what Kubernetes serves has about ten
ALIASED: Final = 10_000  # values that the aliases of one document may stand for, all together

Path = tuple[str | int, ...]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL: Final = frozenset(("", "~", "null", "Null", "NULL"))
_TRUTH: Final = {
    spelled: value
    for words, value in ((("true", "yes", "on"), True), (("false", "no", "off"), False))
    for word in words
    for spelled in (word, word.capitalize(), word.upper())
}
_WHOLE: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,39})\Z", re.ASCII)
_BASED: Final = re.compile(r"[-+]?0(?:x[0-9a-fA-F]{1,32}|o?[0-7]{1,32}|b[01]{1,64})\Z", re.ASCII)
_REAL: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?\Z", re.ASCII)
_STEP: Final = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_PAIR: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_TAG: Final = "tag:yaml.org,2002:"


class YamlError(QuietcoreError, ValueError):
    """A text that is no YAML, or none that its consumer would take; ``where`` names the file and the line."""


@dataclass(frozen=True)
class YamlDocument:
    """One document of a file: its ``data``, and the line (from 1) on which each key or item stands."""

    data: Any
    name: str = ""
    line: int = 1
    lines: dict[Path, int] = field(default_factory=dict, repr=False)

    def line_of(self, path: str | Sequence[str | int]) -> int | None:
        """The line of ``"spec.containers[0].name"``, or of the path's parts, for keys with dots; None if absent."""
        return self.lines.get(_parts(path))

    def place(self, path: str | Sequence[str | int]) -> str:
        """``pod.yaml, line 7`` for errors: the line of the path, or of the nearest that encloses it."""
        parts = _parts(path)
        while parts and parts not in self.lines:
            parts = parts[:-1]
        return _where(self.name, self.lines.get(parts, self.line))


def decoded(content: bytes, name: str = "") -> str:
    """A file's content as text. Raises YamlError that names the offset where it stops being UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise YamlError(
            "not UTF-8 text",
            where=", ".join(filter(None, (name, f"offset {fault.start}"))),
            given=repr(content[fault.start : fault.start + 8]),
            hint="save the file as UTF-8",
        ) from None


def documents(text: str, name: str = "") -> list[YamlDocument]:
    """Every document of a YAML or JSON text; empty ones (only comments) are left out.

    Raises YamlError with the line: for text that does not parse, duplicate keys, keys that are no text at the top,
    unknown tags, nesting beyond ``DEEPEST``, aliases of themselves or of more than ``ALIASED`` values.
    """
    return [document for document in _Reader(text, name).documents() if document.data is not None]


@dataclass
class _Open:
    """A mapping or sequence that is being read."""

    data: Any
    path: Path
    line: int
    anchor: str | None
    key: str | None = None
    merges: list[Any] = field(default_factory=list)
    weight: int = 1


class _Reader:
    def __init__(self, text: str, name: str) -> None:
        self.text, self.name = _PAIR.sub(_joined, text) if text.lstrip()[:1] in ("{", "[") else text, name
        self._clear(1)

    def _clear(self, line: int) -> None:
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Any, int] | None] = {}
        self.aliased = 0
        self.root: Any = None
        self.line = line
        self.lines: dict[Path, int] = {}

    def documents(self) -> Iterator[YamlDocument]:
        for event in self._events():
            if isinstance(event, yaml.DocumentStartEvent):
                self._clear(_line(event))
            elif isinstance(event, yaml.DocumentEndEvent):
                yield YamlDocument(self.root, self.name, self.line, self.lines)
            elif isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                self._begin(event)
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                self._end()

    def _events(self) -> Iterator[Any]:
        try:
            yield from yaml.parse(self.text, Loader=_LOADER)
        except yaml.MarkedYAMLError as fault:
            mark = fault.problem_mark or fault.context_mark
            hint = _TAB if _tabbed(fault) else "mend the YAML"
            raise self._fault(fault.problem or "", (mark.line if mark else 0) + 1, hint=hint) from None
        except yaml.reader.ReaderError as fault:
            line = self.text.count("\n", 0, fault.position) + 1
            raise self._fault(f"a character that no YAML may hold: {fault.character!r}", line) from None
        except yaml.YAMLError as fault:
            raise self._fault(" ".join(str(fault).split()), 0) from None
        except UnicodeEncodeError as fault:
            line = self.text.count("\n", 0, fault.start) + 1
            raise self._fault("a character that is half of a pair", line) from None

    def _fault(
        self, given: str, line: int, what: str = "not a YAML document", hint: str = "mend the YAML"
    ) -> YamlError:
        return YamlError(what, where=_where(self.name, line), given=given, hint=hint)

    def _begin(self, event: Any) -> None:
        line = _line(event)
        if len(self.stack) >= DEEPEST:
            raise self._fault(f"more than {DEEPEST} levels", line, "nested too deep", "flatten the document")
        mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", _TAG + ("map" if mapping else "seq")):
            raise self._fault(str(event.tag), line, "unknown tag", "remove the tag")
        if self._awaits_key():
            raise self._fault("a mapping or list as a key", line, "key is no text", "write the key as text")
        opened = _Open({} if mapping else [], self._next_path(), line, event.anchor)
        if event.anchor:
            self.anchors[event.anchor] = None
        self.lines.setdefault(opened.path, line)
        self.stack.append(opened)

    def _end(self) -> None:
        closed = self.stack.pop()
        for merged in closed.merges:
            for key, value in merged.items():
                closed.data.setdefault(key, value)
                self.lines.setdefault((*closed.path, key), closed.line)
        if closed.anchor:
            self.anchors[closed.anchor] = (closed.data, closed.weight)
        self._place(closed.data, closed.weight, closed.line)

    def _scalar(self, event: Any) -> None:
        line = _line(event)
        if self._awaits_key():
            self._key(event, line)
            return
        value = self._value(event, line)
        if event.anchor:
            self.anchors[event.anchor] = (value, 1)
        self.lines.setdefault(self._next_path(), line)
        self._place(value, 1 + len(event.value) // 100, line)

    def _alias(self, event: Any) -> None:
        line = _line(event)
        if event.anchor not in self.anchors:
            raise self._fault(f"*{event.anchor}", line, "alias of nothing", f"define &{event.anchor} before it")
        held = self.anchors[event.anchor]
        if held is None:
            raise self._fault(f"*{event.anchor}", line, "alias within what it stands for", "remove the alias")
        if self._awaits_key():
            raise self._fault(f"*{event.anchor}", line, "key is no text", "write the key as text")
        value, weight = held
        self.aliased += weight
        if self.aliased > ALIASED:
            given = f"aliases of more than {ALIASED} values"
            raise self._fault(given, line, "aliases unfold without end", "write the values out")
        self.lines.setdefault(self._next_path(), line)
        self._place(value, weight, line)

    def _awaits_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].data, dict) and self.stack[-1].key is None

    def _next_path(self) -> Path:
        if not self.stack:
            return ()
        parent = self.stack[-1]
        return (*parent.path, parent.key if parent.key is not None else len(parent.data))

    def _key(self, event: Any, line: int) -> None:
        parent, key = self.stack[-1], event.value
        if len(self.stack) == 1 and not isinstance(self._value(event, line), str):
            raise self._fault(key or "an empty key", line, "key is no text", f'write it as text: "{key}"')
        if key in parent.data:
            first = self.lines[(*parent.path, key)]
            given, hint = f'"{key}", first on line {first}', "keep one of the two"
            raise self._fault(given, line, "key is written twice", hint)
        parent.key = key
        self.lines[(*parent.path, key)] = line

    def _place(self, value: Any, weight: int, line: int) -> None:
        if not self.stack:
            self.root = value
            return
        parent = self.stack[-1]
        parent.weight += weight
        if isinstance(parent.data, list):
            parent.data.append(value)
            return
        key, parent.key = parent.key, None
        if key != "<<":
            parent.data[key] = value
            return
        merged = value if isinstance(value, list) else [value]
        if not all(isinstance(each, dict) for each in merged):
            raise self._fault("<<", line, "merge of what is no mapping", "write the keys out")
        parent.merges.extend(merged)

    def _value(self, event: Any, line: int) -> Any:
        text, tag = event.value, event.tag
        if tag == "!" or tag == _TAG + "str" or (tag is None and not event.implicit[0]):
            return text
        if tag is not None and tag not in (_TAG + "int", _TAG + "float", _TAG + "bool", _TAG + "null"):
            raise self._fault(str(tag), line, "unknown tag", "remove the tag")
        return _plain(text)


_TAB: Final = "YAML indents with spaces: replace the tabs"


def _tabbed(fault: yaml.MarkedYAMLError) -> bool:
    return "tab" in f"{fault.problem}{fault.context}" or "cannot start any token" in str(fault.problem)


def _joined(pair: re.Match[str]) -> str:
    """The character that JSON writes as a surrogate pair, which YAML has no escape for, as YAML's own escape."""
    high, low = int(pair[2], 16), int(pair[3], 16)
    return f"{pair[1]}\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08x}"


def _plain(text: str) -> Any:
    """What a scalar without quotes means."""
    if text in _NULL:
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    if _WHOLE.match(text):
        return int(text)
    if _BASED.match(text):
        digits = text.lower()
        return int(digits, 0) if any(base in digits for base in "xob") else int(digits, 8)
    real = float(text) if _REAL.match(text) else inf
    return text if isinf(real) else real


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _where(name: str, line: int) -> str:
    return ", ".join(filter(None, (name, f"line {line}" if line else "")))


def _parts(path: str | Sequence[str | int]) -> Path:
    if not isinstance(path, str):
        return tuple(path)
    return tuple(int(index) if index else key for index, key in _STEP.findall(path))
