"""A Kubernetes object as others wrote it: values of the expected kind, or an error that names the place.

What has no value yet, in a preview, is neither there nor missing: ``Manifest.known`` tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from quietcore.errors import QuietcoreError, UnitError
from quietcore.render.element import UNKNOWN_TEXT
from quietcore.render.yaml_document import Path, YamlDocument, documents
from quietcore.units.quantity import Quantity

_PLAIN = (str, int, float, bool, type(None), Mapping, list, tuple)


class ManifestError(QuietcoreError, ValueError):
    """An object that the API server would refuse; ``where`` names the file and line, or the resource and the path."""


@dataclass(frozen=True)
class Manifest:
    """A value within an object, its path, and who can tell where that path stands."""

    value: Any
    path: Path
    place: Callable[[Path], str]

    @property
    def known(self) -> bool:
        """Whether it has a value already, or none at all."""
        return isinstance(self.value, _PLAIN) and self.value != UNKNOWN_TEXT

    def at(self, *keys: str) -> Manifest:
        """The value below the keys; None where one of them is missing; unknown below what is unknown."""
        found = self
        for key in keys:
            value = found.fields().get(key) if found.known else UNKNOWN_TEXT
            found = Manifest(value, (*found.path, key), self.place)
        return found

    def fields(self) -> Mapping[str, Any]:
        """The mapping; empty where nothing is given or known. Raises ManifestError for another kind."""
        if not self.known or self.value is None:
            return {}
        if not isinstance(self.value, Mapping):
            raise self.fault("a mapping")
        return {str(key): value for key, value in self.value.items() if not str(key).startswith("__")}

    def each(self) -> list[Manifest]:
        """The items of a list; none where nothing is given or known."""
        if not self.known or self.value is None:
            return []
        if not isinstance(self.value, list | tuple):
            raise self.fault("a list")
        return [Manifest(item, (*self.path, index), self.place) for index, item in enumerate(self.value)]

    def text(self) -> str | None:
        """The text; None where nothing is given or known."""
        if not self.known or self.value is None:
            return None
        if not isinstance(self.value, str):
            raise self.fault("text", hint=f'write "{str(self.value).lower()}"' if _scalar(self.value) else "")
        return self.value

    def number(self) -> int | None:
        """The whole number; the engine hands floats."""
        if not self.known or self.value is None:
            return None
        number = int(self.value) if isinstance(self.value, float) and self.value.is_integer() else self.value
        if isinstance(number, bool) or not isinstance(number, int):
            raise self.fault("a whole number")
        return number

    def flag(self) -> bool | None:
        """True or false."""
        if not self.known or self.value is None:
            return None
        if not isinstance(self.value, bool):
            raise self.fault("true or false")
        return self.value

    def quantity(self) -> Quantity | None:
        """A Kubernetes quantity, written as text or number."""
        if not self.known or self.value is None:
            return None
        if isinstance(self.value, bool) or not isinstance(self.value, str | int | float):
            raise self.fault("a quantity")
        number = isinstance(self.value, float) and self.value.is_integer()
        try:
            return Quantity.parse(str(int(self.value)) if number else str(self.value))
        except UnitError as fault:
            raise self.fault(fault.allowed, hint=fault.hint, what=fault.what) from None

    def texts(self) -> dict[str, str]:
        """A mapping of texts, without those that are not known."""
        return {key: text for key in self.fields() if (text := self.at(key).text()) is not None}

    def undecided(self) -> bool:
        """Whether anything in it has no value yet."""
        if not self.known:
            return True
        below = self.value.values() if isinstance(self.value, Mapping) else self.value
        if not isinstance(below, str) and _holds(self.value):
            return any(Manifest(value, self.path, self.place).undecided() for value in below)
        return False

    def fault(self, allowed: str, *, hint: str = "", what: str = "not what the API server takes") -> ManifestError:
        """The error for this place."""
        given = _kind(self.value) if _holds(self.value) else repr(self.value)[:80]
        return ManifestError(what, where=self.place(self.path), given=given, allowed=allowed, hint=hint)


def manifest_of(data: Mapping[str, Any], name: str = "") -> Manifest:
    """An object that no file holds; ``name`` is how the reader knows it."""
    return Manifest(data, (), lambda path: ", ".join(part for part in (name, written(path)) if part))


def manifests(text: str, name: str = "") -> list[Manifest]:
    """Every object of a YAML or JSON text, those in a List one by one. Raises YamlError and ManifestError."""
    found = []
    for document in documents(text, name):
        found += members(manifest_in(document))
    return found


def manifest_in(document: YamlDocument) -> Manifest:
    """The object in a document of a file, whose lines errors name."""
    return Manifest(document.data, (), _placed(document))


def members(manifest: Manifest, depth: int = 0) -> list[Manifest]:
    """What a List holds, or the object itself."""
    kind = manifest.at("kind").text() or ""
    if not kind.endswith("List") or "items" not in manifest.fields() or depth > 3:
        return [manifest]
    return [member for item in manifest.at("items").each() for member in members(item, depth + 1)]


def written(path: Path) -> str:
    """A path as a reader writes it: ``spec.containers[0].name``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _placed(document: YamlDocument) -> Callable[[Path], str]:
    return lambda path: ", ".join(part for part in (document.place(path), written(path)) if part)


def _scalar(value: Any) -> bool:
    return isinstance(value, bool | int | float)


def _holds(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple)


def _kind(value: Any) -> str:
    return "a mapping" if isinstance(value, Mapping) else "a list"
