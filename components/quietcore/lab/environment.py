"""The environment that makes a shell work with a lab: hosts, images, engine."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from quietcore.errors import EnvironmentFault
from quietcore.lab import state
from quietcore.lab.layout import cache_root, lab_dir


def of(name: str) -> dict[str, str]:
    """Variable -> value for the lab of that name; an error when it is not up."""
    known = state.read(lab_dir(name))
    if known is None:
        raise EnvironmentFault(f"lab {name} is not up", hint=f"quietcore lab up --name {name}")
    return {**_hosts(known), **_images(known.images), **_engine()}


def exports(variables: dict[str, str]) -> str:
    """The variables as lines that a POSIX shell evaluates."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())


def _hosts(known: state.LabState) -> dict[str, str]:
    found = {"QUIETCORE_LAB": known.name, "QUIETCORE_LAB_STATE": f"{known.dir}/lab.json"}
    for host in known.hosts:
        prefix = f"QUIETCORE_LAB_{host.name.upper()}"
        found |= {f"{prefix}_URI": host.uri, f"{prefix}_SSH_URI": host.ssh_uri}
    return found


def _images(images: state.Images) -> dict[str, str]:
    found: dict[str, str] = {}
    for tier in ("tier1", "tier2"):
        image = getattr(images, tier)
        if image is not None:
            prefix = f"QUIETCORE_LAB_{tier.upper()}"
            found |= {f"{prefix}_{part.upper()}": value for part, value in image.model_dump().items()}
    return found


def _engine() -> dict[str, str]:
    """The engine's variables for a hermetic run in the project of the current folder, where there is one."""
    project = next((folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "Pulumi.yaml").exists()), None)
    if project is None:
        return {}
    home, backend = project / ".state" / "pulumi-home", project / ".state" / "backend"
    try:
        for folder in (home, backend):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"the engine's state cannot be kept in this project: {error.strerror}"
        raise EnvironmentFault(what, where=str(project / ".state"), hint="chown the project's folder") from error
    found = {
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
    folders = [str(Path(sys.executable).parent), *_engine_path(project)]
    path = os.environ.get("PATH", "").split(":")
    return {"PATH": ":".join([*(folder for folder in folders if folder not in path), *path]), **found}


def _engine_path(project: Path) -> list[str]:
    """The folder of an engine that the project built, or another project; nothing where the user's own is used."""
    bootstrap = project / "toolchain" / "bootstrap.py"
    if not bootstrap.exists():
        built = cache_root().glob("pulumi/*/bin/pulumi")
        newest = max(built, key=lambda program: program.stat().st_mtime, default=None)
        return [] if shutil.which("pulumi") or newest is None else [str(newest.parent)]
    done = subprocess.run([sys.executable, bootstrap, "path"], capture_output=True, text=True, timeout=60)
    return [done.stdout.strip()] if done.returncode == 0 and done.stdout.strip() else []
