"""The Pulumi project that a verb works on: found as the engine finds it, by walking up to a Pulumi.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from quietcore.errors import EnvironmentFault

FILES: Final = ("Pulumi.yaml", "Pulumi.yml")


@dataclass(frozen=True)
class Project:
    """A project's folder, its Pulumi.yaml, and what that file says."""

    folder: Path
    file: Path
    data: dict[str, Any]

    @property
    def name(self) -> str:
        """The project's name."""
        return str(self.data.get("name", ""))

    @property
    def main(self) -> Path:
        """The folder of the program, where stacks also keep their assignment locks."""
        return self.folder / str(self.data.get("main") or ".")

    @property
    def providers(self) -> list[dict[str, Any]]:
        """The entries of `plugins: providers:`."""
        plugins = self.data.get("plugins")
        entries = plugins.get("providers") if isinstance(plugins, dict) else None
        return [entry for entry in entries or [] if isinstance(entry, dict)]

    def provider(self, name: str) -> dict[str, Any] | None:
        """The entry of the provider `name`; None where the file has none."""
        return next((entry for entry in self.providers if entry.get("name") == name), None)

    def stacks(self) -> list[str]:
        """The stacks that have a configuration or a lock file, by name."""
        folder = self.folder / str(self.data.get("stackConfigDir") or ".")
        configured = {path.name[len("Pulumi.") : -len(path.suffix)] for path in _stack_files(folder)}
        locked = {path.name.removesuffix(".lock.yaml") for path in self.main.glob("*.lock.yaml")}
        return sorted(configured | locked)


def find_project(start: Path | None = None) -> Project:
    """The project at or above `start` (the working folder unless given). Raises EnvironmentFault."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        for name in FILES:
            if (folder / name).is_file():
                return Project(folder, folder / name, read_project(folder / name))
    raise EnvironmentFault(
        "no Pulumi project here", where=str(here), hint="`quietcore init` writes one; -C DIR names another folder"
    )


def read_project(file: Path) -> dict[str, Any]:
    """What a Pulumi.yaml says. Raises EnvironmentFault where it is no YAML mapping."""
    import yaml

    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as fault:
        raise EnvironmentFault("Pulumi.yaml is no YAML", where=str(file), given=" ".join(str(fault).split())) from None
    if not isinstance(data, dict):
        raise EnvironmentFault("Pulumi.yaml is no mapping", where=str(file), allowed="name:, runtime: and so on")
    return data


def _stack_files(folder: Path) -> Iterator[Path]:
    for pattern in ("Pulumi.*.yaml", "Pulumi.*.yml"):
        yield from folder.glob(pattern)
