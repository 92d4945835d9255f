"""What `gate` and `audit` need: the engine, the pack's library, and where the program's files are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from quietcore.cli.project import Project
from quietcore.cli.versions import engine_path
from quietcore.errors import EnvironmentFault

if TYPE_CHECKING:
    from quietcore.gate.engine import Engine
    from quietcore.gate.place import Program


def engine_in(folder: Path) -> Engine:
    """The Pulumi CLI, run in a folder. Raises EnvironmentFault where there is none."""
    from quietcore.gate.engine import Engine

    path = engine_path()
    if path is None:
        raise EnvironmentFault("the Pulumi CLI is not installed", hint="https://www.pulumi.com/docs/install/")
    return Engine(path, folder)


@contextmanager
def judging() -> Iterator[None]:
    """Import what judges. Raises EnvironmentFault where the library of policy packs is not installed."""
    from quietcore.garbage import uncollected

    try:
        with uncollected():
            yield
    except ModuleNotFoundError as fault:
        if (fault.name or "").partition(".")[0] != "pulumi_policy":
            raise
        raise EnvironmentFault("pulumi-policy is not installed", hint="pip install 'quietcore[policy]'") from None


def program_of(project: Project | None) -> Program:
    """The program's files, to show findings in; none where there is no project."""
    from quietcore.gate.place import Place, Program, program_in

    return program_in(project.folder, project.main.resolve()) if project else Program(Place("Pulumi.yaml"))
