"""What was lifted, put together by machine: which folder speaks of which, and which of several texts is believed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any, Final

from quietcore.errors import QuietcoreError
from quietcore.lint.layer import Layer, Lifted
from quietcore.lint.text import HERE

RANKS: Final[Mapping[str, tuple[str, ...]]] = {
    "topology": ("topology file", "topology capabilities", "topology table"),
    "cmdline": ("cmdline plain", "cmdline entry", "cmdline grub"),
    "kubelet": ("kubelet",),
}
"""Layers of which a machine has one, and which source of it is believed first: what runs before what is to run."""

_TUNED: Final = frozenset({"tuned file", "tuned active", "script"})


@dataclass
class Group:
    """A machine's layers, by noun, in order of the files; ``guests`` holds the insides of its domains, by name."""

    name: str
    folder: str
    layers: dict[str, list[Layer]] = field(default_factory=lambda: defaultdict(list))
    guests: dict[str, Group] = field(default_factory=dict)
    unjudged: list[tuple[str, str]] = field(default_factory=list)
    broken: list[tuple[str, QuietcoreError]] = field(default_factory=list)

    def of(self, noun: str) -> list[Layer]:
        """The layers of a noun; none where there is none."""
        return self.layers.get(noun, [])

    def said(self, noun: str) -> Any:
        """The value of the first layer of a noun; None where there is none."""
        return self.of(noun)[0].value if self.of(noun) else None

    def best(self, noun: str) -> Layer | None:
        """The one that is believed; the others of the same source are told to be left alone."""
        found = [layer for source in RANKS[noun] for layer in self.of(source)]
        if not found:
            return None
        for other in found[1:]:
            if other.noun == found[0].noun or noun == "cmdline":
                reason = f"a second {noun} of {self.name}, whose {noun} is taken from {found[0].text.name}"
                self.unjudged.append((other.text.name, reason))
        return found[0]


def groups_of(lifted: Iterable[Lifted]) -> list[Group]:
    """The machines, in order of their folders."""
    layers: dict[str, list[Layer]] = {}
    for each in lifted:
        if each.layers:
            layers.setdefault(each.text.machine, []).extend(each.layers)
    _fold_profiles(layers)
    names = _names(layers)
    groups = {folder: _group(folder, names[folder], found) for folder, found in layers.items()}
    for folder, group in list(groups.items()):
        above = groups.get(str(PurePath(folder).parent))
        inside = PurePath(folder).name
        if above is not None and any(layer.value.name == inside for layer in above.of("domain")):
            group.name = inside
            above.guests[inside] = groups.pop(folder)
    return list(groups.values())


def _group(folder: str, name: str, layers: list[Layer]) -> Group:
    group = Group(name, folder)
    for layer in layers:
        group.layers[layer.noun].append(layer)
    for noun in ("pod", "virtual machine"):
        if noun in group.layers:
            group.layers[noun] = _told_apart(group.of(noun))
    return group


def _told_apart(found: list[Layer]) -> list[Layer]:
    """Objects of one kind and name under names that tell them apart: by namespace, or by file within one."""
    taken = Counter((each.value.kind, each.value.name) for each in found)
    fully = Counter((each.value.kind, each.value.namespace, each.value.name) for each in found)

    def named(each: Layer) -> Layer:
        value = each.value
        if taken[value.kind, value.name] == 1:
            return each
        alike = fully[value.kind, value.namespace, value.name] > 1
        name = f"{value.namespace}/{value.name}{f' of {PurePath(each.text.name).name}' if alike else ''}"
        return replace(each, value=value.model_copy(update={"name": name}))

    return [named(each) for each in found]


def _fold_profiles(layers: dict[str, list[Layer]]) -> None:
    """A folder with nothing but a tuned profile belongs to the folder above, if that one is a machine's or such too."""
    for folder in sorted(layers, key=len, reverse=True):
        above = str(PurePath(folder).parent)
        if above != folder and above in layers and all(layer.noun in _TUNED for layer in layers[folder]):
            inside = PurePath(folder).name
            if not any(layer.noun == "domain" and layer.value.name == inside for layer in layers[above]):
                layers[above].extend(layers.pop(folder))


def _names(folders: Iterable[str]) -> dict[str, str]:
    """Each folder's name; where two have the same, with that of the folder above."""
    plain = {folder: PurePath(folder).name or HERE for folder in folders}
    twice = {name for name in plain.values() if list(plain.values()).count(name) > 1}
    return {
        folder: str(PurePath(*PurePath(folder).parts[-2:])) if name in twice else name for folder, name in plain.items()
    }
