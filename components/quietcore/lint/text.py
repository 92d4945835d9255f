"""Texts that are judged: where each was found, and of which machine it speaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from quietcore.errors import EnvironmentFault

MOST: Final = 4 << 20
"""Bytes of the greatest file that is read; a capabilities XML of a thousand CPUs has a tenth."""

SYSTEM: Final = (
    ("boot", "grub"),
    ("boot", "grub2"),
    ("boot", "loader"),
    ("etc", "containerd"),
    ("etc", "crio"),
    ("etc", "default"),
    ("etc", "kernel"),
    ("etc", "kubernetes"),
    ("etc", "libvirt"),
    ("etc", "tuned"),
    ("lib", "tuned"),
    ("proc", "cmdline"),
    ("run", "libvirt"),
    ("sys", "devices"),
    ("usr", "lib", "tuned"),
    ("var", "lib", "kubelet"),
)
"""Where files stand in a machine's file system: the folder above is the machine's."""

HERE: Final = "localhost"


@dataclass(frozen=True)
class Text:
    """A file's content; ``machine`` is the folder of the machine it speaks of, ``name`` how the reader knows it.

    ``content`` is None where ``fault`` says why it was not read.
    """

    name: str
    machine: str
    content: bytes | None
    fault: str = ""


def texts_of(paths: Iterable[Path]) -> Iterator[Text]:
    """Every file of the paths, folders with all that is below them. Raises EnvironmentFault for a missing path."""
    seen: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise EnvironmentFault("no such file or folder", given=str(path), hint="give files or folders that exist")
        for file, fault in _files(path):
            real = file.resolve()
            if real not in seen:
                seen.add(real)
                yield Text(str(file), str(file.absolute()), None, fault) if fault else _text(file)


def home_of(path: PurePath) -> PurePath:
    """The folder of the machine that a file speaks of: its own, or the root of the file system that it stands in."""
    parts = path.parts
    for at in range(len(parts)):
        if any(parts[at : at + len(place)] == place for place in SYSTEM):
            return PurePath(*parts[:at]) if at else path.parent
    return path.parent


def _files(path: Path) -> Iterator[tuple[Path, str]]:
    """Files below a folder in order of their names, and folders that cannot be read, each with the reason.

    Hidden ones and links to folders are left out.
    """
    if not path.is_dir():
        yield path, ""
        return
    try:
        below = sorted(path.iterdir())
    except OSError as fault:
        yield path, fault.strerror or str(fault)
        return
    for each in below:
        if each.name.startswith(".") or (each.is_dir() and each.is_symlink()):
            continue
        if each.is_dir():
            yield from _files(each)
        elif each.is_file():
            yield each, ""


def _text(path: Path) -> Text:
    absolute = PurePath(path.absolute())
    machine = home_of(absolute)
    try:
        with path.open("rb") as file:
            content = file.read(MOST + 1)
    except OSError as fault:
        return Text(str(path), str(machine), None, fault=fault.strerror or str(fault))
    if len(content) > MOST:
        return Text(str(path), str(machine), None, fault=f"larger than {MOST >> 20} MiB")
    return Text(str(path), str(machine), content)
