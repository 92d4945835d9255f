"""The policy pack that judges: one that was named, else the project's own, else quietcore's catalogue alone."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from quietcore.errors import EnvironmentFault

FILE: Final = "PulumiPolicy.yaml"
OURS: Final = ("quietcore-resource", "quietcore-site", "quietcore-advice")
"""The policies that write the record; what they report stands there too."""

_PROGRAM: Final = """from pulumi_policy import PolicyPack

from quietcore.policy import policies

PolicyPack("quietcore", policies=policies())
"""


def pack_for(project: Path | None, given: Path | None, scratch: Path) -> Path:
    """The pack's folder; one of this Python is written below ``scratch`` where the project has none.

    Raises EnvironmentFault where ``given`` is no pack.
    """
    if given is not None:
        if not (given / FILE).is_file():
            raise EnvironmentFault("no policy pack there", where=str(given), allowed=f"a folder with {FILE}")
        return given.resolve()
    own = project / "policies" if project else None
    return own if own is not None and (own / FILE).is_file() else _written(scratch / "policies")


def config_for(scratch: Path, record: Path) -> Path:
    """The pack's configuration: what could not be decided refuses, and the outcome goes to ``record``."""
    file = scratch / "policy-config.json"
    file.write_text(json.dumps({"quietcore-site": {"undecided": "mandatory", "record": str(record)}}), encoding="utf-8")
    return file


def _written(folder: Path) -> Path:
    """quietcore's catalogue as a pack that this very Python runs."""
    folder.mkdir()
    inside = sys.prefix != sys.base_prefix
    options = {"options": {"toolchain": "pip", "virtualenv": sys.prefix}} if inside else {}
    (folder / FILE).write_text(json.dumps({"runtime": {"name": "python", **options}}), encoding="utf-8")
    (folder / "__main__.py").write_text(_PROGRAM, encoding="utf-8")
    return folder
