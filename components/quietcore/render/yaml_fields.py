"""The fields of a mapping in a YAML document, read one by one as the type that their consumer takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from quietcore.errors import UnitError
from quietcore.render.yaml_document import Path, YamlDocument, YamlError

Value = TypeVar("Value")

_KINDS = {type(None): "nothing", dict: "a mapping", list: "a list", bool: "true or false", int: "a number"}
_KINDS |= {float: "a number", str: "text"}


class Fields:
    """A mapping at ``path``. Each reader gives None where the key is absent or null; YamlError names line and type."""

    def __init__(self, document: YamlDocument, path: Path = ()) -> None:
        """Raises YamlError where there is no mapping."""
        data = document.data
        for part in path:
            data = data[part]
        self.document, self.path = document, path
        self.data: Mapping[str, Any] = {} if data is None else data
        self.read: set[str] = set()
        if not isinstance(self.data, dict):
            raise self.wrong(path, data, "a mapping")

    def wrong(self, path: Path, value: object, allowed: str, hint: str = "") -> YamlError:
        """The error for a value of the wrong type."""
        return YamlError(
            f"{_said(path)} is {_KINDS.get(type(value), 'no such value')}, not {allowed}",
            where=self.document.place(path),
            given=f"{value!r}"[:80],
            allowed=allowed,
            hint=hint or f"write {allowed}",
        )

    def within(self, key: str) -> Fields | None:
        """The mapping below ``key``."""
        return None if self._take(key) is None else Fields(self.document, (*self.path, key))

    def each(self, key: str) -> list[Fields]:
        """The mappings of the list below ``key``."""
        value = self._take(key)
        if value is not None and not isinstance(value, list):
            raise self.wrong((*self.path, key), value, "a list")
        return [Fields(self.document, (*self.path, key, index)) for index in range(len(value or ()))]

    def text(self, key: str) -> str | None:
        """Text; empty text counts as absent, as it does to a kubelet."""
        return self._as(key, str, "text", self._quoted) or None

    def flag(self, key: str) -> bool | None:
        """True or false, without quotes."""
        return self._as(key, bool, "true or false", lambda _value: "write true or false without quotes")

    def whole(self, key: str) -> int | None:
        """A whole number."""
        value = self._take(key)
        if value is not None and type(value) is not int:
            raise self.wrong((*self.path, key), value, "a whole number")
        return value

    def unit(self, key: str, parse: Callable[[str], Value]) -> Value | None:
        """A text that ``parse`` reads; a UnitError of it becomes one that names the line."""
        value = self.text(key)
        return None if value is None else self.parsed(key, value, parse)

    def parsed(self, key: str, value: str, parse: Callable[[str], Value]) -> Value:
        """``parse(value)``, whose UnitError is told with the key's line."""
        try:
            return parse(value)
        except UnitError as fault:
            path = (*self.path, key)
            what = f"{_said(path)}: {fault.what}"
            where, hint = self.document.place(path), fault.hint or f"write {fault.allowed}"
            raise YamlError(what, where=where, given=fault.given, allowed=fault.allowed, hint=hint) from None

    def rest(self) -> dict[str, Any]:
        """What nobody has read."""
        return {key: value for key, value in self.data.items() if key not in self.read}

    def _take(self, key: str) -> Any:
        self.read.add(key)
        return self.data.get(key)

    def _as(self, key: str, kind: type[Value], allowed: str, hint: Callable[[object], str]) -> Value | None:
        value = self._take(key)
        if value is None or isinstance(value, kind):
            return value
        raise self.wrong((*self.path, key), value, allowed, hint(value))

    @staticmethod
    def _quoted(value: object) -> str:
        spelled = str(value).lower() if isinstance(value, bool) else str(value)
        return f'write it in quotes: "{spelled}"' if isinstance(value, (bool, int, float)) else ""


def _said(path: Path) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
    return text or "the document"
