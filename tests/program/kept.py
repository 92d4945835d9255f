"""What a release leaves in a stack, kept beside the program that made it, so that later releases are held to it.

`state/VERSION/` holds `state.json` (`pulumi stack export`), `__main__.py`, `hosts/` and the assignment lock. Hosts are
at sockets and images at URLs that do not exist; images carry their checksum, so that a preview needs neither.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STATES = Path(__file__).parent / "state"
IMAGES = "https://images.example.net"
NOWHERE = "/nowhere/{host}"


def releases() -> list[Path]:
    """The folders of all kept releases, the oldest first."""
    return sorted(STATES.iterdir(), key=lambda folder: [int(number) for number in folder.name.split(".")])


def write_project(folder: Path, release: Path) -> None:
    """Write the kept program as a project with this release's plugin, without a stack."""
    shutil.copytree(release, folder, ignore=shutil.ignore_patterns("state.json"))
    settings = {
        "name": "site",
        "runtime": {"name": "python", "options": {"virtualenv": str(Path(sys.prefix))}},
        "plugins": {"providers": [{"name": "libvirt", "path": str(ROOT / "plugins" / "pulumi-libvirt")}]},
    }
    (folder / "Pulumi.yaml").write_text(json.dumps(settings))


def previewed(folder: Path, state: Path, pulumi: Callable[..., Any]) -> Any:
    """Import the state into a new stack of the project and preview it, expecting no changes; no host answers."""
    env = {"CI": "true"}
    pulumi("stack", "init", "dev", cwd=folder, env=env).ok()
    pulumi("stack", "import", "--file", str(state), cwd=folder, env=env).ok()
    return pulumi("preview", "--diff", "--expect-no-changes", cwd=folder, env=env)
